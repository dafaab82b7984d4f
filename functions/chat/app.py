"""Chat completions and their aliases."""

from functools import partial

from sluice.asgi.answering import answer
from sluice.asgi.application import Application, post
from sluice.asgi.cors import CrossOrigin
from sluice.config import Settings
from sluice.pipeline.address_limit import open_address_limiter
from sluice.pipeline.chat import Chat, ChatDefaults
from sluice.pipeline.gateway import Gateway

CHAT = post(partial(answer, endpoint=Chat()))
API_CHAT = post(partial(answer, endpoint=Chat(ChatDefaults(model="gemini-2.5-flash", max_tokens=4096))))
"""Under /api a client may leave both out."""

app = Application(
    {
        "/v1/chat/completions": CHAT,
        "/v1/chat": CHAT,
        "/api/v1/chat/completions": API_CHAT,
        "/api/v1/chat": API_CHAT,
    },
    name="chat",
    open_parts=lambda: Gateway.open(Settings.from_environment()),
    open_limiter=lambda gateway: open_address_limiter(gateway.settings, gateway.aws),
    cross_origin=lambda gateway: CrossOrigin(gateway.settings.cors_origins),
    close_parts=Gateway.close,
)
