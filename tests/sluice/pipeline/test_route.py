"""Which model, which candidate, with which credential."""

from dataclasses import dataclass, field

import pytest

from key_records import key_record
from sluice.catalog import Candidate, Catalog
from sluice.errors import ModelNotAllowedError, ModelNotFoundError
from sluice.pipeline.live_catalog import LiveCatalog
from sluice.pipeline.route import NotConfiguredError, find_model, target_of
from sluice.stores.models import Snapshot

CATALOG = Catalog.model_validate(
    {
        "providers": {
            "far": {"kind": "openai", "base_url": "https://api.example/v1", "credential": "FAR_KEY"},
            "near": {"kind": "openai", "base_url": "http://localhost:1/v1", "credential": "NEAR_KEY"},
            "open": {"kind": "openai", "base_url": "https://open.example/v1", "headers": {"x-a": "b"}},
            "demo": {"kind": "demo", "credential": "NEVER_SET"},
        },
        "models": [
            {"id": "one", "aliases": ["uno", "x/one"], "candidates": [{"provider": "far", "model": "up"}]},
            {"id": "vectors", "kind": "embedding", "candidates": [{"provider": "far", "model": "up"}]},
        ],
    }
)

ROW = CATALOG.models[0]


class NoTable:
    """A models table that nobody may read: what the file has is found without it."""

    async def read(self) -> Snapshot:
        raise AssertionError("the models table was read")


class EmptyTable:
    """A models table with nothing in it."""

    async def read(self) -> Snapshot:
        return Snapshot()


def models(table: NoTable | EmptyTable) -> LiveCatalog:
    return LiveCatalog(CATALOG, table, seconds=60, clock=lambda: 0.0)


@dataclass
class Credentials:
    """Credentials in memory."""

    known: dict[str, str] = field(default_factory=dict)

    async def get(self, name: str) -> str | None:
        return self.known.get(name)


@pytest.mark.parametrize("name", ["one", "uno", "x/one"])
@pytest.mark.parametrize("allowed", [None, ("one",), ("uno", "other"), ("x/one",)])
async def test_a_model_is_found_by_any_name_that_the_key_may_use(
    name: str, allowed: tuple[str, ...] | None
) -> None:
    assert (
        await find_model(models(NoTable()), name, ("chat",), key_record("sk-", models=allowed))
    ).id == "one"


@pytest.mark.parametrize("allowed", [(), ("other",), ("On", "ONE")])
async def test_a_key_may_use_no_other_model_than_its_own(allowed: tuple[str, ...]) -> None:
    with pytest.raises(ModelNotAllowedError) as caught:
        await find_model(models(NoTable()), "one", ("chat",), key_record("sk-", models=allowed))
    assert (caught.value.status, caught.value.code, caught.value.param) == (403, "model_not_allowed", "model")


@pytest.mark.parametrize("name", ["", "two", "ONE", "one ", "vectors", "\u0000" * 500])
async def test_an_unknown_model_or_one_of_another_kind_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        await find_model(models(EmptyTable()), name, ("chat",), key_record("sk-"))
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")


@pytest.mark.parametrize(
    ("provider", "address", "credential"),
    [
        ("far", "https://api.example/v1", "secret"),
        ("near", "http://localhost:1/v1", None),
        ("open", "https://open.example/v1", None),
        ("demo", "demo://localhost", None),
    ],
)
async def test_a_target_has_address_and_credential(
    provider: str, address: str, credential: str | None
) -> None:
    candidate = Candidate(provider=provider, model="up")
    target = await target_of(CATALOG, ROW, candidate, Credentials({"FAR_KEY": "secret"}))
    assert (target.base_url, target.credential, target.model) == (address, credential, "up")


async def test_a_provider_without_its_credential_is_told_by_name() -> None:
    with pytest.raises(NotConfiguredError, match="FAR_KEY is not set") as caught:
        await target_of(CATALOG, ROW, Candidate(provider="far", model="up"), Credentials())
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")
