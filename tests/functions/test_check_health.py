"""The function that checks providers, as Lambda runs it: its handler, fed with sample events, on every engine."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engines import Engine
from function_handlers import load_handler, sample_events
from mock_provider import MockProvider
from sluice.config import ConfigurationError
from sluice.stores.aws import AWS
from sluice.stores.model_items import UNCONFIGURED, ProviderHealth
from sluice.stores.models import ModelStore, Snapshot

TABLE = "ModelsTable"
CREDENTIAL = "sk-upstream"
CATALOG = """
[providers.near]
kind = "openai"
base_url = "{url}"
credential = "NEAR_KEY"

[providers.refused]
kind = "openai"
base_url = "{url}"
credential = "REFUSED_KEY"

[providers.absent]
kind = "openai"
base_url = "https://absent.invalid/v1"
credential = "ABSENT_KEY"

[providers.demo]
kind = "demo"

[[models]]
id = "one"
candidates = [{{ provider = "near", model = "gpt-4o-mini" }}]

[[models]]
id = "two"
candidates = [{{ provider = "near", model = "no-more" }}]
"""


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
        "REFUSED_KEY": "sk-old",
    }.items():
        monkeypatch.setenv(name, value)
    engine.empty(TABLE)
    yield engine
    engine.empty(TABLE)


def snapshot(engine: Engine) -> Snapshot:
    async def read() -> Snapshot:
        with closing(AWS(engine.endpoint)) as aws:
            return await ModelStore(aws, TABLE).read(consistent=True)

    return asyncio.run(read())


def told(found: ProviderHealth) -> tuple[str, int] | None:
    return None if found.health is None else (found.health.status, found.health.streak)


def test_each_event_has_all_providers_checked(table: Engine) -> None:
    events = sample_events("check_health")
    assert set(events) == {"scheduled", "deployed"}
    handler = load_handler("check_health")
    for number, event in enumerate(events.values(), start=1):
        assert handler(event, None) is None
        found = snapshot(table).providers
        assert {name: told(provider) for name, provider in found.items()} == {
            "near": ("healthy", number),
            "refused": ("down", number),
            "demo": ("healthy", number),
            "absent": None,
        }
        assert found["near"].unlisted == {"no-more"}
        assert found["absent"] == UNCONFIGURED


def test_without_its_table_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_MODELS_TABLE", raising=False)
    event: Any = sample_events("check_health")["scheduled"]
    with pytest.raises(ConfigurationError, match="SLUICE_MODELS_TABLE"):
        load_handler("check_health")(event, None)
