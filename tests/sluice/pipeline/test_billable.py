"""A key with a budget is refused what its budget cannot be kept with, and nothing else."""

import pytest

from random_requests import sent
from sluice.catalog import Candidate, ModelRow, Price, load_catalog
from sluice.errors import ModelNotAllowedError, UnsupportedParameterError
from sluice.pipeline.billable import CHARGES, check_billable

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
        ("models", ["another"]),
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
        *((member, False) for member in CHARGES),
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


def test_what_the_request_shape_names_is_not_in_the_table() -> None:
    """The table is asked about the members that the shape does not know."""
    request = sent({"model": "m", "messages": [{"role": "user", "content": "Hello"}]}).request
    assert not CHARGES.keys() & type(request).model_fields.keys()


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


def test_every_chat_model_of_the_shipped_catalogue_has_a_price() -> None:
    for model in load_catalog().models:
        if model.kind == "chat":
            check({}, model)
