"""Chat replies over ASGI."""

from typing import assert_never

from sluice.asgi.exchange import Exchange
from sluice.pipeline.chat import Reply, StreamedReply, WholeReply


async def send_reply(exchange: Exchange, reply: Reply) -> None:
    """Send a whole reply, or a streamed one as it comes."""
    match reply:
        case WholeReply(body):
            await exchange.send_json(200, body)
        case StreamedReply(frames, deadline):
            await exchange.send_events(frames, deadline)
        case _:
            assert_never(reply)
