"""Log probabilities."""

from typing import Any

import pytest

from sluice.providers.gemini.logprobs import logprobs_of

CHOSEN = [
    {"token": "Zü", "tokenId": 5, "logProbability": -0.5},
    {"token": "rich", "tokenId": 6},
]
ZU = {"token": "Zü", "logprob": -0.5, "bytes": [90, 195, 188]}
RICH = {"token": "rich", "logprob": 0.0, "bytes": [114, 105, 99, 104]}


def test_each_token_has_the_likeliest_ones() -> None:
    result = {"chosenCandidates": CHOSEN, "topCandidates": [{"candidates": CHOSEN}, {}]}
    assert logprobs_of(result) == {
        "content": [{**ZU, "top_logprobs": [ZU, RICH]}, {**RICH, "top_logprobs": []}],
        "refusal": None,
    }


def test_without_likeliest_ones_there_are_none() -> None:
    assert logprobs_of({"chosenCandidates": CHOSEN[:1]}) == {
        "content": [{**ZU, "top_logprobs": []}],
        "refusal": None,
    }


@pytest.mark.parametrize("result", [None, {}, [], {"chosenCandidates": None}, {"chosenCandidates": []}])
def test_nothing_is_nothing(result: Any) -> None:
    assert logprobs_of(result) is None
