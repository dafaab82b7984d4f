"""The function that asks providers for their models, as Lambda runs it: fed with sample events, on every engine."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engines import Engine
from function_handlers import load_handler, sample_events
from mock_provider import MODELS, MockProvider
from sluice.stores.aws import AWS
from sluice.stores.model_items import StoredModel
from sluice.stores.models import ModelStore

TABLE = "ModelsTable"
CREDENTIAL = "sk-upstream"
CATALOG = """
[providers.near]
kind = "openai"
base_url = "{url}"
credential = "NEAR_KEY"

[providers.silent]
kind = "openai"
base_url = "{url}"
credential = "NEAR_KEY"
discover = false

[providers.absent]
kind = "openai"
base_url = "https://absent.invalid/v1"
credential = "ABSENT_KEY"

[[models]]
id = "mini"
candidates = [{{ provider = "near", model = "gpt-4o-mini" }}]
"""
FOUND = set(MODELS) - {"gpt-4o-mini"}


@pytest.fixture
def provider() -> Iterator[MockProvider]:
    with MockProvider(CREDENTIAL) as mock:
        yield mock


@pytest.fixture
def table(
    engine: Engine, provider: MockProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """An engine whose table is empty, and an environment that names it."""
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(CATALOG.format(url=provider.url))
    for name, value in {
        "AWS_REGION": engine.endpoint.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL_DYNAMODB": engine.endpoint.url,
        "SLUICE_MODELS_TABLE": TABLE,
        "SLUICE_CATALOG": str(catalog),
        "NEAR_KEY": CREDENTIAL,
    }.items():
        monkeypatch.setenv(name, value)
    engine.empty(TABLE)
    yield engine
    engine.empty(TABLE)


def models(engine: Engine, *, own: Mapping[str, Any] | None = None) -> Mapping[str, StoredModel]:
    """The table's models, after the operator has said something of gpt-4o."""

    async def read() -> Mapping[str, StoredModel]:
        with closing(AWS(engine.endpoint)) as aws:
            store = ModelStore(aws, TABLE)
            if own is not None:
                await store.set_own("gpt-4o", own)
            return (await store.read(consistent=True)).models

    work: Coroutine[Any, Any, Mapping[str, StoredModel]] = read()
    return asyncio.run(work)


def test_each_event_has_all_providers_asked(table: Engine, provider: MockProvider) -> None:
    events = sample_events("sync_catalog")
    assert set(events) == {"scheduled", "deployed"}
    handler = load_handler("sync_catalog")
    for number, event in enumerate(events.values(), start=1):
        assert handler(event, None) is None
        assert models(table).keys() == FOUND
        assert [(request.method, request.path) for request in provider.all_requests()] == [
            ("GET", "/v1/models")
        ] * number


def test_what_the_operator_has_set_outlives_every_run(
    table: Engine, provider: MockProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, event = load_handler("sync_catalog"), sample_events("sync_catalog")["scheduled"]
    own = {"price": {"input": "1"}}
    models(table, own=own)
    for credential in (CREDENTIAL, CREDENTIAL, "sk-old"):
        monkeypatch.setenv("NEAR_KEY", credential)
        handler(event, None)
        found = models(table)["gpt-4o"]
        assert (found.own, found.gone_at) == (own, None)
    assert len(provider.all_requests()) == 3
