"""What a catalogue says is refused is a member of some request, or is told."""

from typing import Any

from sluice.catalog import Catalog
from sluice.providers.parameters import unknown_parameters


def catalog(*parameters: str, **own: Any) -> Catalog:
    candidate = {"provider": "demo", "model": "m", **own}
    row = {"id": "p", "candidates": [candidate], "unsupported_parameters": parameters}
    return Catalog.model_validate({"providers": {"demo": {"kind": "demo"}}, "models": [row]})


def test_a_misspelt_member_is_told_with_the_models_id() -> None:
    (doubt,) = unknown_parameters(catalog("temprature", "temperature"))
    assert doubt.startswith("model 'p' has 'temprature' among its unsupported_parameters")


def test_a_candidates_own_are_looked_at_too() -> None:
    (doubt,) = unknown_parameters(catalog(unsupported_parameters=["sead"]))
    assert "'sead'" in doubt


def test_members_of_every_endpoint_and_of_every_provider_are_known() -> None:
    known = ("logprobs", "suffix", "dimensions", "top_k", "guardrailConfig", "metadata", "verbosity", "min_p")
    assert list(unknown_parameters(catalog(*known))) == []
