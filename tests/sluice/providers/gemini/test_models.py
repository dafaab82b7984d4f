"""The list of models."""

import json
from typing import Any

import pytest

from gemini_calls import BASE, target
from sluice.errors import UpstreamError
from sluice.providers.contract import ListedModel
from sluice.providers.gemini import models


def row(name: Any, *methods: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "supportedGenerationMethods": list(methods), **members}


def listed(*rows: Any) -> list[ListedModel]:
    return list(models.listed_models(json.dumps({"models": rows}).encode()))


def test_all_are_asked_for_at_once() -> None:
    sent = models.upstream_request(target())
    assert (sent.method, sent.url) == ("GET", f"{BASE}/v1beta/models?pageSize=1000")


def test_those_that_can_be_called_here() -> None:
    found = listed(
        row("models/gemini-x", "generateContent", "countTokens", inputTokenLimit=1048576),
        row("models/gemini-embedding-x", "embedContent"),
        row("models/imagen-x", "predict"),
        row("models/veo-x", "predictLongRunning"),
        row("tunedModels/mine", "generateContent"),
    )
    assert found == [
        ListedModel("gemini-x", owned_by="google", context_tokens=1048576),
        ListedModel("gemini-embedding-x", owned_by="google"),
        ListedModel("tunedModels/mine", owned_by="google"),
    ]


@pytest.mark.parametrize(
    "odd",
    [
        7,
        {},
        row(None, "generateContent"),
        row("models/", "generateContent"),
        row("models/a\x1b[2J", "generateContent"),
        {"name": "models/x", "supportedGenerationMethods": "generateContent"},
        {"name": "models/x", "supportedGenerationMethods": [{}]},
    ],
)
def test_odd_rows_are_left_out(odd: Any) -> None:
    assert [model.id for model in listed(odd, row("models/good", "generateContent"))] == ["good"]


@pytest.mark.parametrize("limit", ["many", -1, 0, True, None])
def test_an_odd_limit_is_none(limit: Any) -> None:
    (found,) = listed(row("models/x", "generateContent", inputTokenLimit=limit))
    assert found.context_tokens is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"models": {}}', b"<html>"])
def test_what_is_no_list_is_an_upstream_error(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        models.listed_models(body)
