"""What completions and embeddings have probably used, where the provider does not say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.accounting.costs import TokenCount
from sluice.api.completion_reply import Completion
from sluice.pipeline.text_estimate import completion_estimate, text_tokens
from text_requests import completion_request

ANY = TokenCount(10**9, 10**9)


def reply(*texts: str, first: int = 0) -> Completion:
    choices = [
        {"index": first + index, "text": text, "finish_reason": "stop"} for index, text in enumerate(texts)
    ]
    return Completion.model_validate({"id": "1", "created": 1, "model": "m", "choices": choices})


def written(prompt: Any, received: Completion | None, **members: Any) -> int:
    return completion_estimate(completion_request(prompt, **members), received, ANY).completion


@pytest.mark.parametrize(
    ("prompt", "members", "tokens"),
    [
        ("eight ch", {}, 2),
        (["four", "日本"], {}, 3),
        ([7, 8, 9], {}, 3),
        ([[7], [8, 9]], {}, 3),
        ("four", {"suffix": "more"}, 2),
        (["four", "four"], {"suffix": "more"}, 4),
        ("four", {"n": 5, "best_of": 9}, 1),
    ],
)
def test_a_prompt_counts_once_and_its_suffix_with_each(
    prompt: Any, members: dict[str, Any], tokens: int
) -> None:
    assert completion_estimate(completion_request(prompt, **members), None, ANY) == TokenCount(tokens, 0)


def test_texts_and_tokens_are_counted() -> None:
    assert text_tokens(["four", [7, 8], "日本", ""]) == 5


def test_all_choices_count() -> None:
    assert written("a", reply("four", "eight ch"), n=2) == 3


def test_so_do_those_that_best_of_keeps_back() -> None:
    assert written("a", reply("eight ch"), best_of=5) == 10
    assert written("a", reply("four", "eight ch"), n=2, best_of=3) == 5


@pytest.mark.parametrize(
    ("prompt", "members", "received", "tokens"),
    [
        ("four", {"n": 2}, reply("four", "fourmore"), 0 + 1),
        ("four", {}, reply("more"), 1),
        (["ab", "abcd"], {}, reply("abcdefgh", "abcdefgh"), 2 + 1),
        (["abcd", "ab"], {"n": 2}, reply("abcdefgh", "abcd", "abcdefgh", "ab"), 1 + 0 + 2 + 0),
        ([7, 8], {}, reply("three tokens"), 1),
        ([7, 8, 9], {}, reply("four"), 0),
        ("four", {}, reply("fourmore", first=5), 2),
        ("four", {}, reply("fourmore", first=-1), 2),
    ],
)
def test_an_echo_is_not_counted_as_written(
    prompt: Any, members: dict[str, Any], received: Completion, tokens: int
) -> None:
    assert written(prompt, received, echo=True, **members) == tokens


def test_what_only_looks_like_an_echo_is_counted() -> None:
    assert written("four", reply("fourmore")) == 2


@given(st.text(), st.text(), st.integers(0, 5), st.integers(0, 5), st.sampled_from([None, True]))
def test_an_estimate_never_exceeds_the_bound(
    prompt: str, text: str, most_prompt: int, most_completion: int, echo: Any
) -> None:
    request = completion_request(prompt, echo=echo)
    made = completion_estimate(request, reply(text), TokenCount(most_prompt, most_completion))
    assert 0 <= made.prompt <= most_prompt
    assert 0 <= made.completion <= most_completion
