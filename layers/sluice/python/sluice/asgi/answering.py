"""Requests to models over ASGI, whole and streamed."""

from typing import assert_never

from sluice.api.model_request import ModelRequest
from sluice.api.shapes import ReplyShape
from sluice.asgi.exchange import Exchange
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.idempotency import HEADER
from sluice.pipeline.path import Call, StreamedReply, WholeReply, answered


async def answer[Request: ModelRequest, Whole: ReplyShape](
    exchange: Exchange, gateway: Gateway, endpoint: Endpoint[Request, Whole]
) -> None:
    """Answer a request to an endpoint: a whole reply, or a streamed one as it comes."""
    idempotency_key = exchange.header(HEADER)
    if idempotency_key:
        exchange.outlive_client()  # it may have given up waiting, and will come back for this answer
    call = Call(
        authorization=exchange.header("authorization"),
        body=await exchange.body(gateway.settings.max_body_bytes),
        record=exchange.record,
        headers=exchange.reply_headers,
        idempotency_key=idempotency_key,
        allowed=exchange.allowed,
        afterwards=exchange.afterwards.append,
    )
    async with answered(gateway, call, endpoint) as reply:
        match reply:
            case WholeReply(body):
                await exchange.send_json(200, body)
            case StreamedReply(frames, deadline):
                await exchange.send_events(frames, deadline)
            case _:
                assert_never(reply)
