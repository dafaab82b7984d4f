"""Every error of contract section 5, as both official clients meet it: ``error_table.json``.

All rows are provoked at once, because most of the time goes in the waits that the clients are told.
"""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from error_table import BASES, Row, rows
from gateway_process import GatewayProcess
from mock_provider import MockProvider
from node_tests import NodeTests
from openai_schemas import check_error
from provoking import Outcome, Provocation, told_delay
from sdk_clients import Traffic
from table_keys import secrets_for

AT_ONCE = 8
REACHED = {None: 0, "itself": 2, "twin": 2, "idempotent twin": 1, "another body": 1}
"""How many requests reach a provider that is well: what comes before, and what succeeds in the end for itself."""


@pytest.fixture(scope="module")
def damaged(provider: MockProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway whose store holds what it should not."""
    state: Path = tmp_path_factory.mktemp("damaged")
    with GatewayProcess(state, provider.url, provider.credential) as process:
        yield process


@pytest.fixture(scope="module")
def secrets(gateway: GatewayProcess, damaged: GatewayProcess, key: str) -> list[dict[str, str]]:
    """The keys of all rows by their ids, for either client. Making them is work: nothing else waits meanwhile."""
    return [secrets_for(rows(), key, gateway, damaged) for _ in range(2)]


@pytest.fixture(scope="module")
def node(
    gateway: GatewayProcess, damaged: GatewayProcess, provider: MockProvider, secrets: list[dict[str, str]]
) -> Iterator[NodeTests]:
    """The Node client's half, which runs beside the Python client's."""
    with NodeTests(
        "errors.test.js",
        GATEWAY_URL=gateway.url,
        DAMAGED_URL=damaged.url,
        PROVIDER_CONTROL=provider.control,
        GATEWAY_KEYS=secrets[0],
    ) as tests:
        yield tests


@pytest.fixture(scope="module")
def outcomes(
    gateway: GatewayProcess,
    damaged: GatewayProcess,
    provider: MockProvider,
    secrets: list[dict[str, str]],
    node: NodeTests,  # started first
) -> Iterator[dict[str, Future[Outcome]]]:
    """What comes of each row, by its id."""

    def outcome_of(row: Row) -> Outcome:
        base_url = (damaged if row.server else gateway).url + BASES[row.variant]
        return Provocation(row, base_url, secrets[1][row.id], provider).outcome()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        # Those first whose client waits until a minute is over.
        in_turn = sorted(rows(), key=lambda row: not row.recovers)
        yield {row.id: pool.submit(outcome_of, row) for row in in_turn}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_the_python_client(
    outcomes: dict[str, Future[Outcome]], provider: MockProvider, traffic: Traffic, row: Row
) -> None:
    outcome = outcomes[row.id].result()
    traffic.responses += outcome.traffic.responses
    check_what_is_raised(row, outcome)
    for reply in outcome.replies:
        check_the_reply(row, reply, provider)
    if row.recovers:
        check_the_recovery(row, outcome.traffic)
    else:
        attempts = [request.headers["x-stainless-retry-count"] for request in outcome.traffic.requests]
        assert attempts == [str(number) for number in range(row.requests)]
    check_the_waits(outcome.traffic)
    check_what_the_provider_got(row, outcome)


def check_what_is_raised(row: Row, outcome: Outcome) -> None:
    error = outcome.error
    assert type(error).__name__ == row.python
    assert (error.status_code, error.type, error.code, error.param) == (
        row.status,
        row.type,
        row.code,
        row.param,
    )
    assert error.request_id
    assert error.request_id == error.response.headers["x-request-id"]
    assert row.says in error.message


def check_the_reply(row: Row, reply: httpx2.Response, provider: MockProvider) -> None:
    check_error(reply.json())
    assert reply.headers["content-type"].partition(";")[0] == "application/json"
    assert reply.headers["x-request-id"]
    for header, expected in (
        ("retry-after", row.retry_after),
        ("retry-after-ms", row.retry_after_ms),
        ("x-should-retry", row.should_retry),
    ):
        assert expected is None or reply.headers[header] == expected
    if row.recovers:
        assert told_delay(reply) > 0
        assert "x-should-retry" not in reply.headers
    assert provider.credential not in reply.text
    assert not re.search("of.the.operator", reply.text)


def check_the_recovery(row: Row, traffic: Traffic) -> None:
    *refused, last = [reply.status_code for reply in traffic.responses]
    assert refused
    assert set(refused) == {row.status}
    assert last == 200


def check_the_waits(traffic: Traffic) -> None:
    """Each attempt came no earlier than the reply before it had told."""
    delays = [told_delay(reply) for reply in traffic.responses]
    waits = [
        asked - answered
        for answered, asked in zip(traffic.answered_at[:-1], traffic.asked_at[1:], strict=True)
    ]
    for waited, delay in zip(waits, delays[:-1], strict=True):
        assert waited >= delay


def check_what_the_provider_got(row: Row, outcome: Outcome) -> None:
    if row.behaviour:
        assert len(outcome.case.requests) == row.requests
    else:
        assert len(outcome.case.requests) == REACHED[row.before]


def test_the_node_client(node: NodeTests) -> None:
    node.check()
