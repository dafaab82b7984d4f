"""The list of Anthropic's models."""

import json
from typing import Any

import pytest

from anthropic_calls import TARGET
from mock_anthropic import MODELS, _listing
from sluice.errors import UpstreamError
from sluice.providers.anthropic.models import listed_models, upstream_request
from sluice.providers.contract import ListedModel


def test_the_whole_list_is_asked_for() -> None:
    request = upstream_request(TARGET)
    assert (request.method, request.url) == ("GET", "https://api.anthropic.com/v1/models?limit=1000")
    assert request.headers["x-api-key"] == "sk-ant-upstream"


def test_models_are_listed_and_retired_ones_are_not() -> None:
    assert listed_models(json.dumps(_listing(1000)).encode()) == tuple(
        ListedModel(name, 1_779_926_400, "anthropic", 200_000) for name in MODELS
    )


@pytest.mark.parametrize(
    ("row", "created", "tokens"),
    [
        ({}, 0, None),
        ({"created_at": "1970-01-01T00:00:00Z", "max_input_tokens": None}, 0, None),
        ({"created_at": "2024-10-22T00:00:00", "max_input_tokens": 1_000_000}, 1_729_555_200, 1_000_000),
        ({"created_at": "lately", "max_input_tokens": "many"}, 0, None),
        ({"created_at": 7, "max_input_tokens": 0}, 0, None),
        ({"created_at": "0001-01-01T00:00:00+00:00", "max_input_tokens": True}, 0, None),
    ],
)
def test_what_is_not_told_is_not_known(row: dict[str, Any], created: int, tokens: int | None) -> None:
    body = json.dumps({"data": [{"id": "claude", **row}]}).encode()
    assert listed_models(body) == (ListedModel("claude", created, "anthropic", tokens),)


def test_a_row_without_a_name_is_passed_over() -> None:
    rows = [{"id": ""}, {"id": 7}, {}, "claude", {"id": "a\nb"}, {"id": "x" * 257}, {"id": "a"}, {"id": "a"}]
    assert [model.id for model in listed_models(json.dumps({"data": rows}).encode())] == ["a"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data": {}}'])
def test_what_is_no_list_is_an_error(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        listed_models(body)
