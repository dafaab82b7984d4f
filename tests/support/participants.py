"""Each wire format of the registry, with the mock that speaks it: what the conformance suite runs over."""

import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import bedrock_request_check
import gemini_refusals
import mock_anthropic
import mock_bedrock
import mock_gemini
import mock_openai
import openai_request_check
from meanings import Fact
from mock_http import Received
from mock_replies import as_json, error_body
from participant import CREDENTIAL, RETRY_SECONDS, Failure, Participant, Trouble
from sluice.providers.contract import Target, UpstreamRequest
from sluice.providers.features import Feature
from sluice.providers.registry import PACKAGES


def _target(kind: str, model: str, *capabilities: str) -> Target:
    return Target(
        provider=kind,
        base_url=f"https://{kind}.example/v1",
        model=model,
        credential=CREDENTIAL,
        context_tokens=200_000,
        output_tokens=8_192,
        capabilities=frozenset({"tools", "vision", "json_schema", *capabilities}),
    )


def _streams_by_member(received: Received) -> bool:
    return bool(received.json.get("stream"))


_OPENAI_FAILURES = {
    trouble: Failure(status, as_json(error_body("As it is.", kind, code=code)), headers)
    for trouble, status, kind, code, headers in (
        (Trouble.CREDENTIAL, 401, "invalid_request_error", "invalid_api_key", {}),
        (Trouble.RATE, 429, "requests", "rate_limit_exceeded", {"retry-after": str(RETRY_SECONDS)}),
        (Trouble.BROKEN, 500, "server_error", None, {}),
        (Trouble.OVERLOADED, 503, "server_error", None, {}),
        (Trouble.CONTEXT, 400, "invalid_request_error", "context_length_exceeded", {}),
    )
}

_ANTHROPIC_FAILURES = {
    trouble: Failure(failure.status, as_json(failure.body()), failure.headers)
    for trouble, failure in (
        (Trouble.CREDENTIAL, mock_anthropic.FAILURES["authentication"]),
        (Trouble.RATE, mock_anthropic.FAILURES["rate_limited"]),
        (Trouble.BROKEN, mock_anthropic.FAILURES["server"]),
        (Trouble.OVERLOADED, mock_anthropic.FAILURES["overloaded"]),
        (Trouble.CONTEXT, mock_anthropic.FAILURES["too_long"]),
    )
}

_GEMINI_FAILURES = {
    trouble: Failure(refusal.code, as_json(refusal.body))
    for trouble, refusal in (
        (Trouble.CREDENTIAL, gemini_refusals.bad_key()),
        (Trouble.RATE, gemini_refusals.quota("GenerateRequestsPerMinute", f"{RETRY_SECONDS}s")),
        (Trouble.BROKEN, gemini_refusals.BROKEN),
        (Trouble.OVERLOADED, gemini_refusals.OVERLOADED),
        (Trouble.CONTEXT, gemini_refusals.TOO_LONG),
    )
}


_BEDROCK_FAILURES = {
    trouble: Failure(
        failure.status,
        as_json({"message": failure.message}),
        {"x-amzn-errortype": f"{failure.name}:http://x/"},
    )
    for trouble, failure in (
        (Trouble.CREDENTIAL, mock_bedrock.FAILURES["unrecognized"]),
        (Trouble.RATE, mock_bedrock.FAILURES["throttled"]),
        (Trouble.BROKEN, mock_bedrock.FAILURES["server"]),
        (Trouble.OVERLOADED, mock_bedrock.FAILURES["unavailable"]),
        (Trouble.CONTEXT, mock_bedrock.FAILURES["invalid"]),
    )
}


def _bedrock_fault(request: UpstreamRequest) -> str | None:
    *_, model, operation = urlsplit(request.url).path.split("/")
    return bedrock_request_check.fault_of(operation, unquote(model), json.loads(request.body))


def _gemini_fault(request: UpstreamRequest) -> str | None:
    address = urlsplit(request.url)
    path = f"{address.path}?{address.query}".rstrip("?")
    try:
        mock_gemini.checked_call(
            Received(request.method, path, dict(request.headers), request.body), CREDENTIAL
        )
    except gemini_refusals.RefusedError as refused:
        return refused.message
    return None


_ANTHROPIC = Participant(
    name="anthropic",
    kind="anthropic",
    target=_target("anthropic", "claude-sonnet-4-6", "thinking", "adaptive_thinking"),
    whole=mock_anthropic.whole,
    events=mock_anthropic.events,
    fault=mock_anthropic.fault,
    streams=_streams_by_member,
    failures=_ANTHROPIC_FAILURES,
    credential="ANTHROPIC_API_KEY",
    unsaid=frozenset({Fact.CONTEXT}),
)

_BEDROCK = Participant(
    name="bedrock",
    kind="bedrock",
    target=_target("bedrock", mock_bedrock.CLAUDE, "thinking"),
    whole=mock_bedrock.whole,
    events=mock_bedrock.events,
    fault=_bedrock_fault,
    streams=lambda received: received.path.endswith("/converse-stream"),
    failures=_BEDROCK_FAILURES,
    credential="AWS_BEARER_TOKEN_BEDROCK",
    unsaid=frozenset({Fact.REASONING_COUNT, Fact.CONTEXT, Fact.DELAY}),
    ends_before_usage=True,
)

_GEMINI = Participant(
    name="gemini",
    kind="gemini",
    target=_target("gemini", mock_gemini.THINKER),
    whole=mock_gemini.whole,
    events=mock_gemini.events,
    fault=_gemini_fault,
    streams=lambda received: "streamGenerateContent" in received.path,
    failures=_GEMINI_FAILURES,
    credential="GEMINI_API_KEY",
    refuses=frozenset({Feature.LOGPROBS}),
    unsaid=frozenset({Fact.CACHE_WRITES, Fact.CONTEXT}),
)

_OPENAI = Participant(
    name="openai",
    kind="openai",
    target=_target("openai", "gpt-4o-mini", "logprobs"),
    whole=mock_openai.whole,
    events=mock_openai.events,
    fault=openai_request_check.fault,
    streams=_streams_by_member,
    failures=_OPENAI_FAILURES,
    credential="OPENAI_API_KEY",
    base_path="/v1",
    unsaid=frozenset({Fact.SIGNATURE}),
    ends_before_usage=True,
)

_HOSTS = [kind for kind, package in PACKAGES.items() if package.startswith("sluice.providers.hosts.")]
"""Hosts of OpenAI's format, which differ in what they are asked."""

_SAMPLING = frozenset({Feature.TEMPERATURE, Feature.TOP_P})

PARTICIPANTS: Mapping[str, Participant] = {
    participant.name: participant
    for participant in (
        _ANTHROPIC,
        replace(
            _ANTHROPIC,
            name="anthropic, budgets",
            target=_target("anthropic", "claude-haiku-4-5", "thinking"),
        ),
        replace(
            _ANTHROPIC,
            name="anthropic, no sampling",
            target=_target("anthropic", "claude-opus-4-8", "adaptive_thinking", "system_messages"),
            refuses=_SAMPLING,
        ),
        _BEDROCK,
        replace(
            _BEDROCK, name="bedrock, nova", target=_target("bedrock", mock_bedrock.NOVA, "nova_reasoning")
        ),
        replace(
            _BEDROCK,
            name="bedrock, signed",
            target=replace(_BEDROCK.target, credential=mock_bedrock.ROLE),
        ),
        replace(
            _BEDROCK,
            name="bedrock, llama",
            target=_target("bedrock", mock_bedrock.LLAMA),
            refuses=frozenset({Feature.REASONING_EFFORT}),
        ),
        _GEMINI,
        replace(
            _GEMINI,
            name="gemini, budgets",
            target=_target("gemini", mock_gemini.BUDGETED),
        ),
        replace(
            _GEMINI,
            name="gemini, no thoughts",
            target=_target("gemini", mock_gemini.PLAIN),
            refuses=frozenset({Feature.REASONING_EFFORT}),
        ),
        _OPENAI,
        *(replace(_OPENAI, name=host, kind=host, target=_target(host, "m"), streams=None) for host in _HOSTS),
        replace(  # OpenAI's format, answered in the gateway's own process
            _OPENAI, name="demo", kind="demo", target=_target("demo", "demo"), streams=None
        ),
    )
}

SERVED: Mapping[str, Participant] = {
    name: participant
    for name, participant in PARTICIPANTS.items()
    if name == participant.kind and participant.streams is not None
}
"""Those that are asked over a socket: one for each kind."""
