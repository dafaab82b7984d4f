"""What a route does not tell of itself: a row for each endpoint. A new endpoint is one more row."""

from collections.abc import Mapping
from typing import Any

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.health import Health
from sluice.api.model_list import Model, ModelList
from sluice.api.model_status import ModelStatusList
from sluice.asgi.docs import MEDIA
from sluice.openapi.endpoint import KEYED, OPEN, Endpoint
from sluice.openapi.examples import API_CHAT, CHAT, COMPLETIONS, EMBEDDINGS, MODEL_ID, Example
from sluice.openapi.headers import IDEMPOTENCY_KEY, PROVIDERS
from sluice.openapi.job_endpoints import JOB_ENDPOINTS
from sluice.openapi.shapes import (
    ApiChatCompletionRequest,
    ChatCompletionEvent,
    ChatCompletionReply,
    CompletionEvent,
    CompletionReply,
    EmbeddingsReply,
    OpenAPIDocument,
)

TEXT: Mapping[str, Any] = {"type": "string"}

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
    *JOB_ENDPOINTS,
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
