"""The catalogue that is shipped has every model that users are promised, and says of each what it rests on."""

import datetime as dt
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any, get_args

import pytest

from image_requests import images_call
from sluice.accounting.media import image_price, second_price
from sluice.catalog import (
    Candidate,
    Catalog,
    LongPrice,
    ModelKind,
    ModelRow,
    OutputLimit,
    Policy,
    Price,
    PriceVariant,
    Probe,
    ProviderRow,
    load_catalog,
)
from sluice.catalog_rules import CAPABILITIES, doubts
from sluice.catalog_videos import MEMBERS, VideoService
from sluice.providers.contract import ImageOperation, Target
from sluice.providers.media_features import check_media
from sluice.providers.parameters import unknown_parameters
from sluice.providers.registry import PROVIDERS, check_providers, provider_of
from video_requests import sent, videos_call

CATALOG = load_catalog()
TEXT = (resources.files("sluice") / "catalog.toml").read_text(encoding="utf-8")
TODAY = dt.date(2026, 11, 29)
"""The day on which the catalogue was last looked through."""

PROMISED: dict[str, ModelKind] = {
    **dict.fromkeys(
        (
            *("gemini-2.5-flash", "gemini-2.0-flash", "gemini-1.5-pro", "gemini-1.5-flash", "gemini-pro"),
            *("gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "gpt-3.5-turbo"),
            *("claude-3.5-sonnet", "claude-3-opus", "claude-3-haiku"),
            *("llama-3.1-70b", "llama-3.1-8b"),
            *("mistral-large", "mistral-medium", "mistral-small"),
            *("deepseek-chat", "deepseek-coder", "deepseek-ai/DeepSeek-V3"),
            *("rocket-1", "rocket-1-turbo", "rocket-1-pro"),
        ),
        "chat",
    ),
    "gpt-3.5-turbo-instruct": "completion",
    "text-embedding-3-small": "embedding",
    "black-forest-labs/FLUX.1-dev": "image",
    "KumoAnonymous/KumoVideo-Turbo": "video",
}


def named(name: str, catalog: Catalog = CATALOG) -> ModelRow:
    row = catalog.find(name)
    assert row is not None, name
    return row


def prices() -> Iterator[tuple[str, Price]]:
    """Every price in the file, with the model whose it is."""
    for row in CATALOG.models:
        for terms in (row, *row.candidates):
            if terms.price is not None:
                yield row.id, terms.price


def answering(row: ModelRow) -> list[ModelRow]:
    """A model as each of its candidates has it."""
    return [row.served_by(candidate) for candidate in row.candidates]


def test_it_has_no_member_that_nobody_reads_and_no_provider_that_nobody_knows() -> None:
    assert list(CATALOG.unknown_members()) == []
    assert list(doubts(CATALOG)) == []
    assert list(unknown_parameters(CATALOG)) == []
    check_providers(CATALOG)
    assert {candidate.provider for row in CATALOG.models for candidate in row.candidates} == set(
        CATALOG.providers
    )


@pytest.mark.parametrize(("name", "kind"), PROMISED.items())
def test_every_promised_model_is_answered_by_somebody(name: str, kind: ModelKind) -> None:
    row = named(name)
    assert (row.id, row.kind) == (name, kind)
    served = CATALOG.in_service(row, TODAY)
    assert served is not None
    assert served.candidates


def test_every_price_says_where_it_stood_and_when() -> None:
    for model, price in prices():
        assert price.source == "set here" or (price.source or "").startswith("https://"), model
        assert price.as_of is not None, model
        assert dt.date(2026, 10, 1) <= price.as_of <= TODAY, model


def test_every_model_that_somebody_serves_has_its_limits_and_its_whole_price() -> None:
    for row in CATALOG.models:
        for terms in answering(row):
            assert terms.price is not None, row.id
            match row.kind:
                case "chat" | "completion":
                    assert terms.context_tokens, row.id
                    assert terms.output_tokens, row.id
                    assert terms.price.input is not None, row.id
                    assert terms.price.output is not None, row.id
                case "embedding":
                    assert terms.context_tokens, row.id
                    assert terms.price.input is not None, row.id
                case "image":
                    assert terms.price.image is not None, row.id
                case "video":
                    assert terms.price.second is not None, row.id


def test_a_long_prompt_is_never_cheaper_than_a_short_one() -> None:
    for model, price in prices():
        long = price.long
        if long is not None:
            assert price.input is not None, model
            assert price.output is not None, model
            assert long.input >= price.input, model
            assert long.output >= price.output, model
            for part in ("cached_input", "cache_write"):
                assert (getattr(long, part) is None) == (getattr(price, part) is None), model


def test_what_is_retired_has_a_successor_that_is_not() -> None:
    retired = [row for row in CATALOG.models if row.retired is not None]
    assert len(retired) > 20
    for row in retired:
        assert row.successor is not None, row.id
        successor = named(row.successor)
        assert not successor.is_retired(TODAY), row.id
        end = successor.retired
        assert end is None or end > dt.date(2027, 1, 1), f"{row.id} would soon be succeeded again"
        assert row.owned_by or row.candidates, row.id


def test_the_files_head_explains_every_member_and_every_capability() -> None:
    head, _, capabilities = TEXT[: TEXT.index("\n[providers.")].partition("# capabilities, of these")
    for shape in (ProviderRow, ModelRow, Candidate, Price, PriceVariant, LongPrice):
        for member in shape.model_fields:
            assert re.search(rf"\b{member}\b", head) or member == "capabilities", member
    declared = head[head.index("\n# [providers.<name>.videos]") : head.index("\n# [[models]]")]
    for member in (*VideoService.model_fields, *MEMBERS):
        assert re.search(rf"\b{member}\b", declared), member
    for member in ("policy", "weight", "fallbacks", "probe", "discover", "headers", "videos"):
        assert re.search(rf"^#   {member} {{2,}}\w", head, re.MULTILINE), member
    assert set(re.findall(r"^#   (\w+) {2,}\w", capabilities, re.MULTILINE)) == CAPABILITIES
    for word in (*get_args(Policy), *get_args(Probe), *get_args(ModelKind), *get_args(OutputLimit)):
        assert f'"{word}"' in head


def test_models_that_refuse_sampling_parameters_say_so() -> None:
    """By name, so that a client gets a 400 that names the member, whichever provider answers."""
    for name in ("gpt-5", "o3", "gpt-6-sol", "claude-opus-4-7", "claude-sonnet-5"):
        assert {"temperature", "top_p"} <= named(name).unsupported_parameters
    for name in ("gpt-4o", "gpt-5.4", "claude-opus-4-6", "gemini-2.5-flash", "mistral-large"):
        assert "temperature" not in named(name).unsupported_parameters


def test_who_took_a_temperature_has_a_successor_that_does() -> None:
    """Old clients send one."""
    always_thinking = {"gpt-5", "gpt-5-mini", "gpt-5-nano", "o1", "o3", "o3-mini", "o4-mini"}
    for row in CATALOG.models:
        if row.successor is not None and row.id not in always_thinking:
            assert "temperature" not in named(row.successor).unsupported_parameters, row.id


def test_openais_thinking_models_get_their_output_limit_by_its_new_name() -> None:
    for row in CATALOG.models:
        for candidate in row.candidates:
            if candidate.provider == "openai" and "reasoning" in row.capabilities:
                assert row.output_limit == "max_completion_tokens", row.id


@pytest.mark.parametrize(
    ("name", "price", "tokens"),
    [("rocket-1", "0.4", 4096), ("rocket-1-turbo", "0.7", 4096), ("rocket-1-pro", "1.2", 8192)],
)
def test_the_gateways_own_names_cost_the_same_whoever_answers(name: str, price: str, tokens: int) -> None:
    """USD 0.0004, 0.0007 and 0.0012 for each thousand tokens, of prompts and answers alike."""
    for terms in answering(named(name)):
        assert terms.price is not None
        assert terms.price.input == terms.price.output
        assert f"{terms.price.input:.1f}" == price
        assert terms.output_tokens == tokens


def test_no_alias_begins_as_a_provider_that_does_not_serve_the_model() -> None:
    """``mistral/…`` is what Mistral serves."""
    for row in CATALOG.models:
        providers = {candidate.provider for candidate in row.candidates} or {row.owner}
        for alias in row.aliases:
            prefix, slash, _ = alias.partition("/")
            if slash and prefix in CATALOG.providers and prefix not in {"openai", "anthropic", "deepseek"}:
                assert prefix in providers, alias


@pytest.mark.parametrize("name", sorted(CATALOG.providers))
def test_a_provider_is_reached_by_its_own_address_or_a_given_one(name: str) -> None:
    row = CATALOG.providers[name]
    assert row.base_url or PROVIDERS[row.kind].address
    assert row.credential or row.kind == "demo"


def images() -> Iterator[tuple[ModelRow, Candidate]]:
    """Each model of pictures as each candidate has it."""
    for row in CATALOG.models:
        if row.kind == "image":
            for candidate in row.candidates:
                yield row.served_by(candidate), candidate


def operation(candidate: Candidate) -> ImageOperation:
    found = PROVIDERS[CATALOG.providers[candidate.provider].kind].images
    assert found is not None, candidate
    return found


@pytest.mark.parametrize(("row", "candidate"), list(images()), ids=lambda each: getattr(each, "model", ""))
def test_every_picture_that_a_row_promises_can_be_asked_for(row: ModelRow, candidate: Candidate) -> None:
    """Each size that it has, and each variant that it has a price for, is one that its provider's module expresses."""
    assert row.price is not None
    wanted: list[dict[str, str]] = [{}, *({"size": size} for size in row.sizes)]
    for variant in row.price.variants:
        given = {"size": variant.size, "quality": variant.quality}
        wanted.append({name: value for name, value in given.items() if value is not None})
    target = Target(candidate.provider, "https://host.example", candidate.model, "key")
    for members in wanted:
        call = images_call(to=target, **members)
        check_media(operation(candidate).FEATURES, call.request, row)
        operation(candidate).upstream_request(call, 0)


@pytest.mark.parametrize(("row", "candidate"), list(images()), ids=lambda each: getattr(each, "model", ""))
def test_who_leaves_a_choice_to_the_provider_pays_no_less_than_the_dearest_that_it_may_make(
    row: ModelRow, candidate: Candidate
) -> None:
    """Google's make the smallest unless they are told otherwise; of OpenAI's nobody knows it."""
    price = row.price
    assert price is not None
    assert price.image is not None
    dearest = max([price.image, *(each.image for each in price.variants if each.image is not None)])
    if candidate.provider == "google":
        assert image_price(price, row.sizes[0], None) == image_price(price, None, None) == price.image
    else:
        assert image_price(price, None, None) == image_price(price, "auto", "auto") == dearest


def videos() -> Iterator[tuple[ModelRow, Candidate]]:
    """Each model of videos as each candidate has it."""
    for row in CATALOG.models:
        if row.kind == "video":
            for candidate in row.candidates:
                yield row.served_by(candidate), candidate


@pytest.mark.parametrize(("row", "candidate"), list(videos()), ids=lambda each: getattr(each, "model", ""))
def test_every_video_that_a_row_promises_can_be_asked_for(row: ModelRow, candidate: Candidate) -> None:
    operation = provider_of(CATALOG.providers[candidate.provider]).videos
    assert operation is not None
    assert row.price is not None
    wanted: list[dict[str, Any]] = [{}]
    wanted += [{"size": size} for size in row.sizes]
    wanted += [{"seconds": seconds} for seconds in row.seconds]
    wanted += [{"size": variant.size} for variant in row.price.variants]
    usual = {"seconds": row.seconds[0]} if row.seconds else {}
    target = Target(candidate.provider, "https://host.example", candidate.model, "key")
    for members in wanted:
        sent(operation, videos_call(to=target, **{**usual, **members}))


@pytest.mark.parametrize(("row", "candidate"), list(videos()), ids=lambda each: getattr(each, "model", ""))
def test_who_leaves_the_size_to_the_provider_pays_for_the_one_that_it_makes(
    row: ModelRow, candidate: Candidate
) -> None:
    """Where prices differ by size, the declaration says which one is made."""
    price = row.price
    assert price is not None
    assert second_price(price, row.sizes[0] if row.sizes else None, None) == price.second
    if price.variants:
        service = CATALOG.providers[candidate.provider].videos
        assert service is not None
        own = service.sizes[row.sizes[0]]
        assert service.fixed.items() <= own.items()
        assert service.fixed


@pytest.mark.parametrize(
    "row", [row for row in CATALOG.models if row.kind == "video"], ids=lambda row: row.id
)
def test_a_retired_models_usual_lengths_are_its_successors_too(row: ModelRow) -> None:
    served = CATALOG.in_service(row, TODAY)
    assert served is not None
    assert served.kind == "video"
    usual = {"sora-2": (4, 8, 12), "sora-2-pro": (4, 8), "nova-reel": (6,)}.get(row.id, ())
    assert set(usual) <= set(served.seconds)
