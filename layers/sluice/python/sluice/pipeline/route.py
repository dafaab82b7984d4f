"""Step 3: which candidate answers?"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from sluice.catalog import Candidate, Catalog, ModelKind, ModelRow
from sluice.credentials import Credential
from sluice.errors import ModelNotAllowedError, ModelNotFoundError
from sluice.pipeline.live_catalog import LiveCatalog
from sluice.providers.contract import Provider, Target
from sluice.stores.keys import KeyRecord


class CredentialSource(Protocol):
    """What knows the providers' credentials: the store."""

    async def get(self, name: str) -> Credential | None:
        """The credential of that name, None where there is none."""
        ...


class NotConfiguredError(ModelNotFoundError):
    """The operator has not set the provider's credential, so the gateway does not serve the model.

    That is no failure of the gateway or of a provider: which model is asked for is the client's choice.
    """


class Access(NamedTuple):
    """How a provider is reached. Never printed: the credential and the headers may be secret."""

    base_url: str
    credential: Credential | None
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        """Without secrets."""
        return f"Access({self.base_url!r})"


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


async def find_model(
    models: LiveCatalog, name: str, kinds: Sequence[ModelKind], key: KeyRecord, today: dt.date | None = None
) -> ModelRow:
    """The catalogue's row for a name, if it is of one of the endpoint's kinds and the key may use it.

    One that is retired is answered by its successor, for keys whose list has either of them.

    Args:
        models: all there are.
        name: that the client asks for, an id or an alias.
        kinds: that the endpoint takes.
        key: the client's.
        today: in UTC; None for the real one.

    Raises:
        ModelNotFoundError: unknown, of another kind, or retired without a successor.
        ModelNotAllowedError: the key's list does not have it.
        OverloadedError: it is not in the catalogue file, and what else there is cannot be read.
    """
    named, row = await models.asked(name, today)
    for each in (named, row):
        if each.kind not in kinds:
            raise ModelNotFoundError(
                f"The model '{name:.200}' is of the kind '{each.kind}', which this endpoint does not take.",
                param="model",
            )
    if key.models is not None and not {name, *named.names, *row.names} & set(key.models):
        raise ModelNotAllowedError(f"This API key may not use the model '{name:.200}'.", param="model")
    return row


def is_local(base_url: str) -> bool:
    """Whether a provider is on this very machine, where it may go without its credential: Ollama, vLLM, a test."""
    return urlsplit(base_url).hostname in _LOOPBACK


async def access_to(catalog: Catalog, name: str, provider: Provider, credentials: CredentialSource) -> Access:
    """The address and the credential of the provider called ``name`` in the catalogue.

    Unless the provider is local, a missing credential is told before anything is sent.

    Raises:
        NotConfiguredError: the operator has not set the provider's credential.
        OverloadedError: the secret could not be read.
    """
    row = catalog.providers[name]
    base_url = row.base_url or provider.address or ""
    credential = await credentials.get(row.credential) if row.credential else None
    if row.credential and credential is None and not is_local(base_url):
        raise NotConfiguredError(
            f"The provider '{name}' is not configured: its credential {row.credential} is not set.",
            param="model",
        )
    return Access(base_url, credential, row.headers)


async def target_of(
    catalog: Catalog, row: ModelRow, candidate: Candidate, provider: Provider, credentials: CredentialSource
) -> Target:
    """The address and credential of a candidate, and what the catalogue tells of the model.

    Raises:
        NotConfiguredError, OverloadedError: see ``access_to``.
    """
    access = await access_to(catalog, candidate.provider, provider, credentials)
    return Target(
        provider=candidate.provider,
        base_url=access.base_url,
        model=candidate.model,
        credential=access.credential,
        headers=access.headers,
        context_tokens=row.context_tokens,
        output_tokens=row.output_tokens,
        output_limit=row.output_limit,
        capabilities=row.capabilities,
    )
