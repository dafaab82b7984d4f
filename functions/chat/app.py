"""Chat completions and their aliases."""

from functools import partial

from sluice.asgi.application import Application, post
from sluice.asgi.chat import send_reply
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange
from sluice.config import Settings
from sluice.pipeline.address_limit import open_address_limiter
from sluice.pipeline.chat import ChatCall, ChatDefaults, chat
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.idempotency import HEADER

API_DEFAULTS = ChatDefaults(model="gemini-2.5-flash", max_tokens=4096)
"""Under /api a client may leave both out."""


async def chat_completions(
    exchange: Exchange, gateway: Gateway, defaults: ChatDefaults | None = None
) -> None:
    """POST a conversation, get the assistant's next turn, whole or streamed."""
    idempotency_key = exchange.header(HEADER)
    if idempotency_key:
        exchange.outlive_client()  # it may have given up waiting, and will come back for this answer
    call = ChatCall(
        authorization=exchange.header("authorization"),
        body=await exchange.body(gateway.settings.max_body_bytes),
        record=exchange.record,
        defaults=defaults,
        headers=exchange.reply_headers,
        idempotency_key=idempotency_key,
        allowed=exchange.allowed,
    )
    async with chat(gateway, call) as reply:
        await send_reply(exchange, reply)


app = Application(
    {
        "/v1/chat/completions": post(chat_completions),
        "/v1/chat": post(chat_completions),
        "/api/v1/chat/completions": post(partial(chat_completions, defaults=API_DEFAULTS)),
        "/api/v1/chat": post(partial(chat_completions, defaults=API_DEFAULTS)),
    },
    open_parts=lambda: Gateway.open(Settings.from_environment()),
    open_limiter=lambda gateway: open_address_limiter(gateway.settings, gateway.aws),
    cross_origin=lambda gateway: CrossOrigin(gateway.settings.cors_origins),
    close_parts=Gateway.close,
)
