"""Which model, which candidate, with which credential."""

import datetime as dt
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from key_records import key_record
from sluice.catalog import Candidate, Catalog
from sluice.config import ConfigurationError
from sluice.credentials import AWSCredentials, Credential
from sluice.errors import ModelNotAllowedError, ModelNotFoundError
from sluice.pipeline.live_catalog import LiveCatalog
from sluice.pipeline.route import Access, NotConfiguredError, access_to, find_model, target_of
from sluice.stores.models import Snapshot

CATALOG = Catalog.model_validate(
    {
        "providers": {
            "far": {"kind": "openai", "base_url": "https://api.example/v1", "credential": "FAR_KEY"},
            "near": {"kind": "openai", "base_url": "http://localhost:1/v1", "credential": "NEAR_KEY"},
            "open": {"kind": "openai", "base_url": "https://open.example/v1", "headers": {"x-a": "b"}},
            "demo": {"kind": "demo", "credential": "NEVER_SET"},
            "bedrock": {"kind": "bedrock"},
            "keyed": {"kind": "bedrock", "credential": "AWS_BEARER_TOKEN_BEDROCK"},
            "signed": {"kind": "bedrock", "credential": "AWS_ACCESS_KEY_ID"},
            "role": {"kind": "bedrock", "credential": "aws", "base_url": "https://{region}.vpc.example"},
            "mock": {"kind": "bedrock", "credential": "aws", "base_url": "http://127.0.0.1:1"},
        },
        "models": [
            {"id": "one", "aliases": ["uno", "x/one"], "candidates": [{"provider": "far", "model": "up"}]},
            {"id": "vectors", "kind": "embedding", "candidates": [{"provider": "far", "model": "up"}]},
            {"id": "old", "aliases": ["x/old"], "retired": "2026-12-01", "successor": "one"},
            {"id": "last", "retired": "2026-10-23"},
            {"id": "writer", "kind": "completion", "retired": "2026-10-23", "successor": "one"},
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

    known: dict[str, Credential] = field(default_factory=dict)

    async def get(self, name: str) -> Credential | None:
        if name == "aws" and name not in self.known:
            raise ConfigurationError("no AWS credentials were found")
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


TODAY = dt.date(2026, 12, 1)


@pytest.mark.parametrize("name", ["old", "x/old"])
@pytest.mark.parametrize("allowed", [None, ("old",), ("x/old",), ("one",), ("x/one",)])
async def test_a_retired_model_is_answered_by_its_successor_for_a_key_that_may_use_either(
    name: str, allowed: tuple[str, ...] | None
) -> None:
    """A list that was made for the old name stays good, and asking by it opens no model that a key may not use."""
    key = key_record("sk-", models=allowed)
    assert (await find_model(models(NoTable()), name, ("chat",), key, today=TODAY)).id == "one"


async def test_a_key_that_may_use_neither_gets_no_model_by_the_old_name() -> None:
    with pytest.raises(ModelNotAllowedError):
        await find_model(
            models(NoTable()), "old", ("chat",), key_record("sk-", models=("other",)), today=TODAY
        )


async def test_an_old_name_in_a_list_is_no_leave_for_the_new_one() -> None:
    with pytest.raises(ModelNotAllowedError):
        await find_model(models(NoTable()), "one", ("chat",), key_record("sk-", models=("old",)), today=TODAY)


async def test_a_retired_model_without_a_successor_says_since_when() -> None:
    with pytest.raises(ModelNotFoundError, match=r"'last' is not served .* on 2026-10-23") as caught:
        await find_model(models(NoTable()), "last", ("chat",), key_record("sk-"), today=TODAY)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


async def test_a_retired_model_is_asked_where_it_was_and_nowhere_else() -> None:
    both = models(NoTable())
    key = key_record("sk-")
    assert (await find_model(both, "writer", ("completion", "chat"), key, today=TODAY)).id == "one"
    for kinds in (("chat",), ("completion",)):
        with pytest.raises(ModelNotFoundError, match="of the kind"):
            await find_model(both, "writer", kinds, key, today=TODAY)


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


ROLE = AWSCredentials("AKIA", "hush", "token", "eu-west-1")


@pytest.fixture
def on_aws(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables that say where the process is, as Lambda sets them."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    account = ("SLUICE_PROVIDER_AWS_SECRET_ACCESS_KEY", "SLUICE_PROVIDER_AWS_REGION")
    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", *account):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


async def access(name: str, **known: Credential) -> Access:
    return await access_to(CATALOG, name, Credentials(known))


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("bedrock", "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("keyed", "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("role", "https://eu-west-1.vpc.example"),
        ("mock", "http://127.0.0.1:1"),
    ],
)
async def test_the_role_stands_in_at_a_provider_that_takes_it(
    name: str, address: str, on_aws: pytest.MonkeyPatch
) -> None:
    assert await access(name, aws=ROLE) == (address, ROLE, {})


async def test_a_key_of_the_providers_own_counts_for_more_than_the_role(on_aws: pytest.MonkeyPatch) -> None:
    found = await access("keyed", aws=ROLE, AWS_BEARER_TOKEN_BEDROCK="key")
    assert found.credential == "key"


async def test_no_other_provider_gets_the_role(on_aws: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotConfiguredError, match="FAR_KEY is not set"):
        await access("far", aws=ROLE)
    assert (await access("open", aws=ROLE)).credential is None


@pytest.mark.parametrize(
    ("name", "told"), [("bedrock", "aws"), ("keyed", "AWS_BEARER_TOKEN_BEDROCK"), ("role", "aws")]
)
async def test_without_key_and_role_it_is_not_configured(
    name: str, told: str, on_aws: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotConfiguredError, match=f"{told} is not set"):
        await access(name)


@pytest.mark.parametrize("name", ["bedrock", "keyed", "role"])
async def test_the_emulators_credentials_never_leave_this_machine(
    name: str, on_aws: pytest.MonkeyPatch
) -> None:
    on_aws.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    with pytest.raises(NotConfiguredError, match="is not set"):
        await access(name, aws=ROLE)
    assert (await access("mock", aws=ROLE)).credential == ROLE
    on_aws.setenv("AWS_ENDPOINT_URL", "https://vpce.example")
    assert (await access(name, aws=ROLE)).credential == ROLE


@pytest.mark.parametrize("name", ["role", "signed"])
async def test_the_users_own_account_may_leave_where_the_catalogue_names_it(
    name: str, on_aws: pytest.MonkeyPatch
) -> None:
    on_aws.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    on_aws.setenv("SLUICE_PROVIDER_AWS_SECRET_ACCESS_KEY", "hush")
    on_aws.setenv("SLUICE_PROVIDER_AWS_REGION", "us-west-2")
    found = await access(name, aws=ROLE)
    assert (found.credential, "us-west-2" in found.base_url) == (ROLE, True)
    for other in ("bedrock", "keyed"):
        with pytest.raises(NotConfiguredError, match="is not set"):
            await access(other, aws=ROLE)


async def test_a_part_of_a_role_is_no_key(on_aws: pytest.MonkeyPatch) -> None:
    found = await access("signed", aws=ROLE, AWS_ACCESS_KEY_ID="AKIA")
    assert found.credential == ROLE


async def test_an_address_in_the_functions_region_needs_one(on_aws: pytest.MonkeyPatch) -> None:
    on_aws.delenv("AWS_REGION")
    with pytest.raises(NotConfiguredError, match="no AWS region is set"):
        await access("bedrock", aws=ROLE)


def test_a_missing_credential_is_told_before_the_package_is_imported() -> None:
    program = """
import asyncio, sys
from sluice.catalog import Catalog
from sluice.pipeline.route import NotConfiguredError, access_to

class Nothing:
    async def get(self, name):
        return None

row = {"kind": "bedrock", "base_url": "https://far.example", "credential": "NEVER_SET"}
catalog = Catalog.model_validate({"providers": {"far": row}, "models": []})
try:
    asyncio.run(access_to(catalog, "far", Nothing()))
except NotConfiguredError:
    print("sluice.providers.bedrock" in sys.modules)
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
