"""The application's startup belongs to the init phase, its shutdown to the end of the process."""

import pytest

from proxy_events import proxy_event
from runtime_process import Platform


async def test_startup_comes_before_the_first_poll_and_its_state_reaches_requests(platform: Platform) -> None:
    runtime = await platform.start("""
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                scope["state"]["client"] = "opened at startup"
                tell("startup")
                await send({"type": "lifespan.startup.complete"})
                await receive()
                tell("shutdown")
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send(start())
            await send(body(scope["state"].pop("client").encode()))
    """)
    first, second = platform.api.invoke(proxy_event()), platform.api.invoke(proxy_event())
    await platform.api.completed(first, second)
    await platform.api.polled(3)
    await runtime.stop()

    assert platform.history[:2] == ["gate startup", "next"]
    assert platform.history[-1] == "gate shutdown"
    assert first.body == second.body == b"opened at startup"


async def test_a_failed_startup_is_an_init_error(platform: Platform) -> None:
    runtime = await platform.start("""
        async def app(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no secrets to be had"})
            raise RuntimeError("as Starlette raises after it")
    """)
    assert await runtime.exit_code() == 1
    [(headers, error)] = platform.api.init_errors
    assert headers["lambda-runtime-function-error-type"] == "LifespanStartupFailedError"
    assert error["errorMessage"] == "no secrets to be had"
    assert platform.api.polls == 0


@pytest.mark.parametrize(
    "refusal",
    ["raise AssertionError('http only')", "await receive(); raise KeyError('lifespan')", "return"],
    ids=["raises at once", "raises on the event", "returns"],
)
async def test_an_application_without_lifespan_goes_on(platform: Platform, refusal: str) -> None:
    runtime = await platform.start(f"""
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                {refusal}
            await send(start())
            await send(body(b"served"))
    """)
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    assert call.body == b"served"
    await platform.api.polled(2)
    assert await runtime.stop() == ""


@pytest.mark.parametrize(
    ("ending", "logged"),
    [
        (
            "await send({'type': 'lifespan.shutdown.failed', 'message': 'stuck'})",
            "failed to shut down: stuck",
        ),
        ("raise ValueError('stuck')", ""),
    ],
    ids=["says so", "raises"],
)
async def test_a_failed_shutdown_still_ends_well(platform: Platform, ending: str, logged: str) -> None:
    runtime = await platform.start(f"""
        async def app(scope, receive, send):
            await receive()
            await send({{"type": "lifespan.startup.complete"}})
            await receive()
            {ending}
    """)
    await platform.api.polled(1)
    assert logged in await runtime.stop()
