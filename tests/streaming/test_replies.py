"""How replies travel: headers and cookies in the prelude, and whole ones for ``sam local``."""

from proxy_events import proxy_event
from runtime_process import Platform


async def test_headers_and_cookies_go_into_the_prelude(platform: Platform) -> None:
    await platform.start("""
        @http_only
        async def app(scope, receive, send):
            await send(start(201, [(b"Vary", b"a"), (b"vary", b"b"), (b"x-id", b"\\xe9"),
                                   (b"set-cookie", b"c=1"), (b"set-cookie", b"d=2")]))
            await send(body(bytes(20) + b"binary"))
    """)
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    assert call.prelude == {
        "statusCode": 201,
        "headers": {"x-id": "é"},
        "multiValueHeaders": {"vary": ["a", "b"]},
        "cookies": ["c=1", "d=2"],
    }
    assert call.body == bytes(20) + b"binary"


async def test_a_reply_without_a_body_is_its_prelude(platform: Platform) -> None:
    await platform.start("""
        @http_only
        async def app(scope, receive, send):
            await send(start(204))
            await send(body(more=True))
            await send(body())
    """)
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    assert call.chunks == [b'{"statusCode":204,"headers":{}}' + bytes(8)]


async def test_a_head_longer_than_the_gateway_reads_is_logged(platform: Platform) -> None:
    runtime = await platform.start("""
        @http_only
        async def app(scope, receive, send):
            await send(start(200, [(b"x-long", b"a" * 20000)]))
            await send(body(b"all the same"))
    """)
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    assert call.body == b"all the same"
    await platform.api.polled(2)
    assert "a head of 20050 bytes is more than API Gateway reads" in await runtime.stop()


async def test_sam_local_gets_an_ordinary_response(platform: Platform) -> None:
    await platform.start(
        """
        @http_only
        async def app(scope, receive, send):
            await send(start(201, [(b"Content-Type", b"text/event-stream"), (b"set-cookie", b"a=1"),
                                   (b"set-cookie", b"b=2")]))
            await send(body(b"data: 1\\n\\n", more=True))
            await send(body(b"data: 2\\n\\n"))
            await wait_at("settling")
        """,
        AWS_SAM_LOCAL="true",
    )
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    await platform.gates.reached("settling")
    assert not call.streamed
    assert call.head["content-type"] == "application/json"
    assert call.json == {
        "statusCode": 201,
        "headers": {"content-type": "text/event-stream"},
        "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]},
        "body": "data: 1\n\ndata: 2\n\n",
        "isBase64Encoded": False,
    }


async def test_sam_local_hears_of_a_crash_at_any_point(platform: Platform) -> None:
    await platform.start(
        """
        @http_only
        async def app(scope, receive, send):
            await send(start())
            await send(body(b"half a", more=True))
            raise ValueError("broke")
        """,
        AWS_SAM_LOCAL="true",
    )
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    assert (call.kind, call.json["errorMessage"]) == ("error", "broke")
