"""What is held for a request is more than any provider can count."""

import base64
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from random_requests import REQUESTS, TEXT_REQUESTS, Sent, sent, texts_read
from sluice.accounting.demand import Demand
from sluice.catalog import Candidate, ModelRow, Price, load_catalog
from sluice.errors import InvalidRequestError
from sluice.pipeline.chat_bound import (
    ADDED_TOKENS,
    ADDED_TOOL_TOKENS,
    BYTES_PER_AUDIO_TOKEN,
    DEFAULT_OUTPUT_TOKENS,
    IMAGE_TOKENS,
    MOST_OUTPUT_TOKENS,
    demand_of,
    limited,
)
from sluice.providers.contract import ProviderCall, Target
from sluice.providers.openai import chat as openai

TOKENS_AROUND_A_MESSAGE = 5
"""What ChatML and its like put around a text: two marks with a role, a line break at the start and at the end."""

PDF = base64.b64encode(b"%PDF-1.7 ...").decode()
FILE = {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"}}
UPLOAD = {"type": "file", "file": {"file_id": "file-1"}}


def row(**members: Any) -> ModelRow:
    return ModelRow(id="m", candidates=(Candidate(provider="p", model="m"),), **members)


def asked(**members: Any) -> Sent:
    return sent({"model": "m", "messages": [{"role": "user", "content": "Hello"}]} | members)


def user(*parts: dict[str, Any]) -> Sent:
    return asked(messages=[{"role": "system", "content": "s"}, {"role": "user", "content": list(parts)}])


def picture(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def sound(data: str, kind: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": kind}}


def demand(request: Sent, model: ModelRow | None = None, *, bounded: bool = True) -> Demand:
    return demand_of(request.request, len(request.body), model or row(), bounded=bounded)


def tokens_of_the_worst_tokenizer(members: dict[str, Any]) -> int:
    """A token for each byte, the most that a byte-level tokenizer can make, and the special ones around each message."""
    text = sum(len(text.encode()) for text in texts_read(members))
    return text + TOKENS_AROUND_A_MESSAGE * len(members["messages"])


@given(TEXT_REQUESTS)
def test_a_text_has_no_more_tokens_than_its_request_has_bytes(request: Sent) -> None:
    """Even without what is added for providers' own prompts."""
    assert demand(request).prompt_tokens - ADDED_TOKENS >= tokens_of_the_worst_tokenizer(request.members)


@given(REQUESTS)
def test_with_pictures_and_sound_all_text_still_counts(request: Sent) -> None:
    parts = [
        part
        for message in request.members["messages"]
        if message["role"] == "user" and isinstance(message["content"], list)
        for part in message["content"]
    ]
    pictures = sum(part["type"] == "image_url" for part in parts)
    sounds = [
        base64.b64decode(part["input_audio"]["data"]) for part in parts if part["type"] == "input_audio"
    ]
    audio = sum(-(-len(each) // BYTES_PER_AUDIO_TOKEN) for each in sounds)
    found = demand(request, row(image_tokens=70))
    assert found.audio_tokens >= audio
    least = tokens_of_the_worst_tokenizer(request.members) + pictures * 70 + audio
    assert found.prompt_tokens - ADDED_TOKENS >= least


@given(REQUESTS, st.integers(1, 3000))
def test_nobody_reads_more_than_the_context_and_the_pictures(request: Sent, context: int) -> None:
    free, capped = (
        demand(request, row(image_tokens=70)),
        demand(request, row(image_tokens=70, context_tokens=context)),
    )
    pictures = 70 * request.body.count(b'"image_url":{"url"') + 70 * request.body.count(
        b'"image_url": {"url"'
    )
    assert capped.prompt_tokens == min(free.prompt_tokens - pictures, context) + pictures
    assert capped.audio_tokens == min(free.audio_tokens, context)


@pytest.mark.parametrize("text", ["a", "é", "日", "😀", "\x00", '"', "\\", "\u2028", "\x7f"])
@pytest.mark.parametrize("escaped", [True, False])
def test_a_character_counts_for_its_bytes_at_least(text: str, *, escaped: bool) -> None:
    """In all its forms: as it is, escaped, and as a pair of surrogates."""
    one, many = (
        sent({"model": "m", "messages": [{"role": "user", "content": text * count}]}, escaped=escaped)
        for count in (1, 1001)
    )
    assert demand(many).prompt_tokens - demand(one).prompt_tokens >= 1000 * len(text.encode())


def test_a_solidus_that_is_escaped_in_base64_counts_too_much_rather_than_too_little() -> None:
    request = user(picture("data:image/png;base64,////"))
    assert len(request.body) + ADDED_TOKENS - 4 + IMAGE_TOKENS == demand(request).prompt_tokens
    escaped = Sent(request.body.replace(b"////", rb"\/\/\/\/"))
    assert demand(escaped).prompt_tokens == demand(request).prompt_tokens + 4


@pytest.mark.parametrize(
    "members",
    [
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": "b" * 10_000}}}]},
        {"functions": [{"name": "f"}]},
        {"response_format": {"type": "json_object"}},
    ],
    ids=["tools", "functions", "response_format"],
)
def test_tools_and_schemas_leave_room_for_what_explains_them(members: dict[str, Any]) -> None:
    request = asked(**members)
    assert demand(request).prompt_tokens == len(request.body) + ADDED_TOKENS + ADDED_TOOL_TOKENS


def test_a_picture_counts_for_what_the_catalogue_says_whatever_its_size() -> None:
    small, large = (user(picture(f"data:image/png;base64,{'A' * size}")) for size in (4, 400_000))
    known = row(image_tokens=1445)
    assert demand(small, known).prompt_tokens == demand(large, known).prompt_tokens
    assert demand(small).prompt_tokens - demand(small, known).prompt_tokens == IMAGE_TOKENS - 1445
    for url in ("https://example.com/a.png", "data:image/svg+xml,<svg/>"):
        not_base64 = user(picture(url))
        assert demand(not_base64, known).prompt_tokens == len(not_base64.body) + ADDED_TOKENS + 1445


def test_no_picture_of_the_shipped_catalogue_counts_for_more_than_an_unknown_one() -> None:
    known = {model.id: model.image_tokens for model in load_catalog().models if model.image_tokens}
    assert known == {"gpt-4o": 85 + 8 * 170, "gpt-4o-mini": 2833 + 8 * 5667}
    assert max(known.values()) == IMAGE_TOKENS


@pytest.mark.parametrize("kind", ["mp3", "wav"])
def test_sound_counts_for_more_tokens_than_any_provider_hears(kind: str) -> None:
    """A minute of the thinnest MP3, 8 kbit a second, at Gemini's 32 tokens a second."""
    minute = base64.b64encode(bytes(60 * 1000)).decode()
    silence = base64.b64encode(b"").decode()
    more, less = demand(user(sound(minute, kind))), demand(user(sound(silence, kind)))
    assert (
        more.audio_tokens - less.audio_tokens == more.prompt_tokens - less.prompt_tokens == 60 * 40 > 60 * 32
    )


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (FILE, "messages[1].content[0].file"),
        (UPLOAD, "messages[1].content[0].file"),
        (picture(f"data:application/pdf;base64,{PDF}"), "messages[1].content[0].image_url.url"),
        (picture("gs://bucket/film.mp4"), "messages[1].content[0].image_url.url"),
        (sound("AAAA", "flac"), "messages[1].content[0].input_audio.format"),
    ],
    ids=["file", "upload", "pdf as a picture", "another address", "flac"],
)
def test_what_may_be_of_any_length_counts_for_the_whole_context(part: dict[str, Any], param: str) -> None:
    assert demand(user(part), row(context_tokens=128_000)).prompt_tokens == 128_000
    with pytest.raises(InvalidRequestError, match="catalogue") as refused:
        demand(user(part), row())
    assert (refused.value.status, refused.value.param, refused.value.code) == (400, param, None)
    assert demand(user(part), row(), bounded=False).prompt_tokens >= len(user(part).body)


def test_an_earlier_spoken_answer_is_of_any_length_too() -> None:
    spoken = asked(
        messages=[
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": None, "audio": {"id": "audio_1"}},
        ]
    )
    found = demand(spoken, row(context_tokens=128_000))
    assert found.prompt_tokens == found.audio_tokens == 128_000
    with pytest.raises(InvalidRequestError) as refused:
        demand(spoken)
    assert refused.value.param == "messages[1].audio"


def test_a_document_is_not_charged_as_sound() -> None:
    assert demand(user(FILE), row(context_tokens=1000)).audio_tokens == 0
    assert demand(user(sound("AAAA", "ogg")), row(context_tokens=1000)).audio_tokens == 1000


@pytest.mark.parametrize(
    ("members", "model", "output_tokens", "adjustable"),
    [
        ({}, {"output_tokens": 16384, "context_tokens": 128_000}, 16384, True),
        ({}, {"context_tokens": 128_000}, 128_000, True),
        ({}, {}, DEFAULT_OUTPUT_TOKENS, True),
        ({"max_tokens": None}, {}, DEFAULT_OUTPUT_TOKENS, True),
        ({"max_tokens": 7}, {"output_tokens": 16384}, 7, False),
        ({"max_completion_tokens": 7}, {"output_tokens": 16384}, 7, False),
        ({"max_tokens": 7, "max_completion_tokens": 9}, {}, 9, False),
        ({"max_tokens": 9, "max_completion_tokens": 7}, {}, 9, False),
        ({"max_tokens": 20_000}, {"output_tokens": 16384}, 20_000, False),
        ({"max_tokens": 10**50}, {"context_tokens": 128_000}, 128_000, False),
        ({"max_tokens": 10**50}, {}, MOST_OUTPUT_TOKENS, False),
    ],
)
def test_a_choice_is_bounded_by_the_client_or_else_by_the_catalogue(
    members: dict[str, Any], model: dict[str, Any], output_tokens: int, *, adjustable: bool
) -> None:
    found = demand(asked(**members, n=3), row(**model))
    assert (found.output_tokens, found.adjustable, found.choices) == (output_tokens, adjustable, 3)
    assert demand(asked(**members), row(**model)).choices == 1


def test_a_price_makes_rates() -> None:
    priced = row(price=Price.model_validate({"input": "1", "output": "2"}))
    assert demand(asked(max_tokens=1), priced).full.amount > 0
    assert demand(asked(max_tokens=1), row()).rates is None
    assert demand(asked(max_tokens=1), row(price=Price())).rates is None


def upstream_limits(request: Sent, output_tokens: int, model: ModelRow) -> dict[str, Any]:
    """The limits in the body that the provider is sent."""
    told = limited(request.request, output_tokens, model)
    target = Target(provider="p", base_url="http://127.0.0.1:1", model="m")
    body = openai.upstream_request(ProviderCall(told, target, id="1", now=0)).body
    members = Sent(body).members
    assert members["messages"] == request.members["messages"]
    return {name: members[name] for name in ("max_tokens", "max_completion_tokens") if name in members}


@pytest.mark.parametrize(
    ("members", "output_tokens", "model", "limits"),
    [
        ({}, 100, {"output_tokens": 16384}, {"max_tokens": 100}),
        ({}, 16384, {"output_tokens": 16384, "context_tokens": 128_000}, {}),
        ({}, 128_000, {"context_tokens": 128_000}, {}),
        ({}, DEFAULT_OUTPUT_TOKENS, {}, {"max_tokens": DEFAULT_OUTPUT_TOKENS}),
        ({"max_tokens": None}, 100, {}, {"max_tokens": 100}),
        ({"max_tokens": 7}, 7, {}, {"max_tokens": 7}),
        ({"max_completion_tokens": 7}, 7, {}, {"max_completion_tokens": 7}),
        ({"max_tokens": 10**50}, 128_000, {"context_tokens": 128_000}, {"max_tokens": 10**50}),
    ],
)
def test_the_provider_is_told_a_limit_where_it_has_to_be(
    members: dict[str, Any], output_tokens: int, model: dict[str, Any], limits: dict[str, int]
) -> None:
    assert upstream_limits(asked(**members), output_tokens, row(**model)) == limits


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_goes_by_the_name_that_the_provider_knows(
    name: Literal["max_tokens", "max_completion_tokens"],
) -> None:
    known = row(output_tokens=16384, output_limit=name)
    assert upstream_limits(asked(), 100, known) == {name: 100}
    assert upstream_limits(asked(), 16384, known) == {}
    assert upstream_limits(asked(max_tokens=7), 7, known) == {name: 7}
    assert upstream_limits(asked(max_completion_tokens=7), 7, known) == {name: 7}
    assert upstream_limits(asked(max_tokens=7, max_completion_tokens=9), 9, known) == {name: 9}


def test_the_clients_request_stays_as_it_was() -> None:
    request = asked().request
    assert limited(request, 100, row()).max_tokens == 100
    assert request.max_tokens is None
    assert "max_tokens" not in request.model_fields_set
