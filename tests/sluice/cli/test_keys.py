"""sluice keys, end to end against a running development server."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from dev_server import SECRET, DevServer, sluice
from local_stack import botocore_client
from sluice.keys import digest_of

CHAT = {"model": "demo", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    with DevServer(tmp_path_factory.mktemp("dev")) as running:
        yield running


def command(server: DevServer, *arguments: str) -> Any:
    done = server.keys(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def chat(server: DevServer, key: str) -> int:
    response = httpx.post(
        f"{server.state.url}/v1/chat/completions",
        json=CHAT,
        headers={"authorization": f"Bearer {key}"},
        trust_env=False,
        timeout=30,
    )
    return response.status_code


def test_a_key_is_made_as_it_was_asked_for(server: DevServer) -> None:
    made = command(
        server,
        *("create", "--name", "all of it", "--owner", "ann", "--plan", "pro", "--budget", "2.5"),
        *("--period", "monthly", "--rpm", "1", "--tpm", "2", "--tpd", "3"),
        *("--expires-in", "30d", "--models", "demo,gpt-4o"),
    )
    assert SECRET.fullmatch(made["key"])
    assert made["id"].startswith("key_")
    assert made["prefix"] == made["key"][:7]
    assert made["expires_at"] - made["created_at"] == 30 * 86_400
    assert {name: made[name] for name in ("name", "owner", "plan", "budget", "period", "active")} == {
        "name": "all of it",
        "owner": "ann",
        "plan": "pro",
        "budget": "2.50",
        "period": "monthly",
        "active": True,
    }
    assert (made["rpm"], made["tpm"], made["tpd"], made["models"]) == (1, 2, 3, ["demo", "gpt-4o"])


def test_a_model_that_does_not_exist_is_warned_of_and_may_come_yet(server: DevServer) -> None:
    done = server.keys("create", "--name", "early", "--models", "demo,openai/gpt-4o,nosuch", "--json")
    assert done.returncode == 0
    assert done.stderr == "Warning: there is no model 'nosuch' yet; the key may use it once there is.\n"
    assert json.loads(done.stdout)["models"] == ["demo", "openai/gpt-4o", "nosuch"]
    assert server.keys("create", "--name", "known", "--models", "demo").stderr == ""


def test_what_is_not_asked_for_is_no_limit(server: DevServer) -> None:
    made = command(server, "create", "--name", "bare")
    assert made["plan"] == "custom"
    for name in ("budget", "period", "rpm", "tpm", "tpd", "models", "expires_at", "last_used_at"):
        assert made[name] is None
    assert command(server, "create", "--name", "b", "--budget", "1")["period"] == "lifetime"


def test_a_key_works_until_it_is_revoked(server: DevServer) -> None:
    made = command(server, "create", "--name", "short-lived")
    assert chat(server, made["key"]) == 200
    revoked = command(server, "revoke", made["id"])
    assert (revoked["id"], revoked["active"], "key" in revoked) == (made["id"], False, False)
    assert (made["state"], revoked["state"]) == ("active", "revoked")
    assert chat(server, made["key"]) == 401
    assert command(server, "revoke", made["id"]) == revoked


def test_a_rotation_ends_the_old_secret_at_once_or_after_a_grace(server: DevServer) -> None:
    made = command(server, "create", "--name", "rotated")
    second = command(server, "rotate", made["id"], "--grace", "1h")
    assert second["id"] == made["id"]
    assert (chat(server, made["key"]), chat(server, second["key"])) == (200, 200)
    third = command(server, "rotate", made["id"])
    assert [chat(server, key["key"]) for key in (made, second, third)] == [401, 401, 200]
    listed = [key for key in command(server, "list") if key["id"] == made["id"]]
    assert [key["prefix"] for key in listed] == [third["prefix"]]


@pytest.mark.parametrize(
    ("lifetime", "grace", "lasts"), [("30d", "1h", 3600), ("10m", "1h", 600)], ids=["grace", "expiry"]
)
def test_a_person_is_told_until_when_the_old_secret_works(
    server: DevServer, lifetime: str, grace: str, lasts: int
) -> None:
    made = command(server, "create", "--name", "graceful", "--expires-in", lifetime)
    done = server.keys("rotate", made["id"], "--grace", grace)
    found = re.search(r"the old one works until (.*) UTC\.", done.stdout)
    assert found is not None
    until = datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    assert 0 <= until - (made["created_at"] + lasts) < 30
    assert "the old one works no longer" in server.keys("rotate", made["id"]).stdout


def test_a_key_shows_when_it_was_used_last_whatever_becomes_of_it(server: DevServer) -> None:
    used = command(server, "create", "--name", "used", "--owner", "user")
    unused = command(server, "create", "--name", "unused", "--owner", "user")
    before = int(time.time())
    assert chat(server, used["key"]) == 200
    listed = {key["id"]: key["last_used_at"] for key in command(server, "list", "--owner", "user")}
    assert listed[unused["id"]] is None
    assert before <= listed[used["id"]] <= time.time()
    for action in ("rotate", "revoke"):
        assert command(server, action, used["id"])["last_used_at"] == listed[used["id"]]
        assert command(server, action, unused["id"])["last_used_at"] is None
    (line,) = [line for line in server.keys("list").stdout.splitlines() if used["id"] in line]
    moment = datetime.fromtimestamp(listed[used["id"]], UTC).strftime("%Y-%m-%d %H:%M UTC")
    assert re.search(f"revoked +- +{moment} +all$", line)


def test_keys_are_listed_without_their_secrets(server: DevServer) -> None:
    made = command(server, "create", "--name", "listed", "--owner", "lister")
    (listed,) = command(server, "list", "--owner", "lister")
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert {"demo", "listed"} <= {key["name"] for key in command(server, "list")}
    assert command(server, "list", "--owner", "nobody") == []


def test_a_person_gets_sentences_and_the_secret_once(server: DevServer) -> None:
    made = server.keys("create", "--name", "for a person")
    assert made.returncode == 0
    assert len(SECRET.findall(made.stdout)) == 1
    server.keys("create", "--name", "short", "--expires-in", "1h", "--models", "demo,gpt-4o")
    listed = server.keys("list")
    assert "for a person" in listed.stdout
    (line,) = [line for line in listed.stdout.splitlines() if " short " in line]
    assert re.search(r" sk-\w{4} .* active +20\d\d-\d\d-\d\d \d\d:\d\d UTC +- +demo,gpt-4o$", line)
    assert not SECRET.findall(listed.stdout)
    assert "no keys yet" in server.keys("list", "--owner", "nobody").stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("create",), "--name"),
        (("create", "--name", " "), "characters"),
        (("create", "--name", "x", "--budget", "ten"), "amount"),
        (("create", "--name", "x", "--budget", "-1"), "amount"),
        (("create", "--name", "x", "--budget", "0.0000000001"), "decimals"),
        (("create", "--name", "x", "--period", "daily"), "--budget"),
        (("create", "--name", "x", "--budget", "1", "--period", "weekly"), "--period"),
        (("create", "--name", "x", "--plan", "gold"), "rocket-pro"),
        (("create", "--name", "x", "--rpm", "0"), "'--rpm': '0' is not a whole number of 1 or more"),
        (("create", "--name", "x", "--tpd", "many"), "'--tpd': 'many' is not a whole number of 1 or more"),
        (("create", "--name", "x", "--expires-in", "soon"), "duration"),
        (("create", "--name", "x", "--models", ""), "'--models'"),
        (("create", "--name", "x", "--models", "a b"), "white space"),
        (("rotate", "key_x", "--grace", "never"), "duration"),
        (("revoke",), "ID"),
        (("list", "--stack", "x"), "either --local or --stack"),
    ],
    ids=" ".join,
)
def test_bad_input_is_explained_with_exit_code_2(
    server: DevServer, arguments: tuple[str, ...], complaint: str
) -> None:
    done = server.keys(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("revoke", "key_none"), ("rotate", "key_none")], ids=" ".join)
def test_a_key_that_is_not_there_is_exit_code_1(server: DevServer, arguments: tuple[str, ...]) -> None:
    done = server.keys(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "sluice: there is no key key_none\n")


def test_a_revoked_key_is_not_rotated(server: DevServer) -> None:
    made = command(server, "create", "--name", "gone")
    command(server, "revoke", made["id"])
    done = server.keys("rotate", made["id"])
    assert done.returncode == 1
    assert "revoked" in done.stderr


def test_without_a_server_or_a_target_it_says_so(server: DevServer, tmp_path: Any) -> None:
    done = sluice("keys", "list", "--local", directory=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "sluice: no development server has its state in .sluice: start one with make dev\n",
    )
    done = sluice("keys", "list", directory=tmp_path)
    assert (done.returncode, "--stack" in done.stderr) == (2, True)
    done = sluice("keys", "list", "--local", "--state", str(server.state_directory), directory=tmp_path)
    assert done.returncode == 0


def test_a_deployed_stack_is_found_by_its_outputs(server: DevServer, tmp_path: Any) -> None:
    aws = {
        "AWS_ENDPOINT_URL": server.state.aws_endpoint,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": server.state.region,
    }
    done = sluice("keys", "list", "--json", "--stack", server.state.stack, directory=tmp_path, **aws)
    assert "demo" in {key["name"] for key in json.loads(done.stdout)}
    done = sluice("keys", "list", "--stack", "other", directory=tmp_path, **aws)
    assert (done.returncode, done.stderr) == (
        1,
        f"sluice: there is no stack other in this account in {server.state.region}\n",
    )


def aws_settings(**extra: str) -> dict[str, str]:
    """Nothing but ``extra`` says anything about AWS."""
    nowhere = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), "/dev/null")
    return {"AWS_EC2_METADATA_DISABLED": "true", **nowhere, **extra}


KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({}, "no AWS region is set: set AWS_REGION or run aws configure"),
        ({"AWS_REGION": "us-east-1"}, "no AWS credentials are set: set AWS_PROFILE, or "),
        ({"AWS_PROFILE": "none"}, "AWS could not be asked: "),
        (
            {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "localhost:1", **KEYS},
            "AWS's endpoint in the environment, 'localhost:1', is not an http address",
        ),
        (
            {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", **KEYS},
            "http://127.0.0.1:1, which the environment names as AWS's endpoint, does not answer",
        ),
        (
            {"AWS_REGION": "eu-central-1", "HTTPS_PROXY": "http://127.0.0.1:1", **KEYS},
            "AWS in eu-central-1 does not answer or throttles: check the region",
        ),
    ],
    ids=["no region", "no credentials", "no profile", "no endpoint", "no answer", "no way to AWS"],
)
def test_where_aws_is_not_asked_it_says_what_is_missing(
    tmp_path: Any, extra: dict[str, str], said: str
) -> None:
    done = sluice("keys", "list", "--stack", "x", directory=tmp_path, **aws_settings(**extra))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"sluice: {said}")
    assert done.stderr.count("\n") == 1


def test_a_table_that_does_not_answer_is_named(server: DevServer, tmp_path: Any) -> None:
    settings = aws_settings(
        AWS_REGION=server.state.region,
        AWS_ENDPOINT_URL=server.state.aws_endpoint,
        AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:1",
        **KEYS,
    )
    done = sluice("keys", "list", "--stack", server.state.stack, directory=tmp_path, **settings)
    assert done.returncode == 1
    assert done.stderr.startswith("sluice: http://127.0.0.1:1, which the environment names")


def test_no_secret_is_in_any_table_or_log(server: DevServer) -> None:
    secrets = [server.key]
    made = command(server, "create", "--name", "searched for")
    secrets += [made["key"], command(server, "rotate", made["id"], "--grace", "1h")["key"]]
    for secret in secrets:
        assert chat(server, secret) == 200
    dynamodb = botocore_client(server.state.endpoint, "dynamodb")
    content = "".join(str(dynamodb.scan(TableName=table)["Items"]) for table in server.state.tables.values())
    for secret in secrets:
        assert digest_of(secret) in content
        assert secret[8:] not in content
        assert secret[8:] not in server.log.read_text()
        assert secret[8:] not in (server.state_directory / "dev.json").read_text()
