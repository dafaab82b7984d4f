"""What a client is told where nobody may answer: of whom it is true, and what it or the operator can do."""

from typing import Any

import pytest

from fake_upstream import FakeProviders
from key_records import key_record
from path_world import SECRET, World
from route_world import body, run
from sluice.catalog import Catalog
from sluice.errors import SluiceError
from sluice.stores.keys import KeyRecord


def refusal(
    candidates: dict[str, dict[str, Any]],
    record: KeyRecord | None = None,
    wanted: str | None = None,
    **members: Any,
) -> SluiceError:
    """What is told of a model with these candidates, by the names of their providers."""
    catalog = Catalog.model_validate(
        {
            "providers": candidates,
            "models": [
                {
                    "id": "one",
                    "candidates": [
                        {"provider": name, "model": "m"}
                        | ({"price": {"input": "1", "output": "2"}} if name == "priced" else {})
                        for name in candidates
                    ],
                }
            ],
        }
    )
    world = World(FakeProviders(), record, catalog)
    got, _ = run(world.ask(body(**members), providers=wanted))
    assert isinstance(got, SluiceError), got
    return got


def near(kind: str) -> dict[str, str]:
    return {"kind": kind, "base_url": "http://localhost:1"}


TWO = {"claude": near("anthropic"), "groq": near("groq")}


@pytest.mark.parametrize(
    ("members", "message", "param"),
    [
        ({"presence_penalty": 1}, "None of claude, groq can express 'presence_penalty'.", "presence_penalty"),
        ({"n": 2}, "None of claude, groq can express 'n' above 1.", "n"),
        ({"logprobs": True}, "None of claude, groq can express 'logprobs'.", "logprobs"),
        ({"x": 1}, "None of claude, groq can express 'x'.", "x"),
        ({"verbosity": "low"}, "None of claude, groq can express 'verbosity' of 'low'.", "verbosity"),
    ],
    ids=str,
)
def test_all_who_cannot_express_it_are_named(members: dict[str, Any], message: str, param: str) -> None:
    got = refusal(TWO, **members)
    assert (got.status, got.code, got.param, got.message) == (400, "unsupported_parameter", param, message)


def test_the_only_one_is_named() -> None:
    got = refusal({"claude": near("anthropic")}, n=2)
    assert got.message == "The provider 'claude' cannot express 'n' above 1."
    got = refusal({"claude": near("anthropic")}, response_format={"type": "json_object"})
    assert got.message == (
        "The provider 'claude' cannot express 'response_format' of json_object. Use json_schema."
    )


def test_a_provider_is_not_named_for_what_another_cannot_express() -> None:
    far = {"kind": "openai", "base_url": "https://far.example", "credential": "NEVER_SET"}
    got = refusal({"far": far, "claude": near("anthropic")}, n=2)
    assert got.message == "The provider 'claude' cannot express 'n' above 1."


def test_a_provider_that_does_not_cache_by_marks_is_told_to_be_so() -> None:
    got = refusal({"groq": near("groq")}, cache_control={"type": "ephemeral"})
    assert got.message.endswith("It does not cache by such a mark: leave it out.")


def test_what_has_to_be_set_is_told_of_all() -> None:
    far = {"kind": "openai", "base_url": "https://far.example"}
    two = {"a": {**far, "credential": "NEVER_SET"}, "b": {**far, "credential": "NOR_THIS"}}
    got = refusal(two)
    assert (got.status, got.code, got.param) == (404, "model_not_found", "model")
    assert got.message == "None of a, b is configured: set one of NEVER_SET, NOR_THIS."
    got = refusal(two, wanted="b")
    assert got.message == "The provider 'b' is not configured: its credential NOR_THIS is not set."
    got = refusal({name: {**far, "credential": "NEVER_SET"} for name in two})
    assert got.message == "None of a, b is configured: set NEVER_SET."


def test_a_budget_that_cannot_be_kept_names_the_provider_that_was_wanted() -> None:
    record = key_record(SECRET, budget_nano_usd=10**9, budget_period="lifetime")
    both = {"priced": near("openai"), "free": near("openai")}
    got = refusal(both, record, wanted="free")
    assert (got.status, got.code) == (403, "model_not_allowed")
    assert "with the model 'one' at the provider 'free'" in got.message
    assert "Use another provider" in got.message
    got = refusal({"free": near("openai")}, record)
    assert "provider" not in got.message
