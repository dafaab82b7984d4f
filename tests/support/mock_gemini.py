"""The Gemini API over a real socket, as strict as Google's.

``MockGemini`` answers what fits the request: it calls the tools that it is given, repeats what they answered, fills a
schema, and thinks aloud where it is asked to. A word ``#name`` in the user's last text picks another answer from
``ORDERS``. ``whole`` and ``events`` say any ``Turn``.
"""

import base64
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import mock_veo
from gemini_members import members_of
from gemini_refusals import (
    BROKEN,
    NOT_SERVED,
    OVERLOADED,
    TOO_LONG,
    RefusedError,
    bad_key,
    quota,
    unknown_model,
)
from gemini_request_check import checked_request, series_of
from json_instances import instance
from mock_embeddings import vector_of
from mock_gemini_turns import blocked, event, events, reply, usage, whole
from mock_http import Exchange, Received
from mock_images import FORBIDDEN, UNSHOWN, picture_of
from mock_provider import MockProvider
from mock_replies import as_json
from mock_turns import Call, Count, End, Turn

__all__ = ["MockGemini", "checked_call", "events", "whole"]

KEY = "AIzaSyMockOfTheGeminiApi0123456789abcdefg"
THINKER, BUDGETED, PLAIN, EMBEDDER, PAINTER = (
    "gemini-3-flash-preview",
    "gemini-2.5-flash",
    "gemini-2.0-flash",
    "gemini-embedding-2",
    "gemini-3-pro-image",
)
MODELS: Mapping[str, tuple[str, ...]] = {
    THINKER: ("generateContent", "countTokens"),
    BUDGETED: ("generateContent", "countTokens"),
    PLAIN: ("generateContent", "countTokens"),
    EMBEDDER: ("embedContent",),
    PAINTER: ("generateContent", "countTokens"),
    "veo-3.1-generate-preview": ("predictLongRunning",),
}
DIMENSIONS = 3072
SIGNATURE = "CiQB0e2Kb7yN9v0x4m3kq1w="
"""What this model's thoughts are signed with, in base64."""

TEXT = ("Hello", " there,", " naïve 🌍", " world.")
THOUGHTS = ("**Greeting**\n\n", "They say hello.")
COUNT = Count(prompt=20, completion=12, cached=4, reasoning=5)

_PATH = re.compile(r"/(?:v1|v1beta)/models/([^/:]+):(\w+)")
_LIST = re.compile(r"/(?:v1|v1beta)/models(?:/([^/:]+))?")
_ORDER = re.compile(r"#(\w+)")
_HEADERS = {"server-timing": "gfet4t7; dur=7", "x-gemini-service-tier": "standard"}

REFUSALS: Mapping[str, RefusedError] = {
    "overloaded": OVERLOADED,
    "broken": BROKEN,
    "not_served": NOT_SERVED,
    "too_long": TOO_LONG,
    "limited": quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "7.5s"),
    "spent": quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "31s"),
}
"""By the order that a user's words give."""


def checked_call(received: Received, key: str = KEY) -> tuple[str, str, dict[str, Any]]:
    """The model, the method and the body of a call that Gemini would take.

    Raises:
        RefusedError: it would not.
    """
    address = urlsplit(received.path)
    if received.headers.get("x-goog-api-key") != key:
        raise bad_key()
    found = _PATH.fullmatch(address.path)
    if found is None or received.method != "POST":
        raise RefusedError("Not Found", 404)
    model, method = found.groups()
    known = MODELS.get(model)
    if known is None:
        raise unknown_model(model)
    query = parse_qs(address.query)
    if query != ({"alt": ["sse"]} if method == "streamGenerateContent" else {}):
        raise RefusedError(f"Invalid query: {address.query}")
    match method:
        case "generateContent" | "streamGenerateContent" if "generateContent" in known:
            return model, method, checked_request(received.json, model)
        case "batchEmbedContents" if "embedContent" in known:
            return model, method, members_of(received.json, "embed_batch")
        case _:
            raise RefusedError(f"models/{model} does not have the method {method}.", 404)


class MockGemini(MockProvider):
    """The server; a context manager that serves while it is open."""

    def __init__(self, credential: str = KEY) -> None:
        super().__init__(credential)

    @property
    def url(self) -> str:
        """The address without a version."""
        return f"http://127.0.0.1:{self._port}"

    def last(self, text: str) -> Received:
        """The newest request whose body holds ``text``."""
        return self.containing(text)[-1]

    async def _reply(self, exchange: Exchange) -> None:
        try:
            await self._answer_call(exchange)
        except RefusedError as refused:
            # A stream's errors come in an array.
            array = (
                "streamGenerateContent" in exchange.received.path and "alt=sse" not in exchange.received.path
            )
            _send(exchange, [refused.body] if array else refused.body, refused.code)

    async def _answer_call(self, exchange: Exchange) -> None:
        if mock_veo.is_of_veo(exchange):
            self._answer_veo(exchange)
            return
        received = exchange.received
        listed = _LIST.fullmatch(urlsplit(received.path).path)
        if received.method == "GET" and listed is not None:
            if received.headers.get("x-goog-api-key") != self.credential:
                raise bad_key()
            _send(exchange, _models(listed[1]))
            return
        model, method, body = checked_call(received, self.credential)
        if method == "batchEmbedContents":
            _send(exchange, _embeddings(body, model))
            return
        if model == PAINTER:
            _send(exchange, _painted(body))
            return
        order = _ORDER.search(_last_text(body))
        name = order[1] if order else ""
        if name in REFUSALS:
            raise replace(REFUSALS[name])
        if method == "streamGenerateContent":
            _stream(exchange, _events(body, model, name), cut=name == "cut")
        else:
            _send(exchange, _whole(body, model, name))

    def _answer_veo(self, exchange: Exchange) -> None:
        match mock_veo.answer(exchange, self.films, self.credential):
            case None:
                exchange.reset()
            case status, headers, bytes() as content:
                exchange.whole(status, {**_HEADERS, **headers}, content)
            case _, _, body:
                _send(exchange, body)


def _send(exchange: Exchange, value: Any, status: int = 200) -> None:
    headers = {"content-type": "application/json; charset=UTF-8", **_HEADERS}
    body = value if isinstance(value, bytes) else as_json(value)
    exchange.whole(status, headers, body)


def _stream(exchange: Exchange, pieces: Sequence[bytes], *, cut: bool) -> None:
    exchange.start_chunked(200, {"content-type": "text/event-stream", **_HEADERS})
    for piece in pieces[:2] if cut else pieces:
        exchange.chunk(piece)
    exchange.end_chunked()


def _whole(body: dict[str, Any], model: str, order: str) -> Any:
    match order:
        case "blocked":
            return blocked("PROHIBITED_CONTENT")
        case "unsafe":
            return whole(Turn(text=TEXT[:1], end="content_filter", usage=COUNT), model)
        case "malformed":
            return reply([], model, "MALFORMED_FUNCTION_CALL", usage(COUNT))
        case _:
            found = json.loads(whole(answer_to(body, model), model))
            (candidate,) = found["candidates"]
            if (body.get("generationConfig") or {}).get("responseLogprobs"):
                candidate["logprobsResult"] = _logprobs(body)
            return _numbered(found, body)


def _events(body: dict[str, Any], model: str, order: str) -> list[bytes]:
    match order:
        case "blocked" | "malformed":
            return [event(_whole(body, model, order))]
        case "unsafe":
            return events(Turn(text=TEXT[:1], end="content_filter", usage=COUNT), model)
        case "breaks":
            return [*events(answer_to(body, model), model)[:2], event(OVERLOADED.body)]
        case _:
            said = events(answer_to(body, model), model)
            return [event(_numbered(json.loads(each.removeprefix(b"data: ")), body)) for each in said]


def _numbered(found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """As many candidates as are asked for; they all say the same."""
    number = (body.get("generationConfig") or {}).get("candidateCount", 1)
    (candidate,) = found["candidates"]
    return found | {"candidates": [candidate | {"index": index} for index in range(number)]}


def answer_to(body: dict[str, Any], model: str) -> Turn:
    """What fits a request."""
    config = body.get("generationConfig") or {}
    thinks = (config.get("thinkingConfig") or {}).get("includeThoughts") is True
    reasoning, signature = (THOUGHTS, SIGNATURE) if thinks else ((), "")
    answers = [
        part["functionResponse"] for part in body["contents"][-1]["parts"] if "functionResponse" in part
    ]
    if answers:
        said = ("The tool says ", json.dumps([answer["response"] for answer in answers], ensure_ascii=False))
        return Turn(text=said, usage=COUNT)
    names = _to_call(body)
    if names:
        calls = [Call(name, (json.dumps(_arguments(body, name), ensure_ascii=False),)) for name in names]
        signature = SIGNATURE if series_of(model) >= (3, 0) else ""
        return Turn(reasoning=reasoning, calls=calls, signature=signature, end="tool_calls", usage=COUNT)
    if config.get("responseMimeType") == "application/json":
        schema = config.get("responseJsonSchema")
        text = json.dumps(instance(schema) if schema else {"answer": "yes"}, ensure_ascii=False)
        return Turn(text=(text,), reasoning=reasoning, signature=signature, usage=COUNT)
    words = TEXT[: config.get("maxOutputTokens", len(TEXT))]
    end: End = "stop" if len(words) == len(TEXT) else "length"
    return Turn(
        text=words,
        reasoning=reasoning,
        signature=signature,
        end=end,
        usage=COUNT if thinks else Count(20, 7, 4),
    )


def _to_call(body: dict[str, Any]) -> list[str]:
    declared = [
        function["name"] for tool in body.get("tools") or () for function in tool["functionDeclarations"]
    ]
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if config.get("mode") == "NONE":
        return []
    return list(config.get("allowedFunctionNames") or declared)


def _arguments(body: dict[str, Any], name: str) -> Any:
    functions = itertools.chain.from_iterable(tool["functionDeclarations"] for tool in body["tools"])
    found = next(function for function in functions if function["name"] == name)
    schema = found.get("parametersJsonSchema") or found.get("parameters")
    return instance(schema) if schema else {}


def _last_text(body: dict[str, Any]) -> str:
    texts = [
        part["text"]
        for content in body["contents"]
        if content.get("role") != "model"
        for part in content["parts"]
        if "text" in part
    ]
    return texts[-1] if texts else ""


def _logprobs(body: dict[str, Any]) -> dict[str, Any]:
    most = (body["generationConfig"]).get("logprobs", 0)
    chosen = [{"token": word, "tokenId": 7, "logProbability": -0.25} for word in TEXT]
    return {
        "chosenCandidates": chosen,
        "topCandidates": [{"candidates": [candidate] * most} for candidate in chosen],
    }


def _painted(body: dict[str, Any]) -> dict[str, Any]:
    """A picture, after one that was thought of."""
    prompt = _last_text(body)
    if FORBIDDEN in prompt:
        return blocked("PROHIBITED_CONTENT")
    if UNSHOWN in prompt:
        return reply([], PAINTER, "IMAGE_SAFETY", usage(COUNT))
    drawn: list[tuple[bytes, dict[str, Any]]] = [
        (picture_of("a sketch"), {"thought": True}),
        (picture_of(prompt), {"thoughtSignature": SIGNATURE}),
    ]
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(content).decode()}, **members}
        for content, members in drawn
    ]
    return reply(parts, PAINTER, "STOP", usage(COUNT))


def _embeddings(body: dict[str, Any], model: str) -> dict[str, Any]:
    vectors = []
    for number, request in enumerate(body.get("requests") or ()):
        if request.get("model") != f"models/{model}":
            raise RefusedError(
                f"* BatchEmbedContentsRequest.requests[{number}].model: unexpected model name format"
            )
        text = "".join(part.get("text", "") for part in request["content"]["parts"])
        dimensions = request.get("outputDimensionality", DIMENSIONS)
        if not text or not 1 <= dimensions <= DIMENSIONS:
            raise RefusedError(f"* BatchEmbedContentsRequest.requests[{number}]: invalid")
        vectors.append({"values": vector_of(text, dimensions)})
    if not 1 <= len(vectors) <= 100:
        raise RefusedError("* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch")
    return {"embeddings": vectors, "usageMetadata": {"promptTokenCount": 3 * len(vectors)}}


def _models(name: str | None) -> dict[str, Any]:
    rows = [
        {
            "name": f"models/{known}",
            "version": "001",
            "displayName": known,
            "inputTokenLimit": 1048576,
            "outputTokenLimit": 65536,
            "supportedGenerationMethods": list(methods),
        }
        for known, methods in MODELS.items()
        if name in (None, known)
    ]
    if name is None:
        return {"models": rows}
    if not rows:
        raise unknown_model(name)
    return rows[0]
