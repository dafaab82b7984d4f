"""A provider that speaks Bedrock's wire format over a real socket, as strict with requests as Bedrock is.

A request is let in by its signature, computed again with botocore's signer, or by an API key. What is said depends on
``requestMetadata.tag``: a turn that a test has put there (``says``), a failure (``FAILURES``, by ``<name>/<anything>``), a
stream that goes wrong (``BROKEN``), or else what the request asks for: a call of each tool, an instance of the schema,
thoughts where it may think, and ``TEXT``.

``whole`` and ``events`` (of ``mock_bedrock_turns``) are the format itself: pure functions, for any ``Turn``.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bedrock_request_check import fault_of
from json_instances import instance
from mock_bedrock_images import IMAGE_MODELS, MalformedError, invoked
from mock_bedrock_turns import event, events, exception, whole
from mock_bedrock_videos import START, Deliver, InvalidError
from mock_bedrock_videos import answer as answer_of_videos
from mock_completions import TEXT, tokens_of
from mock_http import Exchange, Received
from mock_replies import as_json
from mock_turns import Call, Count, Turn
from saying_mock import SayingMock
from sluice.credentials import AWSCredentials

__all__ = ["MockBedrock", "event", "events", "exception", "whole"]

KEY = "bedrock-api-key-4c81f0b27d"
ROLE = AWSCredentials("AKIAMOCKOFBEDROCK", "secret-of-the-mock", "token-of-the-mock", "eu-central-1")

CLAUDE = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
LLAMA = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.meta.llama4-scout-17b-instruct-v1:0"
NOVA = "eu.amazon.nova-2-lite-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-v4:0"
OLD_COHERE = "cohere.embed-english-v3"
COHERE_EVERYWHERE = "global.cohere.embed-v4:0"
NOVA_HERE = "amazon.nova-micro-v1:0"
APPLICATION = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3d4e5f6"
MODELS = (
    *(CLAUDE, LLAMA, NOVA, NOVA_HERE, APPLICATION),
    *(TITAN, COHERE, COHERE_EVERYWHERE, OLD_COHERE),
    *IMAGE_MODELS,
)

THOUGHT = "Let me think about it."
SIGNATURE = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds"
EVENT_STREAM = "application/vnd.amazon.eventstream"
DIMENSIONS = 256

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Failure:
    """A status and AWS's name and words for it."""

    status: int
    name: str
    message: str


FAILURES: Mapping[str, Failure] = {
    "invalid": Failure(400, "ValidationException", "The model returned the following errors: not possible"),
    "denied": Failure(
        403, "AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/x is not authorized"
    ),
    "unrecognized": Failure(403, "UnrecognizedClientException", "The security token is invalid."),
    "expired": Failure(403, "ExpiredTokenException", "The security token has expired"),
    "not_found": Failure(
        404, "ResourceNotFoundException", "This model version has reached the end of its life."
    ),
    "timeout": Failure(408, "ModelTimeoutException", "Model has timed out in processing the request."),
    "model_error": Failure(424, "ModelErrorException", "The system encountered an unexpected error."),
    "throttled": Failure(429, "ThrottlingException", "Too many tokens, please wait before trying again."),
    "not_ready": Failure(429, "ModelNotReadyException", "Model is not ready for inference."),
    "quota": Failure(400, "ServiceQuotaExceededException", "The request exceeds your quota."),
    "server": Failure(500, "InternalServerException", "The server encountered an internal error."),
    "unavailable": Failure(503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
}

BROKEN = (
    "throttled_at_once",
    "throttled_in_the_middle",
    "model_error_in_the_middle",
    "cut",
    "no_stop",
    "damaged",
)
"""How a stream goes wrong: by an exception before or after something was said, by a lost connection, by its end before
the reason, by a flipped bit."""


def answer_to(body: dict[str, Any]) -> Turn:
    """What the request asks for."""
    fields = body.get("additionalModelRequestFields", {})
    kind = (fields.get("thinking") or fields.get("reasoningConfig") or {}).get("type")
    thinks = kind in ("enabled", "adaptive")
    thoughts = Turn(reasoning=tokens_of(THOUGHT), signature=SIGNATURE) if thinks else Turn()
    usage = Count(prompt=20, completion=9, cached=4, cache_written=6)
    last = body["messages"][-1]["content"]
    config = body.get("toolConfig", {})
    if config and not any("toolResult" in block for block in last):
        wanted = config.get("toolChoice", {}).get("tool", {}).get("name")
        specs = [tool["toolSpec"] for tool in config["tools"] if "toolSpec" in tool]
        calls = [_call(spec) for spec in specs if wanted in (None, spec["name"])]
        return replace(thoughts, text=("I look.",), calls=calls, end="tool_calls", usage=usage)
    form = body.get("outputConfig", {}).get("textFormat")
    said = json.dumps(instance(json.loads(form["structure"]["jsonSchema"]["schema"]))) if form else TEXT
    return replace(thoughts, text=tokens_of(said), usage=usage)


def _call(spec: dict[str, Any]) -> Call:
    arguments = json.dumps(instance(spec["inputSchema"]["json"]), separators=(",", ":"))
    return Call(spec["name"], [arguments[:5], arguments[5:]], id=f"tooluse_{next(_numbers):022}")


def vector_of(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A vector that tells texts apart."""
    return [
        len(text) / 64,
        *[(ord(character) % 64) / 64 for character in text.ljust(dimensions)[: dimensions - 1]],
    ]


class MockBedrock(SayingMock):
    """The server; a context manager that serves while it is open.

    Args:
        credential: the API key it accepts.
        role: whose signatures it accepts, for the region there.
    """

    TAG = ("requestMetadata", "tag")

    def __init__(self, credential: str = KEY, role: AWSCredentials = ROLE) -> None:
        super().__init__(credential)
        self._role = role
        self.deliver: Deliver = _nowhere
        """Puts what an asynchronous invocation has made into the caller's bucket."""

    async def _reply(self, exchange: Exchange) -> None:
        received = exchange.received
        refusal = self._refusal(received)
        parts = received.path.split("/")
        if refusal is not None:
            _refuse(exchange, refusal)
        elif received.path.startswith(START):
            self._answer_invocation(exchange)
        elif received.method != "POST" or len(parts) != 4 or parts[1] != "model":
            _refuse(exchange, Failure(404, "UnknownOperationException", ""))
        elif unquote(parts[2]) not in MODELS:
            _refuse(
                exchange, Failure(400, "ValidationException", "The provided model identifier is invalid.")
            )
        elif received.headers.get("content-type") != "application/json":
            _refuse(exchange, Failure(415, "UnsupportedMediaTypeException", ""))
        elif not isinstance(received.json, dict):
            _refuse(exchange, Failure(400, "SerializationException", "This is no JSON object"))
        else:
            self._answer_operation(exchange, unquote(parts[2]), parts[3])

    def _refusal(self, received: Received) -> Failure | None:
        """Why the caller is not let in."""
        given = received.headers.get("authorization", "")
        if given.startswith("Bearer "):
            known = given == f"Bearer {self.credential}"
            return None if known else Failure(403, "AccessDeniedException", "Invalid API Key format")
        if not given:
            return Failure(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        if given != expected_authorization(received, self._role):
            return Failure(
                403, "InvalidSignatureException", "The request signature we calculated does not match"
            )
        return None

    def _answer_operation(self, exchange: Exchange, model: str, operation: str) -> None:
        body = exchange.received.json
        match operation:
            case "converse" | "converse-stream":
                self._answer_conversation(exchange, model, operation)
            case "invoke" if "titan-embed" in model:
                _answer_titan(exchange, body)
            case "invoke" if "cohere.embed" in model:
                _answer_cohere(exchange, body, model)
            case "invoke" if model in IMAGE_MODELS:
                try:
                    exchange.whole(200, _headers("application/json"), as_json(invoked(model, body)))
                except MalformedError as malformed:
                    _refuse(exchange, Failure(400, "ValidationException", str(malformed)))
            case _:
                _refuse(exchange, Failure(400, "ValidationException", "The operation is not supported"))

    def _answer_invocation(self, exchange: Exchange) -> None:
        try:
            found = answer_of_videos(exchange, self.films, self.deliver)
        except InvalidError as error:
            _refuse(exchange, Failure(error.status, error.name, str(error)))
            return
        if found is None:
            exchange.reset()
        else:
            content = found if isinstance(found, bytes) else as_json(found)
            exchange.whole(200, _headers("application/json"), content)

    def _answer_conversation(self, exchange: Exchange, model: str, operation: str) -> None:
        body, tag = exchange.received.json, self.tag_of(exchange.received)
        wrong = fault_of(operation, model, body)
        name = tag.partition("/")[0]
        if wrong is not None:
            _refuse(exchange, Failure(400, "ValidationException", wrong))
        elif name in FAILURES:
            _refuse(exchange, FAILURES[name])
        else:
            turn = self.turns.get(tag) or answer_to(body)
            if operation == "converse":
                exchange.whole(200, _headers("application/json"), whole(turn, model))
            else:
                _stream(exchange, events(turn, model), name)


def _nowhere(bucket: str, key: str, content: bytes) -> None:
    raise AssertionError(f"nobody has said where {bucket} is")


def expected_authorization(received: Received, role: AWSCredentials) -> str:
    """The header that a request by this role has, by botocore's signer."""
    _, _, rest = received.headers["authorization"].partition("SignedHeaders=")
    names = rest.partition(",")[0].split(";")
    own = {name for name in received.headers if name.startswith("x-amz-")}
    if not {"host", "x-amz-date"} | own <= set(names):
        return "not all is signed that has to be"
    if received.headers.get("x-amz-security-token") != role.token:
        return "the token is another one"
    headers = {name: received.headers.get(name, "") for name in names}
    url = f"http://{received.headers['host']}{received.path}"
    request = AWSRequest(received.method, url, headers=headers, data=received.body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(*role[:3]), "bedrock", role.region or "")
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    scope = signer.scope(request)
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={';'.join(names)}, Signature={signature}"


def _answer_titan(exchange: Exchange, body: dict[str, Any]) -> None:
    text, dimensions = body.pop("inputText", None), body.pop("dimensions", 1024)
    if not isinstance(text, str) or not text or dimensions not in (256, 512, 1024) or body:
        _refuse(exchange, Failure(400, "ValidationException", "Malformed input request"))
        return
    vector = vector_of(text, dimensions)
    reply = {
        "embedding": vector,
        "embeddingsByType": {"float": vector},
        "inputTextTokenCount": len(text.split()),
    }
    exchange.whole(200, _headers("application/json"), as_json(reply))


def _answer_cohere(exchange: Exchange, body: dict[str, Any], model: str) -> None:
    texts, purpose = body.pop("texts", None), body.pop("input_type", None)
    types = body.pop("embedding_types", None)
    dimensions = body.pop("output_dimension", 1536) if "v4" in model else 1024
    known = purpose in ("search_document", "search_query", "classification", "clustering")
    fits = isinstance(texts, list) and 1 <= len(texts) <= 96 and all(isinstance(each, str) for each in texts)
    if not known or not fits or types not in (None, ["float"]) or body:
        _refuse(exchange, Failure(400, "ValidationException", "Malformed input request"))
        return
    vectors = [vector_of(text, dimensions) for text in texts]
    reply = {"id": "7b0a", "texts": texts, "embeddings": {"float": vectors} if types else vectors}
    reply["response_type"] = "embeddings_by_type" if types else "embeddings_floats"
    exchange.whole(200, _headers("application/json"), as_json(reply))


def _stream(exchange: Exchange, pieces: Sequence[bytes], behaviour: str) -> None:
    exchange.start_chunked(200, _headers(EVENT_STREAM))
    kept = {"throttled_at_once": 1, "no_stop": len(pieces) - 2, **dict.fromkeys(BROKEN[1:4], 3), "damaged": 3}
    for piece in pieces[: kept.get(behaviour)]:
        exchange.chunk(piece)
    match behaviour:
        case "throttled_at_once" | "throttled_in_the_middle":
            exchange.chunk(exception("throttlingException", "Too many requests"))
        case "model_error_in_the_middle":
            exchange.chunk(exception("modelStreamErrorException", "The model failed"))
        case "damaged":
            exchange.chunk(pieces[3][:-1] + bytes([pieces[3][-1] ^ 1]))
    if behaviour == "cut":
        exchange.hang_up()
    else:
        exchange.end_chunked()


def _refuse(exchange: Exchange, failure: Failure) -> None:
    headers = {
        **_headers("application/json"),
        "x-amzn-errortype": f"{failure.name}:http://internal.amazon.com/",
    }
    exchange.whole(failure.status, headers, as_json({"message": failure.message}))


def _headers(content_type: str) -> dict[str, str]:
    return {"content-type": content_type, "x-amzn-requestid": f"3768e7a9-35c7-4831-84dd-{next(_numbers):012}"}
