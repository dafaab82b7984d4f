"""A key with a budget is refused what its budget cannot be kept with, and nothing else."""

import pytest

from random_requests import sent
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.catalog import Candidate, ModelRow, Price, load_catalog
from sluice.errors import ModelNotAllowedError, UnsupportedParameterError
from sluice.pipeline.billable import CHARGES, check_billable
from text_requests import completion_request, embeddings_request

PRICE = Price.model_validate({"input": "1", "output": "2"})


def row(price: Price | None = PRICE) -> ModelRow:
    return ModelRow(id="m", candidates=(Candidate(provider="p", model="m"),), price=price)


def check(members: dict[str, object], model: ModelRow | None = None) -> None:
    request = sent({"model": "m", "messages": [{"role": "user", "content": "Hello"}]} | members).request
    check_billable(request, model or row())


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("best_of", 2),
        ("use_beam_search", True),
        ("prediction", {"type": "content", "content": "Hello"}),
        ("service_tier", "priority"),
        ("service_tier", "scale"),
        ("modalities", ["text", "audio"]),
        ("modalities", ["image", "text"]),
        ("audio", {"voice": "alloy", "format": "mp3"}),
        ("web_search_options", {}),
        ("search_parameters", {"mode": "on"}),
        ("enable_search", True),
        ("plugins", [{"id": "web"}]),
        ("n_predict", 10**6),
        ("n_predict", -1),
        ("additionalModelRequestFields", {"max_gen_len": 10**6}),
        ("guardrailConfig", {"guardrailIdentifier": "g", "guardrailVersion": "1"}),
        ("performanceConfig", {"latency": "optimized"}),
        ("provider", {"order": ["a"]}),
    ],
)
def test_what_may_cost_more_than_its_tokens_is_refused_by_name(member: str, value: object) -> None:
    with pytest.raises(UnsupportedParameterError, match=member) as refused:
        check({member: value})
    assert (refused.value.status, refused.value.code, refused.value.param) == (
        400,
        "unsupported_parameter",
        member,
    )


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *((member, None) for member in CHARGES),
        *((member, False) for member in CHARGES if member not in ChatCompletionRequest.model_fields),
        ("best_of", 1),
        ("service_tier", "auto"),
        ("service_tier", "default"),
        ("service_tier", "flex"),
        ("modalities", ["text"]),
        ("metadata", {"service_tier": "priority"}),
        ("store", True),
        ("verbosity", "low"),
        ("prompt_cache_key", "a"),
        ("thinking", {"type": "enabled"}),
        ("a_member_of_tomorrow", 1),
    ],
)
def test_the_rest_passes(member: str, value: object) -> None:
    check({member: value})


def test_what_a_request_shape_names_is_asked_about_at_other_endpoints_only() -> None:
    """The table is asked about the members that a shape does not know; the bound has to hold for those that it does."""
    shapes = (ChatCompletionRequest, CompletionRequest, EmbeddingsRequest)
    assert {(shape, member) for shape in shapes for member in CHARGES.keys() & shape.model_fields.keys()} == {
        (ChatCompletionRequest, "max_completion_tokens"),
        (CompletionRequest, "best_of"),
    }


@pytest.mark.parametrize(
    ("member", "value"),
    [("max_completion_tokens", 10**6), ("n_predict", 9), ("use_beam_search", True)],
)
def test_completions_are_asked_about_too(member: str, value: object) -> None:
    with pytest.raises(UnsupportedParameterError) as refused:
        check_billable(completion_request(**{member: value}), row())
    assert refused.value.param == member
    check_billable(completion_request(best_of=5), row())


def test_embeddings_need_the_price_of_their_input_alone() -> None:
    vectors = row(Price.model_validate({"input": "1"})).model_copy(update={"kind": "embedding"})
    check_billable(embeddings_request(), vectors)
    for price in (None, Price(), Price.model_validate({"output": "1"})):
        with pytest.raises(ModelNotAllowedError):
            check_billable(embeddings_request(), vectors.model_copy(update={"price": price}))
    with pytest.raises(UnsupportedParameterError):
        check_billable(embeddings_request(service_tier="priority"), vectors)


@pytest.mark.parametrize(
    "price", [None, Price(), Price.model_validate({"input": "1"})], ids=["none", "empty", "half"]
)
def test_a_model_without_a_price_is_not_for_a_key_with_a_budget(price: Price | None) -> None:
    with pytest.raises(ModelNotAllowedError, match="'m'") as refused:
        check({}, row(price))
    assert (refused.value.status, refused.value.code, refused.value.param) == (
        403,
        "model_not_allowed",
        "model",
    )


def test_a_price_of_nothing_is_a_price() -> None:
    check({}, row(Price.model_validate({"input": "0", "output": "0"})))


def test_every_model_of_the_shipped_catalogue_that_counts_tokens_has_a_price() -> None:
    for model in load_catalog().models:
        if model.candidates and model.kind in {"chat", "completion", "embedding"}:
            check({}, model)
