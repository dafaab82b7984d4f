"""What a route does not tell of itself: a row for each endpoint. A new endpoint is one more row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.health import Health
from sluice.api.model_list import Model, ModelList
from sluice.api.model_status import ModelStatusList
from sluice.asgi.docs import MEDIA
from sluice.openapi.examples import API_CHAT, CHAT, COMPLETIONS, EMBEDDINGS, MODEL_ID, Example
from sluice.openapi.headers import IDEMPOTENCY_KEY, PROVIDERS
from sluice.openapi.schemas import Shape
from sluice.openapi.shapes import (
    ApiChatCompletionRequest,
    ChatCompletionEvent,
    ChatCompletionReply,
    CompletionEvent,
    CompletionReply,
    EmbeddingsReply,
    OpenAPIDocument,
)

TAGS: Mapping[str, str] = {
    "Chat": "Conversations, answered whole or token by token",
    "Completions": "Texts, continued whole or token by token",
    "Embeddings": "Texts as vectors",
    "Models": "What can be asked",
    "Gateway": "The gateway itself",
}

OPEN = frozenset({429, 500, 503})
"""Any request may fail so: its client's address is counted."""
KEYED = OPEN | {400, 401, 402, 403, 404, 409, 413, 422, 502, 504}
"""So may one that a provider answers."""

TEXT: Mapping[str, Any] = {"type": "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation, under one path or several.

    Attributes:
        paths: the first is the one to use, the others are its aliases.
        method: in capitals.
        id: names the operation; for an alias, the path is added.
        tag: one of ``TAGS``.
        summary: one line.
        description: more, in Markdown.
        request: the shape of the body.
        reply: the shape of a success in JSON, or the media types of another success with their schemas.
        event: the shape of an event, where the reply may be a stream.
        failures: the statuses of failed requests.
        keyed: whether it wants a key.
        cacheable: whether a client that has the newest reply is told so by a 304.
        parameters: of path and header, as OpenAPI has them.
        headers: of a success, beside those that every such reply has.
        examples: by name.
        links: from a reply to what can be asked next, as OpenAPI has them.
    """

    paths: tuple[str, ...]
    method: str
    id: str
    tag: str
    summary: str
    description: str = ""
    request: Shape | None = None
    reply: Shape | Mapping[str, Mapping[str, Any]]
    event: Shape | None = None
    failures: frozenset[int] = OPEN
    keyed: bool = False
    cacheable: bool = False
    parameters: tuple[Mapping[str, Any], ...] = ()
    headers: tuple[str, ...] = ()
    examples: Mapping[str, Example] = field(default_factory=dict)
    links: Mapping[str, Any] = field(default_factory=dict)


ENDPOINTS = (
    Endpoint(
        paths=("/v1/chat/completions", "/v1/chat"),
        method="POST",
        id="createChatCompletion",
        tag="Chat",
        summary="The next turn of a conversation",
        description="With `stream`, the reply is a stream of server-sent events that ends in `data: [DONE]`. With "
        "`search_enabled`, the web is searched first for what the last user's turn is about: the model is told what "
        "was found, and cites it by `[1]`, `[2]`, …, which are the entries of the reply's `search_result`.",
        request=ChatCompletionRequest,
        reply=ChatCompletionReply,
        event=ChatCompletionEvent,
        failures=KEYED,
        keyed=True,
        parameters=(IDEMPOTENCY_KEY, PROVIDERS),
        headers=("idempotent-replayed",),
        examples=CHAT,
    ),
    Endpoint(
        paths=("/api/v1/chat/completions", "/api/v1/chat"),
        method="POST",
        id="createApiChatCompletion",
        tag="Chat",
        summary="The same, with defaults for the model and the limit of tokens",
        description="`max_tokens` is filled in only where `max_completion_tokens` is absent too.",
        request=ApiChatCompletionRequest,
        reply=ChatCompletionReply,
        event=ChatCompletionEvent,
        failures=KEYED,
        keyed=True,
        parameters=(IDEMPOTENCY_KEY, PROVIDERS),
        headers=("idempotent-replayed",),
        examples=API_CHAT,
    ),
    Endpoint(
        paths=("/v1/completions", "/api/v1/completions"),
        method="POST",
        id="createCompletion",
        tag="Completions",
        summary="Texts, continued",
        description="A chat model that has no such endpoint at its provider gets the text as a user's message.",
        request=CompletionRequest,
        reply=CompletionReply,
        event=CompletionEvent,
        failures=KEYED,
        keyed=True,
        parameters=(IDEMPOTENCY_KEY, PROVIDERS),
        headers=("idempotent-replayed",),
        examples=COMPLETIONS,
    ),
    Endpoint(
        paths=("/v1/embeddings", "/api/v1/embeddings"),
        method="POST",
        id="createEmbedding",
        tag="Embeddings",
        summary="A vector for each text",
        request=EmbeddingsRequest,
        reply=EmbeddingsReply,
        failures=KEYED,
        keyed=True,
        parameters=(IDEMPOTENCY_KEY, PROVIDERS),
        headers=("idempotent-replayed",),
        examples=EMBEDDINGS,
    ),
    Endpoint(
        paths=("/v1/models", "/api/v1/models"),
        method="GET",
        id="listModels",
        tag="Models",
        summary="Every model",
        reply=ModelList,
        cacheable=True,
        examples={"all": Example(summary="Every model")},
        links={
            "first": {
                "operationId": "retrieveModel",
                "description": "A model of the list",
                "parameters": {"id": "$response.body#/data/0/id"},
            }
        },
    ),
    Endpoint(
        paths=("/v1/models/{id}", "/api/v1/models/{id}"),
        method="GET",
        id="retrieveModel",
        tag="Models",
        summary="One model",
        reply=Model,
        cacheable=True,
        failures=OPEN | {404},
        parameters=(
            {
                "name": "id",
                "in": "path",
                "required": True,
                "description": "Its id or an alias; a slash in it may be written as it is or as `%2F`",
                "schema": {"type": "string", "minLength": 1},
            },
        ),
        examples=MODEL_ID,
    ),
    Endpoint(
        paths=("/v1/models/status", "/api/v1/models/status"),
        method="GET",
        id="listModelStatus",
        tag="Models",
        summary="How each model is",
        reply=ModelStatusList,
        headers=("cache-control",),
        examples={"now": Example(summary="Now")},
    ),
    Endpoint(
        paths=("/health",),
        method="GET",
        id="health",
        tag="Gateway",
        summary="Whether the gateway is up",
        reply=Health,
        headers=("cache-control",),
        examples={"now": Example(summary="Now")},
    ),
    Endpoint(
        paths=("/openapi.json",),
        method="GET",
        id="openapi",
        tag="Gateway",
        summary="This document",
        reply=OpenAPIDocument,
        cacheable=True,
        headers=("x-content-type-options",),
        examples={"now": Example(summary="This document")},
    ),
    Endpoint(
        paths=("/docs",),
        method="GET",
        id="docs",
        tag="Gateway",
        summary="This document as a page",
        reply={MEDIA[".html"]: TEXT},
        cacheable=True,
        headers=("content-security-policy", "x-content-type-options"),
        examples={"now": Example(summary="The page")},
    ),
    Endpoint(
        paths=("/docs/{file}",),
        method="GET",
        id="docsFile",
        tag="Gateway",
        summary="A file of the page",
        reply={MEDIA[kind]: TEXT for kind in (".css", ".js", ".txt")},
        failures=OPEN | {404},
        parameters=(
            {
                "name": "file",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1},
            },
        ),
        cacheable=True,
        headers=("x-content-type-options",),
        examples={
            "style": Example(summary="Its style", parameters={"file": "swagger-ui.css"}),
            "script": Example(summary="Its script", parameters={"file": "page.js"}),
        },
    ),
)
