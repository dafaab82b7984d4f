"""Requests to models over ASGI, whole and streamed."""

from collections.abc import Mapping
from typing import assert_never

from sluice.api.model_request import ModelRequest
from sluice.api.shapes import ReplyShape
from sluice.asgi.application import Application, Operation
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange
from sluice.config import Settings
from sluice.pipeline.address_limit import open_address_limiter
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.idempotency import HEADER
from sluice.pipeline.path import Call, answered
from sluice.pipeline.reply import StreamedReply, WholeReply
from sluice.pipeline.route import PROVIDER


def gateway_application(operations: Mapping[str, Operation[Gateway]], *, name: str) -> Application[Gateway]:
    """The application of a function that answers with models; see ``Application`` for the arguments."""
    return Application(
        operations,
        name=name,
        open_parts=lambda: Gateway.open(Settings.from_environment()),
        open_limiter=lambda gateway: open_address_limiter(gateway.settings, gateway.aws),
        cross_origin=lambda gateway: CrossOrigin(gateway.settings.cors_origins),
        close_parts=Gateway.close,
    )


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
        providers=exchange.header(PROVIDER),
        allowed=exchange.allowed,
        afterwards=exchange.afterwards.append,
    )
    async with answered(gateway, call, endpoint) as reply:
        match reply:
            case WholeReply(body=body):
                await exchange.send_json(200, body)
            case StreamedReply(frames, deadline):
                await exchange.send_events(frames, deadline)
            case _:
                assert_never(reply)
