"""Provider credentials: from Secrets Manager on AWS, from the environment elsewhere."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from sluice.config import ConfigurationError, SecretsSettings, environment_credential
from sluice.credentials import Credential
from sluice.errors import OverloadedError
from sluice.stores.access import role_credentials
from sluice.stores.aws import AWS, AWSError
from sluice.stores.single_flight import SingleFlight

TTL_SECONDS = 300.0
"""How long a credential, or its absence, is believed: a rotated secret is picked up within this time."""

AWS_ROLE = "aws"
STALE_SECONDS = 30.0
"""How long an outdated credential is used, or a secret counts as unreadable, before Secrets Manager is asked again."""

NOT_FOUND = "ResourceNotFoundException"
GENERIC_MEMBER = "api_key"


@dataclass(frozen=True, slots=True)
class _Entry:
    value: str | None
    until: float


@dataclass(frozen=True, slots=True)
class _Unreadable:
    why: ConfigurationError | AWSError
    until: float


class CredentialStore:
    """Looks provider credentials up by the name that the catalogue gives them.

    Args:
        settings: ``secrets_prefix`` decides where they lie.
        aws: is asked for Secrets Manager only if they lie there.
        clock: a monotonic time in seconds.
    """

    def __init__(
        self, settings: SecretsSettings, aws: AWS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._prefix = settings.secrets_prefix
        self._aws = aws
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._unreadable: dict[str, _Unreadable] = {}
        self._flights = SingleFlight[str | None]()

    async def get(self, name: str) -> Credential | None:
        """The credential called ``name``, or None if there is none; ``aws`` is this function's own role.

        Callers that ask for the same name at once share one look-up, which outlives any of them being
        cancelled.

        Raises:
            OverloadedError: Secrets Manager cannot answer, and no earlier answer is known.
            ConfigurationError: the secret exists in a form that cannot be read.
            AWSError: the function may not read it, say.
        """
        if name == AWS_ROLE:
            return await role_credentials()
        if self._prefix is None:
            return environment_credential(name)
        entry = self._entries.get(name)
        if entry is not None and self._clock() < entry.until:
            return entry.value
        unreadable = self._unreadable.get(name)
        if unreadable is not None and self._clock() < unreadable.until:
            raise unreadable.why.with_traceback(None)
        prefix = self._prefix
        return await self._flights.get(name, lambda: self._refresh(prefix + name, name))

    async def _refresh(self, secret_id: str, name: str) -> str | None:
        """Ask Secrets Manager; an old answer is better than none while it is unavailable."""
        try:
            value = await self._fetch(secret_id, name)
        except OverloadedError:
            known = self._entries.get(name)
            if known is None:
                raise
            self._entries[name] = _Entry(known.value, self._clock() + STALE_SECONDS)
            return known.value
        except (ConfigurationError, AWSError) as error:
            self._unreadable[name] = _Unreadable(error, self._clock() + STALE_SECONDS)
            raise
        self._entries[name] = _Entry(value, self._clock() + TTL_SECONDS)
        return value

    async def _fetch(self, secret_id: str, name: str) -> str | None:
        try:
            found = await self._aws.secretsmanager.call("GetSecretValue", SecretId=secret_id)
        except AWSError as error:
            if error.code == NOT_FOUND:
                return None
            raise
        return credential_of(found.get("SecretString", ""), name)


def credential_of(secret: str, name: str) -> str | None:
    """The credential in a secret's text: all of it, or the member ``api_key`` or ``name`` of a JSON object.

    Raises:
        ConfigurationError: a JSON object without such a member. The secret's text is not in the message.
    """
    text = secret.strip()
    if not text.startswith("{"):
        return text or None
    try:
        members = json.loads(text)
    except ValueError:
        members = {}
    value = members.get(GENERIC_MEMBER) or members.get(name)
    if not isinstance(value, str):
        raise ConfigurationError(
            f"the secret for {name} is neither plain text nor a JSON object with {GENERIC_MEMBER} or {name}"
        )
    return value
