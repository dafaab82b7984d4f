"""sluice keys webhook-secret, end to end against a running development server."""

import json
from collections.abc import Iterator

import pytest

from dev_server import DevServer
from sluice.keys import digest_of
from sluice.pipeline.jobs.webhooks.message import secret_for

MASTER = "the-operators-own"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    with DevServer(tmp_path_factory.mktemp("server"), {"WEBHOOK_SECRET": MASTER}) as found:
        yield found


def made_key(server: DevServer) -> tuple[str, str]:
    """The id and the secret of a new key."""
    made = json.loads(server.keys("create", "--name", "test", "--json").stdout)
    return made["id"], made["key"]


def test_the_secret_is_the_keys_until_it_is_rotated(server: DevServer) -> None:
    key_id, key = made_key(server)
    first = secret_for(MASTER, digest_of(key))
    shown = server.keys("webhook-secret", key_id, "--json")
    assert json.loads(shown.stdout) == {"id": key_id, "webhook_secret": first}
    assert server.keys("webhook-secret", key_id).stdout == first + "\n"
    rotated = json.loads(server.keys("rotate", key_id, "--grace", "1h", "--json").stdout)
    second = secret_for(MASTER, digest_of(rotated["key"]))
    assert second != first
    assert server.keys("webhook-secret", key_id).stdout == second + "\n"


def test_a_key_that_is_not_there(server: DevServer) -> None:
    shown = server.keys("webhook-secret", "key_none")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == "sluice: there is no key key_none\n"


def test_one_is_made_up_for_each_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    with DevServer(tmp_path_factory.mktemp("other")) as other:
        key_id, _ = made_key(other)
        shown = other.keys("webhook-secret", key_id)
        assert (shown.returncode, shown.stdout[:6], len(shown.stdout)) == (0, "whsec_", 51)
