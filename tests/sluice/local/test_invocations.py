"""Handlers, called as Lambda calls them."""

import asyncio
import threading
from typing import Any

import pytest

from sluice.local import invocations
from sluice.local.invocations import invoke
from sluice.worker import Worker


async def test_a_handler_runs_off_the_loop_on_an_event_of_its_own() -> None:
    event = {"Records": [{"n": 1}]}

    def handler(event: Any, _: Any) -> Any:
        async def answer() -> Any:
            event["Records"].append("changed")
            return event["Records"]

        return asyncio.run(answer())

    assert await invoke(handler, event) == [{"n": 1}, "changed"]
    assert event == {"Records": [{"n": 1}]}


async def test_a_worker_answers_on_this_loop_many_events_at_a_time() -> None:
    both = asyncio.Barrier(2)

    async def answer(event: Any, _: object) -> Any:
        await both.wait()
        event["Records"].append("changed")
        return threading.current_thread(), event["Records"]

    worker = Worker(answer, open_parts=object)
    event = {"Records": [1]}
    with pytest.raises(TypeError, match="JSON"):  # a thread is none: so it was this one
        await asyncio.gather(invoke(worker, event), invoke(worker, event))
    assert event == {"Records": [1]}


async def test_what_a_handler_raises_is_raised() -> None:
    def handler(_: Any, __: Any) -> None:
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        await invoke(handler, {})


@pytest.mark.parametrize("fails", [False, True])
async def test_who_is_cancelled_waits_for_the_handler_to_end(fails: bool) -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def handler(_: Any, __: Any) -> None:
        begun.set()
        may_end.wait()
        ended.set()
        if fails:
            raise KeyError("too late")

    task = asyncio.create_task(invoke(handler, {}))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_handler_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invocations, "END_SECONDS", 0)
    begun, may_end = threading.Event(), threading.Event()

    def handler(_: Any, __: Any) -> None:
        begun.set()
        may_end.wait()

    task = asyncio.create_task(invoke(handler, {}))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    assert all(thread.daemon for thread in left if thread.name.endswith("(run)"))
    may_end.set()


def test_a_handler_that_ends_after_the_loop_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invocations, "END_SECONDS", 0)
    begun, may_end = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def handler(_: Any, __: Any) -> None:
        threads.append(threading.current_thread())
        begun.set()
        may_end.wait()

    async def leave() -> None:
        task = asyncio.create_task(invoke(handler, {}))
        await asyncio.to_thread(begun.wait)
        task.cancel()

    asyncio.run(leave())
    may_end.set()
    (thread,) = threads
    thread.join()
