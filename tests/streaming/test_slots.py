"""The runtime as a process: when chunks leave, how many streams it carries, how it ends."""

import pytest

from proxy_events import proxy_event
from runtime_process import Platform


async def test_first_token_leaves_before_the_second_exists(platform: Platform) -> None:
    await platform.start("""
        @http_only
        async def app(scope, receive, send):
            await send(start())
            await wait_at("prelude seen")
            await send(body(b"first", more=True))
            await wait_at("first seen")
            await send(body(b"second"))
    """)
    call = platform.api.invoke(proxy_event())

    prelude = await platform.api.chunk(call, 0)
    assert prelude == b'{"statusCode":200,"headers":{}}' + bytes(8)
    assert len(call.chunks) == 1
    await platform.gates.open("prelude seen")
    assert await platform.api.chunk(call, 1) == b"first"
    assert len(call.chunks) == 2
    await platform.gates.open("first seen")

    await platform.api.completed(call)
    assert call.chunks[2:] == [b"second"]
    assert call.streamed
    assert call.head["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert call.trailers == {}


async def test_two_hundred_streams_on_one_process(platform: Platform) -> None:
    runtime = await platform.start(
        """
        @http_only
        async def app(scope, receive, send):
            request_id = scope["aws.context"].aws_request_id
            await send(start())
            await send(body(f"{os.getpid()} {request_id}".encode(), more=True))
            await wait_at("all have begun")
            await send(body(scope["aws.context"].xray_trace_id.encode()))
        """,
        AWS_LAMBDA_MAX_CONCURRENCY="200",
    )
    calls = [platform.api.invoke(proxy_event()) for _ in range(200)]

    await platform.api.until(lambda: all(len(call.chunks) == 2 for call in calls))
    assert not any(call.complete for call in calls)
    await platform.gates.open("all have begun")

    await platform.api.completed(*calls)
    for call in calls:
        assert call.chunks[1].decode() == f"{runtime.pid} {call.request_id}"
        assert call.chunks[2].decode() == f"Root={call.request_id}"


async def test_work_after_the_last_byte_is_off_the_clients_clock(platform: Platform) -> None:
    await platform.start("""
        @http_only
        async def app(scope, receive, send):
            await send(start())
            await send(body(b"all"))
            await wait_at("settling")
    """)
    call = platform.api.invoke(proxy_event())

    await platform.api.completed(call)
    await platform.gates.reached("settling")
    assert platform.api.polls == 1
    await platform.gates.open("settling")

    await platform.api.polled(2)
    response = "response request-1"
    assert platform.history == [
        "next", f"{response} begins", f"{response} chunk", f"{response} chunk", f"{response} complete",
        "gate settling", "next",
    ]  # fmt: skip


async def test_a_crash_after_the_last_byte_is_only_logged(platform: Platform) -> None:
    runtime = await platform.start("""
        @http_only
        async def app(scope, receive, send):
            await send(start(500))
            await send(body(b"sorry"))
            raise ValueError("as Starlette does after its error page")
    """)
    call = platform.api.invoke(proxy_event())

    await platform.api.polled(2)
    assert (call.kind, call.prelude["statusCode"], call.body) == ("response", 500, b"sorry")
    assert call.trailers == {}
    assert "[ERROR] ValueError: as Starlette does" in await runtime.stop()


async def test_a_crash_before_the_prelude_is_an_error(platform: Platform) -> None:
    runtime = await platform.start("""
        @http_only
        async def app(scope, receive, send):
            raise ValueError("bo\\u00f6m")
    """)
    call = platform.api.invoke(proxy_event(), {"Lambda-Runtime-Invocation-Id": "attempt-1"})

    await platform.api.completed(call)
    assert call.kind == "error"
    assert call.head["lambda-runtime-function-error-type"] == "ValueError"
    assert call.head["lambda-runtime-invocation-id"] == "attempt-1"
    assert '"message": "bo\\u00f6m"' in call.head["lambda-runtime-function-xray-error-cause"]
    assert {**call.json, "stackTrace": len(call.json["stackTrace"])} == {
        "errorMessage": "boöm", "errorType": "ValueError", "requestId": "request-1", "stackTrace": 2,
    }  # fmt: skip
    assert "in app\n" in call.json["stackTrace"][0]

    await platform.api.polled(2)
    assert "[ERROR] ValueError: boöm" in await runtime.stop()


async def test_a_crash_after_the_prelude_ends_with_trailers(platform: Platform) -> None:
    runtime = await platform.start("""
        @http_only
        async def app(scope, receive, send):
            await send(start())
            await send(body(b"half a", more=True))
            raise RuntimeError("upstream broke")
    """)
    call = platform.api.invoke(proxy_event())

    await platform.api.completed(call)
    assert (call.kind, call.body) == ("response", b"half a")
    assert call.head["trailer"] == "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
    assert call.trailers["lambda-runtime-function-error-type"] == "RuntimeError"
    assert call.trailing_error["errorType"] == "RuntimeError"
    assert call.trailing_error["errorMessage"] == "upstream broke"
    assert "upstream broke" in call.trailing_error["stackTrace"][-1]
    await platform.api.polled(2)
    await runtime.stop()


@pytest.mark.parametrize(
    ("sent", "kind", "stage"),
    [("", "error", "HEAD"), ("await send(start())", "response", "BODY")],
    ids=["nothing sent", "no last body"],
)
async def test_an_incomplete_response_is_a_crash(
    platform: Platform, sent: str, kind: str, stage: str
) -> None:
    await platform.start(f"""
        @http_only
        async def app(scope, receive, send):
            await asyncio.sleep(0)
            {sent}
    """)
    call = platform.api.invoke(proxy_event())

    await platform.api.completed(call)
    assert call.kind == kind
    error = call.json if kind == "error" else call.trailing_error
    assert error["errorType"] == "IncompleteResponseError"
    assert error["errorMessage"] == f"the application returned with its response at {stage}"


async def test_an_application_that_cancels_itself_has_crashed(platform: Platform) -> None:
    await platform.start("""
        @http_only
        async def app(scope, receive, send):
            if "cancel" in scope["path"]:
                asyncio.current_task().cancel()
                await asyncio.sleep(0)
            await send(start())
            await send(body(b"well"))
    """)
    cancelled = platform.api.invoke(proxy_event("/cancel"))
    after = platform.api.invoke(proxy_event())

    await platform.api.completed(cancelled, after)
    assert (cancelled.kind, cancelled.json["errorType"]) == ("error", "CancelledError")
    assert after.body == b"well"


@pytest.mark.parametrize(
    "event",
    [
        {"source": "aws.events", "detail-type": "Scheduled Event"},
        {"resource": "/", "requestContext": {}},
        [1],
        b"no json",
    ],
    ids=["schedule", "half a request", "a list", "not JSON"],
)
async def test_an_unknown_event_is_shrugged_off(platform: Platform, event: object) -> None:
    runtime = await platform.start("""
        @http_only
        async def app(scope, receive, send):
            await send(start())
            await send(body(b"alive"))
    """)
    unknown, request = platform.api.invoke(event), platform.api.invoke(proxy_event())

    await platform.api.completed(unknown, request)
    assert (unknown.kind, unknown.json, unknown.streamed) == ("response", {}, False)
    assert request.body == b"alive"
    await platform.api.polled(3)
    lines = (await runtime.stop()).splitlines()
    assert len(lines) == 1
    assert "request-1\tnot an API Gateway request" in lines[0]


async def test_a_context_that_is_not_json_is_an_error(platform: Platform) -> None:
    await platform.start("app = None.__class__")
    call = platform.api.invoke(proxy_event(), {"Lambda-Runtime-Client-Context": "{"})
    await platform.api.completed(call)
    assert (call.kind, call.json["errorType"]) == ("error", "Runtime.LambdaContextUnmarshalError")


async def test_the_application_drains_when_the_platform_has_gone(platform: Platform) -> None:
    runtime = await platform.start("""
        @http_only
        async def app(scope, receive, send):
            await send(start())
            await send(body(b"first", more=True))
            if scope["path"] == "/broken":
                await wait_at("connection broken")
                for n in range(50):
                    await send(body(bytes(10000), more=True))
                tell("drained")
            await send(body(b"last"))
            tell(f"settled {scope['path']}")
    """)
    broken = platform.api.invoke(proxy_event("/broken"))
    await platform.api.chunk(broken, 1)
    await platform.gates.reached("connection broken")
    broken.break_off()
    await platform.gates.open("connection broken")

    await platform.gates.reached("settled /broken")
    assert not broken.complete
    after = platform.api.invoke(proxy_event("/after"))
    await platform.gates.reached("settled /after")
    assert after.complete
    assert after.body == b"firstlast"
    assert platform.history.index("gate drained") < platform.history.index("gate settled /broken")

    await platform.api.polled(3)
    log = await runtime.stop()
    assert log.count("cannot be delivered") == 1
    assert "request-1\tthe reply cannot be delivered" in log


async def test_a_refused_reply_is_logged(platform: Platform) -> None:
    runtime = await platform.start("""
        @http_only
        async def app(scope, receive, send):
            await send(start())
            await send(body(b"too much"))
    """)
    platform.api.invoke(proxy_event(), answer_status=413)
    await platform.api.polled(2)
    assert "the reply was answered 413" in await runtime.stop()


async def test_sigterm_lets_streams_in_flight_finish(platform: Platform) -> None:
    runtime = await platform.start(
        """
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                assert (await receive())["type"] == "lifespan.startup"
                await send({"type": "lifespan.startup.complete"})
                assert (await receive())["type"] == "lifespan.shutdown"
                tell("shutdown")
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send(start())
            await send(body(b"before", more=True))
            await wait_at("SIGTERM sent")
            await send(body(b"after"))
        """,
        AWS_LAMBDA_MAX_CONCURRENCY="3",
    )
    await platform.api.polled(3)
    call = platform.api.invoke(proxy_event())
    await platform.api.chunk(call, 1)
    polling = platform.api.connections
    runtime.terminate()
    await platform.api.until(lambda: platform.api.connections == polling - 2)
    await platform.gates.open("SIGTERM sent")

    assert await runtime.exit_code() == 0
    assert call.complete
    assert call.body == b"beforeafter"
    assert platform.api.polls == 3
    assert platform.history[-1] == "gate shutdown"
    assert runtime.log == ""


async def test_alone_a_broken_runtime_api_is_the_end(platform: Platform) -> None:
    runtime = await platform.start("app = http_only(None)")
    await platform.api.polled(1)
    platform.api.shut()
    assert await runtime.exit_code() == 1
    assert "[ERROR] ConnectionResetError: the server closed the connection without an answer" in runtime.log


async def test_alone_a_refused_poll_is_the_end(platform: Platform) -> None:
    platform.api.poll_statuses = [500]
    runtime = await platform.start("app = http_only(None)")
    assert await runtime.exit_code() == 1
    assert platform.api.polls == 1
    assert "[ERROR] RuntimeAPIError: /invocation/next answered 500: b'not now'" in runtime.log


async def test_with_many_slots_polling_is_tried_again(platform: Platform) -> None:
    platform.api.poll_statuses = [500] * 4
    runtime = await platform.start(
        """
        @http_only
        async def app(scope, receive, send):
            await send(start())
            await send(body(b"at last"))
        """,
        AWS_LAMBDA_MAX_CONCURRENCY="2",
    )
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    assert call.body == b"at last"
    assert (await runtime.stop()).count("asking for an invocation failed, again in") == 4


async def test_with_many_slots_a_dead_runtime_api_is_the_end_after_the_streams(platform: Platform) -> None:
    runtime = await platform.start(
        """
        @http_only
        async def app(scope, receive, send):
            await send(start())
            await wait_at("all slots but this gave up")
            await send(body(b"last"))
            tell("settled")
        """,
        AWS_LAMBDA_MAX_CONCURRENCY="2",
    )
    await platform.api.polled(2)
    call = platform.api.invoke(proxy_event())
    await platform.api.chunk(call, 0)
    platform.api.shut()
    await platform.gates.open("all slots but this gave up")
    await platform.gates.reached("settled")
    assert await runtime.exit_code() == 1
    assert "ConnectionRefusedError" in runtime.log


async def test_the_trace_id_is_in_the_environment_only_when_alone(platform: Platform) -> None:
    source = """
        @http_only
        async def app(scope, receive, send):
            await send(start())
            await send(body(f"{os.environ.get('_X_AMZN_TRACE_ID')}".encode()))
        """
    alone = await platform.start(source)
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    assert call.body == b"Root=request-1"
    await alone.stop()

    await platform.start(source, AWS_LAMBDA_MAX_CONCURRENCY="2")
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    assert call.body == b"None"
