"""The mock's text completions and embeddings, by the official client and OpenAI's schemas."""

import base64
import math
import struct

import openai
import pytest
from openai.types import Completion

from mock_completions import TEXT, tokens_of
from mock_embeddings import DIMENSIONS, vector_of
from mock_provider import EMBEDDING_MODEL, TEXT_MODEL, MockProvider
from mock_text_completions import LOGPROB
from openai_schemas import check_embeddings, check_error, check_text_chunk, check_text_completion
from sdk_clients import Traffic

Prompt = str | list[str] | list[int] | list[list[int]]

PROMPTS: dict[str, tuple[Prompt, list[str]]] = {
    "text": ("Say hello", ["Say hello"]),
    "texts": (["Say hello", "Say bye"], ["Say hello", "Say bye"]),
    "tokens": ([1, 2], ["<1><2>"]),
    "lists of tokens": ([[1, 2], [3]], ["<1><2>", "<3>"]),
}


@pytest.mark.parametrize("form", PROMPTS)
def test_every_form_of_prompt(direct: openai.OpenAI, direct_traffic: Traffic, form: str) -> None:
    prompt, texts = PROMPTS[form]
    reply = direct.completions.create(model=TEXT_MODEL, prompt=prompt, n=2, best_of=3, echo=True)
    check_text_completion(direct_traffic.last.json())
    assert [choice.text for choice in reply.choices] == [text + TEXT for text in texts for _ in range(2)]
    assert [choice.index for choice in reply.choices] == list(range(2 * len(texts)))
    assert {choice.finish_reason for choice in reply.choices} == {"stop"}
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 3 * len(texts) * len(tokens_of(TEXT))
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_logprobs(direct: openai.OpenAI, direct_traffic: Traffic) -> None:
    reply = direct.completions.create(model=TEXT_MODEL, prompt="Say hello", logprobs=2, echo=True)
    check_text_completion(direct_traffic.last.json())
    (choice,) = reply.choices
    logprobs = choice.logprobs
    assert logprobs is not None
    assert logprobs.tokens == ["Say", " hello", *tokens_of(TEXT)]
    assert logprobs.token_logprobs == [None, *[LOGPROB] * (1 + len(tokens_of(TEXT)))]
    assert logprobs.top_logprobs is not None
    assert [len(top or {}) for top in logprobs.top_logprobs] == [0, *[2] * (1 + len(tokens_of(TEXT)))]
    assert logprobs.text_offset is not None
    for token, offset in zip(logprobs.tokens or [], logprobs.text_offset, strict=True):
        assert choice.text[offset:].startswith(token)


def test_limit_and_stops(direct: openai.OpenAI) -> None:
    short = direct.completions.create(model=TEXT_MODEL, prompt="Hello", max_tokens=2)
    assert short.choices[0].text == "".join(tokens_of(TEXT)[:2])
    assert short.choices[0].finish_reason == "length"
    scored = direct.completions.create(model=TEXT_MODEL, prompt="Hello", max_tokens=0, echo=True)
    assert scored.choices[0].text == "Hello"
    stopped = direct.completions.create(model=TEXT_MODEL, prompt="Hello", stop=["mock", "none"])
    assert stopped.choices[0].text == TEXT.partition("mock")[0]
    assert stopped.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("include_usage", [True, False])
@pytest.mark.parametrize("echo", [True, False])
def test_streamed(direct: openai.OpenAI, include_usage: bool, echo: bool) -> None:
    chunks = list(
        direct.completions.create(
            model=TEXT_MODEL,
            prompt=["Say hello", "Bye"],
            echo=echo,
            logprobs=1,
            stream=True,
            stream_options={"include_usage": include_usage},
        )
    )
    for chunk in chunks:
        check_text_chunk(chunk.to_dict())
    for index, prompt in enumerate(["Say hello", "Bye"]):
        parts = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
        assert "".join(part.text for part in parts) == (prompt if echo else "") + TEXT
        assert [part.finish_reason for part in parts] == [None] * (len(parts) - 1) + ["stop"]
        tokens = [token for part in parts if part.logprobs for token in part.logprobs.tokens or []]
        assert "".join(tokens) == (prompt if echo else "") + TEXT
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [include_usage]


def test_usage_is_the_same_whole_and_streamed(direct: openai.OpenAI) -> None:
    whole = direct.completions.create(model=TEXT_MODEL, prompt="Say hello", n=2)
    *_, last = direct.completions.create(
        model=TEXT_MODEL, prompt="Say hello", n=2, stream=True, stream_options={"include_usage": True}
    )
    assert isinstance(last, Completion)
    assert whole.usage == last.usage


@pytest.mark.parametrize("given", ["Say hello", ["Say hello", "Say bye"], [1, 2, 3], [[1, 2], [3]]], ids=str)
@pytest.mark.parametrize("dimensions", [None, 3, 256])
def test_embeddings(
    direct: openai.OpenAI, direct_traffic: Traffic, given: Prompt, dimensions: int | None
) -> None:
    """In each form and encoding: the client asks for base64 by itself, and decodes it."""
    limit = {"dimensions": dimensions} if dimensions else {}
    decoded = direct.embeddings.create(model=EMBEDDING_MODEL, input=given, extra_body=limit)
    assert isinstance(direct_traffic.last.json()["data"][0]["embedding"], str)
    floats = direct.embeddings.create(
        model=EMBEDDING_MODEL, input=given, encoding_format="float", extra_body=limit
    )
    check_embeddings(direct_traffic.last.json())
    assert decoded.to_dict() == floats.to_dict()
    inputs = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    assert [found.index for found in floats.data] == list(range(len(inputs)))
    for found, each in zip(floats.data, inputs, strict=True):
        assert found.embedding == vector_of(each, dimensions or DIMENSIONS)
        assert math.isclose(sum(number * number for number in found.embedding), 1, abs_tol=1e-5)
    assert floats.usage.prompt_tokens == floats.usage.total_tokens > 0


def test_base64_is_of_little_endian_floats(direct: openai.OpenAI) -> None:
    """Asked for, it is left to the caller to decode."""
    reply = direct.embeddings.create(
        model=EMBEDDING_MODEL, input="Hello", encoding_format="base64", dimensions=3
    )
    data = base64.b64decode(str(reply.data[0].embedding))
    assert list(struct.unpack("<3f", data)) == vector_of("Hello", 3)


def test_a_host_that_knows_only_floats(
    direct: openai.OpenAI, provider: MockProvider, direct_traffic: Traffic
) -> None:
    user = provider.case("floats_only").user
    reply = direct.embeddings.create(model=EMBEDDING_MODEL, input="Hello", user=user)
    assert direct_traffic.requests[-1].read().find(b'"base64"') > 0
    check_embeddings(direct_traffic.last.json())
    assert reply.data[0].embedding == vector_of("Hello")


def test_a_host_that_does_not_count(direct: openai.OpenAI, provider: MockProvider) -> None:
    user = provider.case("without_usage").user
    whole = direct.completions.create(model=TEXT_MODEL, prompt="Hello", user=user)
    assert whole.usage is None
    chunks = direct.completions.create(
        model=TEXT_MODEL, prompt="Hello", user=user, stream=True, stream_options={"include_usage": True}
    )
    assert not any("usage" in chunk.to_dict() for chunk in chunks)
    embedded = direct.embeddings.with_raw_response.create(model=EMBEDDING_MODEL, input="Hello", user=user)
    assert "usage" not in embedded.http_response.json()


@pytest.mark.parametrize("given", ["", [], [""], [[]], ["x"] * 2049], ids=lambda given: repr(given)[:10])
def test_refuses_empty_input(direct: openai.OpenAI, given: Prompt) -> None:
    with pytest.raises(openai.BadRequestError):
        direct.embeddings.create(model=EMBEDDING_MODEL, input=given)


def test_refuses_too_many_dimensions(direct: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        direct.embeddings.create(model=EMBEDDING_MODEL, input="Hello", dimensions=DIMENSIONS + 1)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [("rate_limited", openai.RateLimitError), ("server_error", openai.InternalServerError)],
)
def test_faults(
    direct: openai.OpenAI,
    provider: MockProvider,
    direct_traffic: Traffic,
    behaviour: str,
    expected: type[openai.APIStatusError],
) -> None:
    user = provider.case(behaviour).user
    with pytest.raises(expected):
        direct.completions.create(model=TEXT_MODEL, prompt="Hello", user=user)
    check_error(direct_traffic.last.json())
    with pytest.raises(expected):
        direct.embeddings.create(model=EMBEDDING_MODEL, input="Hello", user=user)
    check_error(direct_traffic.last.json())


def test_a_stream_that_is_cut(direct: openai.OpenAI, provider: MockProvider) -> None:
    user = provider.case("cut").user
    said = ""
    with pytest.raises(openai.APIConnectionError):
        for chunk in direct.completions.create(model=TEXT_MODEL, prompt="Hello", user=user, stream=True):
            said += chunk.choices[0].text
    assert TEXT.startswith(said)
    assert said
