"""sluice usage, end to end against a running development server."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import pytest

from dev_server import DevServer, sluice
from made_rows import ledger_row, put_rows
from sluice.cli.usage import grouped
from sluice.cli.usage_rendering import NUMBERS, Line, usage_object
from sluice.stores.aws import AWS
from sluice.stores.ledger_rows import LedgerRow
from sluice.stores.usage_items import Totals, Usage, UsageKey

DAY = 86_400_000
LONG_AGO = 1_590_062_400_000
"""2020-05-21, 12:00 UTC: no request of today has a part in that day's usage."""

WAIT_SECONDS = 30
MEMBERS: list[dict[str, Any]] = [
    {
        "cost": 1_500_000_000,
        "cached_tokens": 2,
        "cache_write_tokens": 1,
        "reasoning_tokens": 1,
        "searches": 2,
    },
    {"cost": 1, "estimated": True},
    {"cost": 250, "model": "a/b#c", "settled_at": LONG_AGO + DAY},
    {"cost": 3, "key_id": "key_b", "owner": "bob", "prompt_tokens": 1_000_000, "images": 2, "seconds": 8},
]
ROWS = [
    ledger_row(f"req_{index}", **({"settled_at": LONG_AGO} | members))
    for index, members in enumerate(MEMBERS)
]
COUNTED = {"requests": 1, "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
NONE = {"cached_tokens": 0, "cache_write_tokens": 0, "reasoning_tokens": 0, "searches": 0, "estimated": 0} | {
    "images": 0,
    "seconds": 0,
}
LINES = [
    {"day": "2020-05-21", "key": "key_a", "model": "gpt-4o-mini"}
    | {"requests": 2, "prompt_tokens": 6, "completion_tokens": 10, "total_tokens": 16}
    | {"cached_tokens": 2, "cache_write_tokens": 1, "searches": 2, "images": 0, "seconds": 0}
    | {"reasoning_tokens": 1, "cost": "1.500000001", "estimated": 1},
    {"day": "2020-05-21", "key": "key_b", "model": "gpt-4o-mini"}
    | (COUNTED | {"prompt_tokens": 1_000_000, "total_tokens": 1_000_005} | NONE)
    | {"cost": "0.000000003", "images": 2, "seconds": 8},
    {"day": "2020-05-22", "key": "key_a", "model": "a/b#c"} | COUNTED | NONE | {"cost": "0.00000025"},
]


def put(server: DevServer, rows: list[LedgerRow]) -> None:
    async def write() -> None:
        with closing(AWS(server.state.endpoint)) as aws:
            await put_rows(aws, rows, server.state.tables["LedgerTable"])

    asyncio.run(write())


def command(server: DevServer, *arguments: str) -> Any:
    done = sluice("usage", *arguments, "--local", "--json", directory=server.directory)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def awaited(server: DevServer, requests: int, *arguments: str) -> Any:
    """The usage once it has so many requests: it follows the ledger in its own time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        found = command(server, *arguments)
        if sum(line["requests"] for line in found) == requests:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """Has added up the rows above."""
    with DevServer(tmp_path_factory.mktemp("dev")) as running:
        done = sluice("usage", "--local", directory=running.directory)
        assert (done.returncode, done.stdout) == (0, "Nothing was used.\n")
        assert command(running) == []
        put(running, ROWS)
        awaited(running, len(ROWS), "--until", "2020-05-22")
        yield running


def test_there_is_a_line_for_each_day_key_and_model(server: DevServer) -> None:
    assert command(server, "--since", "2020-05-21", "--until", "2020-05-22") == LINES


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("--key", "key_b"), LINES[1:2]),
        (("--owner", "ann"), [LINES[0], LINES[2]]),
        (("--owner", "ann", "--key", "key_b"), []),
        (("--since", "2020-05-22"), LINES[2:]),
        (("--until", "2020-05-21"), LINES[:2]),
        (("--since", "2020-05-21", "--until", "2020-05-21", "--owner", "bob"), LINES[1:2]),
        (("--until", "2020-05-20"), []),
    ],
)
def test_a_part_of_it_is_shown(server: DevServer, arguments: tuple[str, ...], lines: list[Any]) -> None:
    shown = command(server, *arguments)
    assert [line for line in shown if line["key"] in {"key_a", "key_b"}] == lines


@pytest.mark.parametrize(
    ("by", "costs"),
    [
        ("model", {"a/b#c": "0.00000025", "gpt-4o-mini": "1.500000004"}),
        ("day", {"2020-05-21": "1.500000004", "2020-05-22": "0.00000025"}),
        ("key", {"key_a": "1.500000251", "key_b": "0.000000003"}),
        ("provider", {"openai": "1.500000254"}),
    ],
)
def test_it_is_added_up_by_one_thing(server: DevServer, by: str, costs: Mapping[str, str]) -> None:
    shown = command(server, "--by", by, "--since", "2020-05-21", "--until", "2020-05-22")
    assert {line[by]: line["cost"] for line in shown} == costs
    others = {"model", "day", "key", "provider"} - {by}
    assert all(not others & line.keys() for line in shown)
    assert sum(line["requests"] for line in shown) == len(ROWS)


def test_a_person_gets_a_table_with_its_sum(server: DevServer) -> None:
    done = sluice("usage", "--local", "--by", "key", "--until", "2020-05-22", directory=server.directory)
    assert done.returncode == 0
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in done.stdout.splitlines()]
    assert rows == [
        ["key", *NUMBERS],
        ["key_a", "3", "9", "2", "1", "15", "1", "24", "2", "0", "0", "1.500000251", "1"],
        ["key_b", "1", "1,000,000", "0", "0", "5", "0", "1,000,005", "0", "2", "8", "0.000000003", "0"],
        ["all", "4", "1,000,009", "2", "1", "20", "1", "1,000,029", "2", "2", "8", "1.500000254", "1"],
    ]
    assert len({len(line) for line in done.stdout.splitlines()}) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--by", "owner", "--local"), "--by"),
        (("--since", "yesterday", "--local"), "not a day such as 2026-11-21"),
        (("--since", "20200521", "--local"), "not a day"),
        (("--until", "2026-02-30", "--local"), "not a day"),
        (("--since", "2020-05-22", "--until", "2020-05-21", "--local"), "before the first"),
        (("--local", "--stack", "x"), "either --local or --stack"),
        ((), "either --local or --stack"),
    ],
    ids=" ".join,
)
def test_bad_input_is_explained_with_exit_code_2(
    tmp_path: Any, arguments: tuple[str, ...], complaint: str
) -> None:
    done = sluice("usage", *arguments, directory=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_deployed_stack_is_found_by_its_outputs(server: DevServer, tmp_path: Any) -> None:
    aws = {
        "AWS_ENDPOINT_URL": server.state.aws_endpoint,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": server.state.region,
    }
    arguments = ("usage", "--json", "--owner", "bob", "--stack")
    done = sluice(*arguments, server.state.stack, directory=tmp_path, **aws)
    assert json.loads(done.stdout) == LINES[1:2]
    done = sluice(*arguments, "other", directory=tmp_path, **aws)
    assert (done.returncode, done.stderr) == (
        1,
        f"sluice: there is no stack other in this account in {server.state.region}\n",
    )
    aws["AWS_ENDPOINT_URL_DYNAMODB"] = "http://127.0.0.1:1"
    done = sluice(*arguments, server.state.stack, directory=tmp_path, **aws)
    assert done.returncode == 1
    assert done.stderr.startswith("sluice: http://127.0.0.1:1, which the environment names")


def test_without_a_server_it_says_so(tmp_path: Any) -> None:
    done = sluice("usage", "--local", directory=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sluice: no development server has its state in .sluice")


def test_who_was_paid_is_told_and_what_is_older_is_nobodys() -> None:
    key = UsageKey("ann", "2026-11-21", "key_a", "m")
    paid = {"near": Totals(requests=1, cost=5), "far": Totals(requests=2, cost=6)}
    found = [
        Usage(key, Totals(requests=4, cost=18), paid),
        Usage(replace(key, model="n"), Totals(requests=1, cost=5), {"near": Totals(requests=1, cost=5)}),
        Usage(replace(key, day="2026-11-20"), Totals(requests=1, cost=2)),
    ]
    lines = grouped(found, ["provider"])
    assert [(line.group["provider"], line.totals.requests, line.totals.cost) for line in lines] == [
        ("far", 2, 6),
        ("near", 2, 10),
        ("unknown", 2, 9),
    ]


def test_usage_of_owners_is_added_where_it_is_grouped_alike() -> None:
    found = [
        Usage(UsageKey(owner, "2020-05-21", key, "m"), Totals(requests=1, cost=cost))
        for owner, key, cost in (("ann", "key_b", 1), ("ann", "key_a", 2), ("bob", "key_c", 4))
    ]
    assert [line.totals.cost for line in grouped(found, ["day"])] == [7]
    assert [line.group["key"] for line in grouped(found, ["key", "day"])] == ["key_a", "key_b", "key_c"]


def test_an_object_has_its_group_first() -> None:
    shown = usage_object(
        Line({"model": "m"}, Totals(requests=1, prompt_tokens=2, completion_tokens=3, cost=4))
    )
    assert list(shown.items())[:2] == [("model", "m"), ("requests", 1)]
    assert (shown["total_tokens"], shown["cost"]) == (5, "0.000000004")


def test_a_request_is_in_the_usage_of_its_key(server: DevServer) -> None:
    made = json.loads(server.keys("create", "--name", "used", "--owner", "user", "--json").stdout)
    reply = httpx.post(
        f"{server.state.url}/v1/chat/completions",
        json={"model": "demo", "messages": [{"role": "user", "content": "Hi"}]},
        headers={"authorization": f"Bearer {made['key']}"},
        trust_env=False,
        timeout=30,
    ).json()
    (line,) = awaited(server, 1, "--key", made["id"])
    assert (line["key"], line["model"]) == (made["id"], "demo")
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert line[name] == reply["usage"][name]


def test_a_repair_adds_up_what_is_not_and_nothing_twice(server: DevServer) -> None:
    before = command(server, "--until", "2020-05-22")
    for _ in range(2):
        done = sluice("usage", "repair", "--local", directory=server.directory)
        assert (done.returncode, done.stdout) == (0, "rows added up: 0\n"), done.stderr
    done = sluice("usage", "repair", "--local", "--json", directory=server.directory)
    assert json.loads(done.stdout) == {"added": 0, "malformed": []}
    assert command(server, "--until", "2020-05-22") == before


def test_what_is_asked_of_usage_is_not_dropped_before_a_repair(server: DevServer) -> None:
    done = sluice("usage", "--key", "key_a", "repair", "--local", directory=server.directory)
    assert done.returncode == 2
    assert "options belong after repair" in done.stderr
