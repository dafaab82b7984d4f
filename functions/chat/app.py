"""Chat completions and their aliases."""

from functools import partial

from sluice.asgi.answering import answer, gateway_application
from sluice.asgi.application import post
from sluice.pipeline.chat import Chat, ChatDefaults

CHAT = post(partial(answer, endpoint=Chat()))
API_CHAT = post(partial(answer, endpoint=Chat(ChatDefaults(model="gemini-2.5-flash", max_tokens=4096))))
"""Under /api a client may leave both out."""

app = gateway_application(
    {
        "/v1/chat/completions": CHAT,
        "/v1/chat": CHAT,
        "/api/v1/chat/completions": API_CHAT,
        "/api/v1/chat": API_CHAT,
    },
    name="chat",
)
