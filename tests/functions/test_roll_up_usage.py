"""The function that adds up the ledger, as Lambda runs it, fed with the sample events."""

import asyncio
import importlib.util
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import pytest

from engines import Engine
from local_stack import ROOT
from made_rows import put_rows, sums_in
from sluice.stores.aws import AWS
from sluice.stores.ledger_rows import LedgerRow, MalformedRowError, row_of
from stream_events import sequence_numbers

EVENTS = ROOT / "events" / "roll_up_usage"
NOBODY = "http://127.0.0.1:1"
TODAY = ("ann", "2026-11-21", "key_events", "gpt-4o-mini")

pytestmark = pytest.mark.parametrize("engine", ["moto"], indirect=True)

type Handler = Callable[[Any, Any], Any]


@pytest.fixture
def handler(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Handler:
    """The function with nothing in its environment but what the template and Lambda put there."""
    for table in ("LedgerTable", "UsageTable"):
        engine.empty(table)
    for name, value in {
        "SLUICE_LEDGER_TABLE": "LedgerTable",
        "SLUICE_USAGE_TABLE": "UsageTable",
        "AWS_ENDPOINT_URL": engine.endpoint.url,
        "AWS_REGION": engine.endpoint.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("roll_up_app", ROOT / "functions/roll_up_usage/app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Handler = module.handler
    return found


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def put(engine: Engine, event: dict[str, Any]) -> None:
    """Write the rows that an event tells of."""

    def rows() -> Sequence[LedgerRow]:
        found = []
        for each in event["Records"]:
            try:
                found.append(row_of(each["dynamodb"]["NewImage"]))
            except MalformedRowError:
                continue
        return found

    async def write() -> None:
        with closing(AWS(engine.endpoint)) as aws:
            await put_rows(aws, rows())

    asyncio.run(write())


def test_rows_are_added_up_and_a_second_delivery_changes_nothing(engine: Engine, handler: Handler) -> None:
    event = sample("rows")
    put(engine, event)
    for _ in range(2):
        assert handler(event, None) == {"batchItemFailures": []}
    assert sums_in(engine.items("UsageTable")) == {
        TODAY: {
            "requests": 2,
            "prompt_tokens": 18,
            "cached_tokens": 4,
            "cache_write_tokens": 0,
            "completion_tokens": 6,
            "reasoning_tokens": 0,
            "searches": 0,
            "images": 0,
            "seconds": 0,
            "cost": 4050,
            "estimated": 1,
        }
    }
    assert all(row["rolled_up"] == {"BOOL": True} for row in engine.items("LedgerTable"))


def test_among_others_the_rows_alone_are_added(engine: Engine, handler: Handler) -> None:
    event = sample("not_only_rows")
    put(engine, event)
    assert handler(event, None) == {"batchItemFailures": []}
    assert {key: found["requests"] for key, found in sums_in(engine.items("UsageTable")).items()} == {
        TODAY: 1
    }


def test_where_no_table_answers_everything_is_asked_for_again(
    engine: Engine, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = sample("rows")
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOBODY)
    assert handler(event, None) == {"batchItemFailures": [{"itemIdentifier": sequence_numbers(event)[0]}]}
    monkeypatch.setenv("AWS_ENDPOINT_URL", engine.endpoint.url)
    put(engine, event)
    assert handler(event, None) == {"batchItemFailures": []}


def test_every_sample_event_is_used(engine: Engine) -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == {"rows", "not_only_rows"}
