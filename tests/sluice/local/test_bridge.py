"""Where the stand-in for AWS calls functions of this process."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from function_handlers import sample_events
from sluice.local import bridge as bridge_module
from sluice.local.blueprint import Function
from sluice.local.bridge import Bridge, bridged, listeners
from sluice.local.event_sources import ExecutionEnd
from sluice.local.far_functions import FarFunctions, FarHandler, FunctionFailedError
from sluice.local.http import address_of, reserved_port
from sluice.local.invocations import Handler
from sluice.observability import logger
from sluice.worker import Worker

MACHINES = {
    "VideosMachine": "arn:aws:states:eu-central-1:123456789012:stateMachine:sluice-videos",
    "ImagesMachine": "arn:aws:states:eu-central-1:123456789012:stateMachine:sluice-images",
}


class TooBadError(Exception):
    """What the machine is to know."""


def worker(answer: Any) -> Handler:
    async def handle(event: Any, _: object) -> Any:
        return await answer(event)

    return Worker(handle, open_parts=object, known=(TooBadError,))


async def echo(event: Any) -> Any:
    return {"got": event}


async def refuse(_: Any) -> Any:
    raise TooBadError("so it is")


async def break_down(_: Any) -> Any:
    raise KeyError("a client's words")


HANDLERS: Mapping[str, Handler] = {
    "Echo": worker(echo),
    "Refuse": worker(refuse),
    "Break": worker(break_down),
    "Plain": lambda event, _: {"plain": event},
}


@asynccontextmanager
async def serving(bridge: Bridge) -> AsyncIterator[socket.socket]:
    with reserved_port(0) as listener:
        async with bridged(bridge, listener):
            yield listener


@asynccontextmanager
async def calling(bridge: Bridge) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bridge) as listener, httpx.AsyncClient(trust_env=False) as client:
        client.base_url = httpx.URL(f"http://{address_of(listener)}")
        yield client


def invocation(name: str) -> str:
    return f"/2015-03-31/functions/{name}/invocations"


async def test_a_function_is_called_and_its_reply_is_the_body() -> None:
    async with calling(Bridge(HANDLERS, (), {})) as client:
        reply = await client.post(invocation("Echo"), json={"task": "begin"})
        plain = await client.post(invocation("Plain"), json=[1])
    assert (reply.status_code, reply.json()) == (200, {"got": {"task": "begin"}})
    assert plain.json() == {"plain": [1]}
    assert "x-amz-function-error" not in reply.headers


async def test_a_failure_is_told_as_lambda_tells_it() -> None:
    async with calling(Bridge(HANDLERS, (), {})) as client:
        reply = await client.post(invocation("Refuse"), json={})
    assert (reply.status_code, reply.headers["x-amz-function-error"]) == (200, "Unhandled")
    assert reply.json() == {"errorType": "TooBadError", "errorMessage": "so it is", "stackTrace": []}


async def test_what_nobody_has_foreseen_is_told_without_its_words() -> None:
    async with calling(Bridge(HANDLERS, (), {})) as client:
        reply = await client.post(invocation("Break"), json={})
    assert reply.json()["errorType"] == "UnexpectedError"
    assert "words" not in reply.text


async def test_a_function_that_no_machine_may_call_is_not_there() -> None:
    async with calling(Bridge(HANDLERS, (), {})) as client:
        reply = await client.post(invocation("Other"), json={})
        elsewhere = await client.post("/2015-03-31/functions", json={})
    assert (reply.status_code, reply.headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    assert elsewhere.status_code == 404


async def test_many_calls_wait_for_each_other_no_more_than_they_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_module, "AT_ONCE", 3)
    under_way, most = 0, 0
    full = asyncio.Event()

    async def count(_: Any) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 3:
            full.set()
        await full.wait()
        under_way -= 1

    async with calling(Bridge({"Count": worker(count)}, (), {})) as client:
        await asyncio.gather(*(client.post(invocation("Count"), json={}) for _ in range(10)))
    assert most == 3


async def test_it_takes_calls_from_its_very_beginning() -> None:
    async with serving(Bridge(HANDLERS, (), {})) as listener:
        socket.create_connection(listener.getsockname(), timeout=5).close()  # before the server had any turn


async def test_a_call_that_is_under_way_at_the_end_may_end_too() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def go_on(_: Any) -> Any:
        begun.set()
        asyncio.get_running_loop().call_later(0.05, may_end.set)
        await may_end.wait()
        return {"went": "on"}

    async with serving(Bridge({"GoOn": worker(go_on)}, (), {})) as listener:
        far = FarFunctions(address_of(listener))
        call = asyncio.create_task(asyncio.to_thread(far.invoke, FunctionName="GoOn", Payload=b"{}"))
        await begun.wait()
    assert json.load((await call)["Payload"]) == {"went": "on"}


async def test_a_call_that_hangs_keeps_nobody_from_ending(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bridge_module, "END_SECONDS", 0)
    begun = asyncio.Event()

    async def hang(_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with serving(Bridge({"Hang": worker(hang)}, (), {})) as listener:
        far = FarFunctions(address_of(listener))
        call = asyncio.create_task(
            asyncio.to_thread(far.invoke, FunctionName="arn:aws:lambda:r:1:function:Hang", Payload=b"{}")
        )
        await begun.wait()
    with pytest.raises((OSError, HTTPException)):
        await call
    assert capfd.readouterr().err == ""


class Told:
    """A function that is told of ends."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Any] = asyncio.Queue()

    async def __call__(self, event: Any) -> None:
        await self.events.put(event)
        if event["detail"]["status"] == "TIMED_OUT":
            raise TooBadError


def listening(told: Told) -> Bridge:
    ends = (ExecutionEnd(("FAILED", "ABORTED", "TIMED_OUT"), ("ImagesMachine",)),)
    functions = [Function("End", Path(), (), {}, execution_ends=ends), Function("Other", Path(), (), {})]
    return Bridge({}, listeners(functions, {"End": worker(told), "Other": worker(echo)}), MACHINES)


async def test_a_function_is_told_of_the_ends_that_its_rule_is_for() -> None:
    told = Told()
    samples = sample_events("end_jobs")
    good = samples["failed"] | {"detail": samples["failed"]["detail"] | {"status": "SUCCEEDED"}}
    async with serving(listening(told)) as listener:
        far = FarFunctions(address_of(listener))
        for event in (  # a video's, one that went well, an image's
            sample_events("jobs")["timed_out"],
            good,
            samples["failed"],
        ):
            await asyncio.to_thread(far.tell, event)
        assert await told.events.get() == samples["failed"]
        assert told.events.empty()


async def test_one_that_fails_is_logged_and_told_again_of_the_next(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    told = Told()
    samples = sample_events("end_jobs")
    with caplog.at_level(logging.WARNING):
        async with serving(listening(told)) as listener:
            far = FarFunctions(address_of(listener))
            for name in ("timed_out", "failed"):
                await asyncio.to_thread(far.tell, samples[name])
                assert await told.events.get() == samples[name]
    assert "End, told of the end of an execution, failed" in caplog.messages
    failed = samples["failed"]["detail"]
    assert f"execution {failed['name']}: FAILED (UnexpectedError)" in caplog.messages


async def test_an_event_is_lost_where_nobody_is() -> None:
    with reserved_port(0) as nobody:
        far = FarFunctions(address_of(nobody))
    await asyncio.to_thread(far.tell, sample_events("end_jobs")["failed"])


async def test_what_a_far_function_replies_is_what_lambdas_client_gives() -> None:
    async with serving(Bridge(HANDLERS, (), {})) as listener:
        far = FarFunctions(address_of(listener))
        members = {
            "FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:Echo",
            "Payload": b'{"a":1}',
        }
        good = await asyncio.to_thread(far.invoke, **members)
        bad = await asyncio.to_thread(far.invoke, **members | {"FunctionName": "Refuse"})
        with pytest.raises(ClientError) as missing:
            await asyncio.to_thread(far.invoke, **members | {"FunctionName": "Other"})
    assert (good["StatusCode"], json.load(good["Payload"])) == (200, {"got": {"a": 1}})
    assert "FunctionError" not in good
    assert missing.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert (bad["FunctionError"], json.load(bad["Payload"])["errorType"]) == ("Unhandled", "TooBadError")


async def test_functions_elsewhere_are_called_as_if_they_were_here() -> None:
    """A bridge whose functions are behind another endpoint of Lambda's API, as those of sam local are."""
    async with serving(Bridge(HANDLERS, (), {})) as elsewhere:
        far = {name: FarHandler(name, address_of(elsewhere)) for name in ("Echo", "Refuse", "Other")}
        async with calling(Bridge(far, (), {})) as client:
            good = await client.post(invocation("Echo"), json={"task": "begin"})
            bad = await client.post(invocation("Refuse"), json={})
            missing = await client.post(invocation("Other"), json={})
        with pytest.raises(FunctionFailedError, match="TooBadError: so it is"):
            await asyncio.to_thread(far["Refuse"], {}, None)
    assert (good.status_code, good.json()) == (200, {"got": {"task": "begin"}})
    assert (bad.status_code, bad.headers["x-amz-function-error"]) == (200, "Unhandled")
    assert bad.json() == {"errorType": "TooBadError", "errorMessage": "so it is", "stackTrace": []}
    assert missing.json()["errorType"] == "ClientError"
