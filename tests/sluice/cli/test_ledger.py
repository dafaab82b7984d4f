"""sluice ledger, end to end against a running development server."""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from dev_server import SLUICE, DevServer, environment, sluice
from made_rows import NOON, ledger_row, put_rows
from sluice.cli.ledger import print_rows
from sluice.cli.ledger_rendering import HEADING, Sum, row_line, row_object, row_text, sum_line
from sluice.request_ids import new_request_id
from sluice.stores.aws import AWS
from sluice.stores.ledger_rows import LedgerRow

DAY = 86_400
BEGIN = NOON // 1000 - DAY // 2
"""2026-11-21, 00:00 UTC."""
ROWS = [
    ledger_row(new_request_id(BEGIN - 0.001), settled_at=NOON, cost=1),
    ledger_row(new_request_id(BEGIN), settled_at=NOON, cost=1_500_000_000, estimated=True),
    ledger_row(new_request_id(BEGIN + DAY - 0.001), settled_at=NOON + DAY * 1000, cost=250, images=2),
    ledger_row(
        new_request_id(BEGIN + DAY), settled_at=NOON + DAY * 1000, cost=3, model="a\x1b[2J\x9b0m\u202e"
    ),
]
MANY = 500
HASHES = {"request_hash": "a" * 64, "response_hash": "b" * 64}
SECONDS = 30
CHAT = {"model": "demo", "messages": [{"role": "user", "content": "Hi"}]}


def put(server: DevServer, rows: list[LedgerRow]) -> None:
    async def write() -> None:
        with closing(AWS(server.state.endpoint)) as aws:
            await put_rows(aws, rows, server.state.tables["LedgerTable"])

    asyncio.run(write())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """Has the rows above, and the many of another key."""
    with DevServer(tmp_path_factory.mktemp("dev")) as running:
        put(running, ROWS)
        put(running, [ledger_row(new_request_id(at), key_id="key_many", **HASHES) for at in range(MANY)])
        yield running


def run(server: DevServer, *arguments: str) -> tuple[int, str, str]:
    done = sluice("ledger", "list", *arguments, "--local", directory=server.directory)
    return done.returncode, done.stdout, done.stderr


def read(server: DevServer, *arguments: str) -> list[Any]:
    code, output, told = run(server, *arguments, "--json")
    assert (code, told) == (0, "")
    return [json.loads(line) for line in output.splitlines()]


def test_every_request_of_a_key_is_listed_oldest_first_and_no_other(server: DevServer) -> None:
    assert read(server, "--key", "key_a") == [row_object(row) for row in ROWS]


@pytest.mark.parametrize(
    ("bounds", "rows"),
    [
        (("--since", "2026-11-21"), ROWS[1:]),
        (("--until", "2026-11-21"), ROWS[:3]),
        (("--since", "2026-11-21", "--until", "2026-11-21"), ROWS[1:3]),
        (("--since", "2026-11-23"), []),
        (("--since", "0001-01-01", "--until", "9999-12-31"), ROWS),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_days_are_those_on_which_requests_came_in(
    server: DevServer, bounds: tuple[str, ...], rows: list[LedgerRow]
) -> None:
    assert [row["request_id"] for row in read(server, "--key", "key_a", *bounds)] == [
        row.request_id for row in rows
    ]


def test_a_person_gets_a_heading_a_line_a_request_and_what_they_add_up_to(server: DevServer) -> None:
    code, output, told = run(server, "--key", "key_a")
    assert (code, told) == (0, "")
    assert output.splitlines() == [
        HEADING,
        *map(row_line, ROWS),
        "requests: 4; cost: 1.500000254 USD; estimated: 1",
    ]


def test_a_request_is_shown_with_all_that_is_known_of_it(server: DevServer) -> None:
    made = json.loads(server.keys("create", "--name", "asked", "--owner", "ann", "--json").stdout)
    reply = httpx.post(
        f"{server.state.url}/v1/chat/completions",
        json=CHAT,
        headers={"authorization": f"Bearer {made['key']}"},
        trust_env=False,
        timeout=SECONDS,
    )
    arguments = ("--key", made["id"], "--request", reply.headers["x-request-id"])
    deadline = time.monotonic() + SECONDS
    while run(server, *arguments)[0] != 0:  # it is settled after its last byte
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (row,) = read(server, *arguments)
    body = reply.json()
    assert (row["request_hash"], row["response_hash"]) == (body["requestHash"], body["responseHash"])
    assert (row["key"], row["owner"], row["model"], row["status"]) == (made["id"], "ann", "demo", "complete")
    assert row["prompt_tokens"] == body["usage"]["prompt_tokens"]
    assert row["completion_tokens"] == body["usage"]["completion_tokens"]
    shown = dict(line.split(maxsplit=1) for line in run(server, *arguments)[1].splitlines())
    assert shown["request_hash"] == body["requestHash"]
    assert shown["cost"] == f"{row['cost']} USD"
    # the secret is in none of it
    assert made["key"] not in json.dumps(row) + str(shown)


@pytest.mark.parametrize("lead", ["image_", "video_", "req_"])
def test_a_job_is_found_by_its_own_id_too(server: DevServer, lead: str) -> None:
    named = lead + ROWS[2].request_id.removeprefix("req_")
    assert read(server, "--key", "key_a", "--request", named) == [row_object(ROWS[2])]


def test_what_is_not_there_is_told(server: DevServer) -> None:
    idle = json.loads(server.keys("create", "--name", "idle", "--json").stdout)["id"]
    assert run(server, "--key", idle) == (0, "Nothing is settled.\n", "")
    assert run(server, "--key", idle, "--json") == (0, "", "")
    assert run(server, "--key", "key_none") == (1, "", "sluice: there is no key key_none\n")
    code, output, told = run(server, "--key", "key_many", "--request", ROWS[0].request_id)
    assert (code, output) == (1, "")
    assert told.startswith(f"sluice: key key_many has no settled request {ROWS[0].request_id}: ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--local",), "--key"),
        (("--key", "key_a"), "either --local or --stack"),
        (("--key", "key_a", "--local", "--since", "yesterday"), "not a day such as"),
        (("--key", "key_a", "--local", "--since", "2026-11-22", "--until", "2026-11-21"), "before the first"),
        (("--key", "key_a", "--local", "--request", "req_1", "--since", "2026-11-22"), "has a day already"),
    ],
    ids=" ".join,
)
def test_bad_input_is_explained_with_exit_code_2(
    tmp_path: Any, arguments: tuple[str, ...], complaint: str
) -> None:
    done = sluice("ledger", "list", *arguments, directory=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


@pytest.mark.parametrize("json", [True, False])
async def test_a_row_is_printed_before_the_next_one_is_read(
    capsys: pytest.CaptureFixture[str], json: bool
) -> None:
    async def rows() -> AsyncIterator[LedgerRow]:
        for row in ROWS:
            yield row
            assert row.request_id in capsys.readouterr().out

    assert (await print_rows(rows(), json=json)).requests == len(ROWS)


def test_who_reads_no_further_ends_it(server: DevServer) -> None:
    assert len(read(server, "--key", "key_many")) == MANY
    with subprocess.Popen(
        [SLUICE, "ledger", "list", "--key", "key_many", "--local", "--json"],
        cwd=server.directory,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        assert first, process.stderr.read()
        assert json.loads(first)["key"] == "key_many"
        process.stdout.close()  # more lines than a pipe holds are to come
        assert process.wait(SECONDS) == 1
        assert process.stderr.read() == ""


def test_nothing_moves_the_terminals_cursor() -> None:
    row = ROWS[3]
    for shown in (row_line(row), *row_text(row).splitlines()):
        assert shown.isprintable()
    assert "a\\x1b[2J\\x9b0m\\u202e, openai" in row_line(row)


def test_a_line_fits_its_heading_and_says_what_is_special() -> None:
    row = ledger_row(
        new_request_id(BEGIN),
        prompt_tokens=1_234_567,
        cost=12_345_678_901,
        capped=True,
        estimated=True,
        searches=2,
        seconds=8,
    )
    line = row_line(row)
    assert line.index("gpt-4o-mini") == HEADING.index("model")
    assert line.startswith(datetime.fromtimestamp(NOON // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))
    assert "12.345678901" in line
    assert "1,234,567" in line
    assert line.endswith("gpt-4o-mini, openai, estimated, capped, 2 searches, 8 s of video")


def test_a_lost_request_has_no_model() -> None:
    row = ledger_row("req_lost", status="lost", cost=0, owner="", model="", provider="")
    assert row_line(row).endswith("  -, -")
    assert row_object(row)["model"] is None
    assert "model" not in row_text(row)


def test_costs_are_added_up_exactly() -> None:
    total = Sum() + ledger_row("req_1", cost=1) + ledger_row("req_2", cost=10**18, estimated=True)
    assert sum_line(total) == "requests: 2; cost: 1000000000.000000001 USD; estimated: 1"
