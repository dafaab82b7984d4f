"""sluice reconcile, end to end against a running development server."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dev_server import DevServer, sluice
from local_stack import botocore_client
from made_rows import ledger_row
from sluice.cli.reconcile_rendering import Report, report_lines
from sluice.pipeline.reconcile import Balance, Busy, Different, Equal
from sluice.stores.counters import LEAD
from sluice.stores.ledger_rows import item_of

WAIT_SECONDS = 30
CHAT = {"model": "demo", "messages": [{"role": "user", "content": "Hi"}]}


class Site:
    """A server, and its table of counters by another client."""

    def __init__(self, server: DevServer) -> None:
        self.server = server
        self._dynamodb = botocore_client(server.state.endpoint, "dynamodb")
        self._table = server.state.tables["CountersTable"]

    def reconcile(self, *arguments: str) -> Any:
        """The exit code, and the command's JSON."""
        done = sluice("reconcile", *arguments, "--local", "--json", directory=self.server.directory)
        assert done.stderr == ""
        assert done.stdout.count("\n") == 1
        return done.returncode, json.loads(done.stdout)

    def key_in_use(self, name: str) -> str:
        """The id of a key with a request that is settled."""
        done = self.server.keys("create", "--name", name, "--json")
        made = json.loads(done.stdout)
        response = httpx.post(
            f"{self.server.state.url}/v1/chat/completions",
            json=CHAT,
            headers={"authorization": f"Bearer {made['key']}"},
            trust_env=False,
            timeout=30,
        )
        assert response.status_code == 200
        deadline = time.monotonic() + WAIT_SECONDS
        while self._holds(made["id"]):  # it is settled after its last byte
            assert time.monotonic() < deadline
            time.sleep(0.02)
        key_id: str = made["id"]
        return key_id

    def _holds(self, key_id: str) -> Any:
        reply = self._dynamodb.get_item(TableName=self._table, Key={"id": {"S": LEAD + key_id}})
        return reply["Item"]["holds"]["M"]

    def charge(self, key_id: str, cost: int) -> None:
        """Have a request settled that cost so many nano-USD."""
        row = item_of(ledger_row("req_dear", key_id=key_id, cost=cost))
        self._dynamodb.put_item(TableName=self.server.state.tables["LedgerTable"], Item=row)
        self.shift(key_id, cost)

    def change(self, key_id: str, update: str, names: dict[str, str], values: dict[str, Any]) -> None:
        """Make a counter wrong."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"id": {"S": LEAD + key_id}},
            UpdateExpression=update,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )

    def shift(self, key_id: str, by: int) -> None:
        """Count too much."""
        self.change(key_id, "SET #used = #used + :by", {"#used": "used"}, {":by": {"N": str(by)}})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with DevServer(tmp_path_factory.mktemp("dev")) as running:
        yield Site(running)


def test_a_gateway_in_use_is_proved(site: Site) -> None:
    site.key_in_use("proved")
    code, found = site.reconcile()
    assert code == 0
    assert found["keys"] == found["equal"] >= 2  # the demo key too, which nobody has used
    assert (found["different"], found["busy"], found["expired_holds"], found["repaired"]) == ([], [], 0, 0)


def test_a_difference_is_told_until_it_is_repaired(site: Site) -> None:
    key_id = site.key_in_use("wrong")
    site.charge(key_id, 2_000_000_000)
    assert site.reconcile("--key", key_id)[1]["equal"] == 1
    site.shift(key_id, 1_500_000_005)
    different = {
        "key_id": key_id,
        "period": "lifetime",
        "counted": "3.500000005",
        "counted_nano_usd": 3_500_000_005,
        "settled": "2.00",
        "settled_nano_usd": 2_000_000_000,
        "held": "0.00",
        "held_nano_usd": 0,
        "excess": "1.500000005",
        "excess_nano_usd": 1_500_000_005,
        "repaired": False,
    }
    for _ in range(2):
        code, found = site.reconcile()
        assert (code, found["different"], found["repaired"]) == (1, [different], 0)
    code, found = site.reconcile("--repair")
    assert (code, found["different"], found["repaired"]) == (0, [different | {"repaired": True}], 1)
    code, found = site.reconcile()
    assert (code, found["different"]) == (0, [])


def test_one_key_can_be_asked_for(site: Site) -> None:
    right, wrong = site.key_in_use("right"), site.key_in_use("lost")
    site.shift(wrong, 7)
    assert site.reconcile("--key", right)[0] == 0
    assert site.reconcile("--key", wrong, "--repair")[1]["repaired"] == 1
    done = sluice("reconcile", "--key", "key_none", "--local", directory=site.server.directory)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "sluice: there is no key key_none\n")


def test_an_expired_hold_is_told_and_reclaimed_by_a_repair(site: Site) -> None:
    key_id = site.key_in_use("killed")
    site.change(
        key_id,
        "SET #used = #used + :amount, #holds.#id = :hold",
        {"#used": "used", "#holds": "holds", "#id": "req_killed"},
        {":amount": {"N": "30"}, ":hold": {"S": f"30 3 {int(time.time()) - 1} lifetime"}},
    )
    for _ in range(2):
        code, found = site.reconcile("--key", key_id)
        assert (code, found["equal"], found["expired_holds"]) == (0, 1, 1)
    assert site.reconcile("--repair")[1]["expired_holds"] == 1
    assert site.reconcile()[1]["expired_holds"] == 0


def test_a_person_gets_a_line_for_each_key_that_is_wrong_and_a_sum(site: Site) -> None:
    key_id = site.key_in_use("for a person")
    site.shift(key_id, -2_000_000_000)
    done = sluice("reconcile", "--local", directory=site.server.directory)
    assert (done.returncode, done.stderr) == (1, "")
    line, total = done.stdout.splitlines()
    assert line == (
        f"{key_id}  counts -2.00 USD in lifetime, but its ledger has 0.00 USD and its holds 0.00 USD: "
        "2.00 USD too little"
    )
    assert total.endswith("; different: 1; busy: 0; expired holds: 0")
    done = sluice("reconcile", "--local", "--repair", directory=site.server.directory)
    assert done.returncode == 0
    assert "2.00 USD too little; repaired\n" in done.stdout


def test_without_a_target_it_says_so(site: Site) -> None:
    done = sluice("reconcile", directory=site.server.directory)
    assert (done.returncode, done.stdout) == (2, "")
    assert "either --local or --stack" in done.stderr


def test_a_busy_key_and_one_without_a_counter_have_a_line_each() -> None:
    lost = Different("key_lost", 0, Balance("2026-11", None, 7, 0), repaired=True)
    report = Report.of([Busy("key_busy", 1), lost, Equal("key_right", 2)])
    assert not report.all_right
    assert list(report_lines(report)) == [
        (
            "key_lost  has no counter in 2026-11, but its ledger has 0.000000007 USD and its holds 0.00 USD: "
            "0.000000007 USD too little; repaired"
        ),
        "key_busy  is busy: it was used each time it was read. Try again.",
        "keys: 3; equal: 1; different: 1 (1 repaired); busy: 1; expired holds: 3",
    ]


@pytest.mark.parametrize(
    ("findings", "all_right"),
    [
        ([], True),
        ([Equal("key_a", 3)], True),
        ([Different("key_a", 0, Balance("lifetime", 1, 0, 0), repaired=True)], True),
        ([Different("key_a", 0, Balance("lifetime", 1, 0, 0), repaired=False)], False),
        ([Equal("key_a", 0), Busy("key_b", 0)], False),
    ],
    ids=["no keys", "equal", "repaired", "different", "busy"],
)
def test_all_is_right_where_every_counter_is_proved_or_repaired(findings: Any, all_right: bool) -> None:
    assert Report.of(findings).all_right is all_right
