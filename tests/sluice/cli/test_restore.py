"""A gateway's tables are restored from copies, end to end against a running development server: the order of DEPLOY.md.

A copy is what a restored backup is: a table of the same shape under another name, with what was there at an instant.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dev_server import DevServer, sluice
from local_stack import botocore_client
from made_rows import ledger_row
from sluice.stores.counters import LEAD
from sluice.stores.ledger_rows import item_of

SPENT = 900_000_000
BUDGET = 1_000_000_000
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 16}
DEAR = CHAT | {"max_tokens": 16_000, "n": 11}
"""Holds more than a tenth of a dollar: 176,000 tokens at 0.60 USD a million."""


class Site:
    """A server, and its tables by another client."""

    def __init__(self, server: DevServer) -> None:
        self.server = server
        self.dynamodb = botocore_client(server.state.endpoint, "dynamodb")
        self.tables = server.state.tables

    def command(self, *arguments: str) -> Any:
        done = sluice(*arguments, "--local", "--json", directory=self.server.directory)
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    def copy(self, table: str, name: str) -> str:
        """A restored copy of a table, as it is this moment."""
        source = self.dynamodb.describe_table(TableName=self.tables[table])["Table"]
        names = {part["AttributeName"] for part in source["KeySchema"]}
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=source["KeySchema"],
            AttributeDefinitions=[
                each for each in source["AttributeDefinitions"] if each["AttributeName"] in names
            ],
        )
        for item in self.items(self.tables[table]):
            self.dynamodb.put_item(TableName=name, Item=item)
        return name

    def items(self, table: str) -> list[Any]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table)
        return [item for page in pages for item in page["Items"]]

    def empty(self, table: str) -> None:
        schema = self.dynamodb.describe_table(TableName=self.tables[table])["Table"]["KeySchema"]
        for item in self.items(self.tables[table]):
            key = {part["AttributeName"]: item[part["AttributeName"]] for part in schema}
            self.dynamodb.delete_item(TableName=self.tables[table], Key=key)

    def overwrite(self, table: str, copy: str) -> None:
        """Have a table as a copy has it: what a restore under the table's own name does."""
        self.empty(table)
        for item in self.items(copy):
            self.dynamodb.put_item(TableName=self.tables[table], Item=item)

    def made_key(self) -> tuple[str, str]:
        """The id and the secret of a key with a budget."""
        code, made = self.command("keys", "create", "--name", "x", "--budget", "1")
        assert code == 0
        return made["id"], made["key"]

    def charge(self, key_id: str, request_id: str, cost: int) -> None:
        """Have a request settled that cost so many nano-USD."""
        row = item_of(ledger_row(request_id, key_id=key_id, cost=cost))
        self.dynamodb.put_item(TableName=self.tables["LedgerTable"], Item=row)
        self.command("reconcile", "--key", key_id, "--repair")

    def used(self, key_id: str) -> int:
        reply = self.dynamodb.get_item(
            TableName=self.tables["CountersTable"], Key={"id": {"S": LEAD + key_id}}, ConsistentRead=True
        )
        return int(reply["Item"]["used"]["N"])

    def status(self, secret: str, body: dict[str, Any]) -> int:
        return httpx.post(
            f"{self.server.state.url}/v1/chat/completions",
            json=body,
            headers={"authorization": f"Bearer {secret}"},
            trust_env=False,
            timeout=30,
        ).status_code


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    # Nobody listens there: a request that is admitted fails at its provider, and one that is not is a 402.
    with DevServer(
        tmp_path_factory.mktemp("dev"), {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": "http://127.0.0.1:1"}
    ) as running:
        yield Site(running)


def test_counters_older_than_the_ledger_are_brought_up_to_it_and_no_budget_is_exceeded(site: Site) -> None:
    key_id, secret = site.made_key()
    site.charge(key_id, "req_1", SPENT // 9)
    older = site.copy("CountersTable", "counters-restored")
    site.charge(key_id, "req_2", SPENT - SPENT // 9)
    assert site.used(key_id) == SPENT
    site.overwrite("CountersTable", older)
    assert site.used(key_id) == SPENT // 9  # who asked now could spend what is spent already
    code, found = site.command("reconcile")
    assert code == 1
    assert [each["excess_nano_usd"] for each in found["different"]] == [SPENT // 9 - SPENT]
    assert site.command("reconcile", "--repair")[0] == 0
    assert site.command("reconcile")[0] == 0
    assert site.used(key_id) == SPENT
    assert site.status(secret, DEAR) == 402


def test_a_lost_counters_table_needs_no_backup(site: Site) -> None:
    key_id, secret = site.made_key()
    site.charge(key_id, "req_1", SPENT)
    site.empty("CountersTable")
    assert site.command("reconcile", "--repair")[0] == 0
    assert site.used(key_id) == SPENT
    assert site.status(secret, DEAR) == 402


def test_lost_ledger_rows_come_back_before_counters_are_mended_by_them(site: Site) -> None:
    key_id, secret = site.made_key()
    site.charge(key_id, "req_1", SPENT)
    copy = site.copy("LedgerTable", "ledger-restored")
    rows = len(site.items(copy))
    site.empty("LedgerTable")
    site.charge(key_id, "req_2", 1)  # by which, as there is no other, the counter was mended: too early
    assert site.used(key_id) == 1
    code, merged = site.command("restore", copy, "--into", "ledger")
    assert (code, merged) == (0, {"read": rows, "written": rows})
    assert site.command("reconcile", "--repair")[0] == 0
    assert site.used(key_id) == SPENT + 1
    assert site.status(secret, DEAR) == 402
    assert site.command("restore", copy, "--into", "ledger")[1] == {"read": rows, "written": 0}


def test_lost_keys_come_back_and_revoked_ones_stay_revoked(site: Site) -> None:
    (revoked, dead), (lost, secret) = site.made_key(), site.made_key()
    copy = site.copy("KeysTable", "keys-restored")
    site.command("keys", "revoke", revoked)
    (item,) = [item for item in site.items(site.tables["KeysTable"]) if item["id"]["S"] == lost]
    site.dynamodb.delete_item(TableName=site.tables["KeysTable"], Key={"digest": item["digest"]})
    assert site.status(secret, CHAT) == 401
    done = sluice(
        "restore", copy, "--into", "keys", "--key", lost, "--local", directory=site.server.directory
    )
    assert (done.returncode, done.stdout) == (0, "read: 1; were missing and are written: 1\n")
    assert site.command("restore", copy, "--into", "keys")[1]["written"] == 0
    assert site.status(dead, CHAT) == 401


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("ledger-restored",), 2, "--into"),
        (("ledger-restored", "--into", "counters"), 2, "--into"),
        (("ledger-restored", "--into", "keys", "--recount", "--local"), 2, "--recount"),
        (("ledger-restored", "--into", "ledger"), 2, "either --local or --stack"),
        (("none", "--into", "ledger", "--local"), 1, "AWS refused: Scan: ResourceNotFoundException"),
    ],
    ids=["of what", "counters follow from the ledger", "no sums of keys", "where", "no copy"],
)
def test_what_is_wrong_is_told(site: Site, arguments: tuple[str, ...], code: int, complaint: str) -> None:
    done = sluice("restore", *arguments, directory=site.server.directory)
    assert (done.returncode, done.stdout) == (code, "")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
