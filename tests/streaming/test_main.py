"""The init phase: what is reported, and with which exit code the process ends."""

import pytest

from proxy_events import proxy_event
from runtime_process import Platform


@pytest.mark.parametrize(
    ("source", "handler", "kind", "message"),
    [
        ("import nothing_of_this_name", "app.app", "Runtime.ImportModuleError", "No module named"),
        ("raise ValueError('at import')", "app.app", "ValueError", "at import"),
        ("def", "app.app", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("", "app.app", "Runtime.HandlerNotFound", "'app' missing on module 'app'"),
        ("app = 1", "app.app", "Runtime.HandlerNotFound", "is not callable"),
        ("", "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"),
    ],
    ids=["missing module", "exception", "syntax", "no attribute", "no callable", "no dot"],
)
async def test_an_application_that_cannot_be_loaded(
    platform: Platform, source: str, handler: str, kind: str, message: str
) -> None:
    runtime = await platform.start(source, _HANDLER=handler)
    assert await runtime.exit_code() == 1
    [(headers, error)] = platform.api.init_errors
    assert headers["lambda-runtime-function-error-type"] == error["errorType"] == kind
    assert message in error["errorMessage"]
    assert f"[ERROR] {kind}: " in runtime.log
    assert platform.api.polls == 0


async def test_the_stack_trace_of_an_import_begins_in_the_application(platform: Platform) -> None:
    await (await platform.start("def broken():\n    raise ValueError\nbroken()")).exit_code()
    [(_, error)] = platform.api.init_errors
    assert ["app.py" in frame for frame in error["stackTrace"]] == [True, True]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_LAMBDA_RUNTIME_API", "localhost"), ("AWS_LAMBDA_MAX_CONCURRENCY", "0"), ("_HANDLER", "")],
)
async def test_an_environment_that_makes_no_sense(platform: Platform, variable: str, value: str) -> None:
    runtime = await platform.start("", **{variable: value})
    assert await runtime.exit_code() == 1
    assert runtime.log.startswith(f"sluice_streaming: {variable} must ")


async def test_snapstart_hooks_run_around_the_snapshot(platform: Platform) -> None:
    runtime = await platform.start(
        """
        from snapshot_restore_py import register_after_restore, register_before_snapshot

        tell("import")
        opened = {}

        @register_before_snapshot
        def first_registered():
            tell("before snapshot, registered first")

        @register_before_snapshot
        def last_registered():
            asyncio.get_event_loop().run_until_complete(opened["at startup"].put("closed by a hook"))
            tell("before snapshot, registered last")

        @register_after_restore
        def restored():
            asyncio.run(asyncio.sleep(0))
            tell("after restore")

        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                opened["at startup"] = asyncio.Queue()
                tell("startup")
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send(start())
            await send(body((await opened["at startup"].get()).encode()))
        """,
        AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
    )
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    assert call.body == b"closed by a hook"
    assert platform.history[:7] == [
        "gate import", "gate startup", "gate before snapshot, registered last",
        "gate before snapshot, registered first", "restore/next", "gate after restore", "next",
    ]  # fmt: skip
    await platform.api.polled(2)
    await runtime.stop()


@pytest.mark.parametrize(
    ("hook", "code", "kind", "begins"),
    [
        ("register_before_snapshot", 64, "Runtime.BeforeSnapshotError", "init/error begins"),
        ("register_after_restore", 65, "Runtime.AfterRestoreError", "restore/next"),
    ],
)
async def test_a_snapstart_hook_that_fails(
    platform: Platform, hook: str, code: int, kind: str, begins: str
) -> None:
    runtime = await platform.start(
        f"""
        import snapshot_restore_py

        @snapshot_restore_py.{hook}
        def fail():
            raise OSError("no snapshot of this")

        app = http_only(None)
        """,
        AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
    )
    assert await runtime.exit_code() == code
    [(headers, error)] = platform.api.init_errors
    assert headers["lambda-runtime-function-error-type"] == kind
    assert error["errorMessage"] == "no snapshot of this"
    assert platform.history[0] == begins
