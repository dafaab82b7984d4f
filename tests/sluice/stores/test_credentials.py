"""Provider credentials from both places."""

import asyncio
import json
import uuid
from typing import Any

import pytest

from made_settings import made_settings
from sluice.config import ConfigurationError
from sluice.credentials import AWSCredentials
from sluice.errors import OverloadedError
from sluice.stores.aws import AWS
from sluice.stores.credentials import STALE_SECONDS, TTL_SECONDS, CredentialStore, credential_of

PREFIX = "stack/"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class CountingAWS:
    """Counts the calls that go on to ``aws``; fails them while ``broken``."""

    def __init__(self, aws: AWS) -> None:
        self.secretsmanager = self
        self.calls = 0
        self.broken = False
        self._client = aws.secretsmanager

    async def call(self, operation: str, **members: Any) -> Any:
        self.calls += 1
        if self.broken:
            raise OverloadedError("busy")
        return await self._client.call(operation, **members)


@pytest.fixture
def counting(aws: AWS) -> CountingAWS:
    return CountingAWS(aws)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def credentials(counting: Any, clock: Clock) -> CredentialStore:
    return CredentialStore(made_settings(secrets_prefix=PREFIX), counting, clock)


@pytest.fixture
def secret(secretsmanager: Any) -> str:
    """The name of a secret ``value-1`` of this test's own."""
    name = f"KEY_{uuid.uuid4().hex}"
    secretsmanager.create_secret(Name=PREFIX + name, SecretString="value-1")
    return name


async def test_without_a_prefix_the_environment_has_them(
    counting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "from-environment")
    store = CredentialStore(made_settings(), counting)
    assert await store.get("SOME_API_KEY") == "from-environment"
    monkeypatch.setenv("SOME_API_KEY", "")
    assert await store.get("SOME_API_KEY") is None
    assert counting.calls == 0


async def test_a_secret_is_asked_for_once_until_it_is_old(
    credentials: CredentialStore, counting: CountingAWS, clock: Clock, secret: str, secretsmanager: Any
) -> None:
    for clock.now in (0, 1, TTL_SECONDS - 1):
        assert await credentials.get(secret) == "value-1"
    assert counting.calls == 1
    secretsmanager.put_secret_value(SecretId=PREFIX + secret, SecretString="value-2")
    clock.now = TTL_SECONDS
    assert await credentials.get(secret) == "value-2"


async def test_absence_is_remembered_too(
    credentials: CredentialStore, counting: CountingAWS, clock: Clock
) -> None:
    assert await credentials.get("NO_SUCH_KEY") is None
    assert await credentials.get("NO_SUCH_KEY") is None
    assert counting.calls == 1


async def test_many_askers_share_one_look_up_even_if_the_first_gives_up(
    credentials: CredentialStore, counting: CountingAWS, secret: str
) -> None:
    askers = [asyncio.create_task(credentials.get(secret)) for _ in range(20)]
    await asyncio.sleep(0)
    askers[0].cancel()
    assert await asyncio.gather(*askers[1:]) == ["value-1"] * 19
    assert counting.calls == 1


async def test_while_the_service_is_down_an_old_answer_is_used(
    credentials: CredentialStore, counting: CountingAWS, clock: Clock, secret: str
) -> None:
    assert await credentials.get(secret) == "value-1"
    counting.broken = True
    clock.now = TTL_SECONDS * 2
    assert await credentials.get(secret) == "value-1"
    with pytest.raises(OverloadedError):
        await credentials.get("NEVER_SEEN")
    counting.broken = False
    assert await credentials.get("NEVER_SEEN") is None


async def test_a_secret_that_cannot_be_read_is_not_asked_for_by_each_request(
    credentials: CredentialStore, counting: CountingAWS, clock: Clock, secret: str, secretsmanager: Any
) -> None:
    secretsmanager.put_secret_value(SecretId=PREFIX + secret, SecretString='{"other": 1}')
    for _ in range(3):
        with pytest.raises(ConfigurationError, match=secret):
            await credentials.get(secret)
    assert counting.calls == 1
    secretsmanager.put_secret_value(SecretId=PREFIX + secret, SecretString="value-2")
    clock.now = STALE_SECONDS
    assert await credentials.get(secret) == "value-2"


@pytest.mark.parametrize(
    ("text", "credential"),
    [
        ("sk-plain", "sk-plain"),
        (" sk-plain\n", "sk-plain"),
        ("", None),
        (json.dumps({"api_key": "a"}), "a"),
        (json.dumps({"NAME": "b", "other": 1}), "b"),
    ],
)
def test_a_secret_is_plain_or_an_object(text: str, credential: str | None) -> None:
    assert credential_of(text, "NAME") == credential


@pytest.mark.parametrize("text", ['{"other": "hush"}', "{hush", '{"api_key": 7, "x": "hush"}'])
def test_a_secret_in_another_form_is_an_error_that_does_not_tell_it(text: str) -> None:
    with pytest.raises(ConfigurationError, match="NAME") as caught:
        credential_of(text, "NAME")
    assert "hush" not in str(caught.value)


async def test_the_role_comes_as_it_is_now_with_its_region(
    counting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    store = CredentialStore(made_settings(secrets_prefix=PREFIX), counting)
    for token in ("token-1", "token-2"):
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
        assert await store.get("aws") == AWSCredentials("AKIA1", "hush", token, "eu-west-1")
    assert counting.calls == 0
