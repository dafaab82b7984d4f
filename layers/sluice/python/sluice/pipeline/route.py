"""Step 3: which candidate answers?"""

from typing import Protocol
from urllib.parse import urlsplit

from sluice.catalog import Candidate, Catalog, ModelKind, ModelRow, ProviderRow
from sluice.errors import ModelNotAllowedError, ModelNotFoundError, UpstreamError
from sluice.providers.contract import Target
from sluice.providers.demo import ADDRESS
from sluice.stores.keys import KeyRecord


class CredentialSource(Protocol):
    """What knows the providers' credentials: the store."""

    async def get(self, name: str) -> str | None:
        """The credential of that name, None where there is none."""
        ...


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def find_model(catalog: Catalog, name: str, kind: ModelKind, key: KeyRecord) -> ModelRow:
    """The catalogue's row for a name, if it is of the endpoint's kind and the key may use it.

    Raises:
        ModelNotFoundError: unknown, or of another kind.
        ModelNotAllowedError: the key's list does not have it.
    """
    row = catalog.find(name)
    if row is None:
        raise ModelNotFoundError(f"The model '{name:.200}' does not exist.", param="model")
    if row.kind != kind:
        raise ModelNotFoundError(
            f"The model '{name}' is not a {kind} model; it is of kind '{row.kind}'.", param="model"
        )
    if key.models is not None and not {name, row.id, *row.aliases} & set(key.models):
        raise ModelNotAllowedError(f"This API key may not use the model '{name}'.", param="model")
    return row


async def target_of(catalog: Catalog, candidate: Candidate, credentials: CredentialSource) -> Target:
    """The address and credential of a candidate.

    A provider on this very machine (Ollama, vLLM, a test) may go without its credential; anywhere else a missing one
    is told before the prompt is sent.

    Raises:
        UpstreamError: the operator has not set the provider's credential.
        OverloadedError: the secret could not be read.
    """
    provider = catalog.providers[candidate.provider]
    credential = await credentials.get(provider.credential) if provider.credential else None
    if provider.credential and credential is None and not _is_local(provider):
        raise UpstreamError(
            f"The provider '{candidate.provider}' is not configured: its credential {provider.credential} is not set.",
            retriable=False,
        )
    return Target(
        provider=candidate.provider,
        base_url=provider.base_url or ADDRESS,
        model=candidate.model,
        credential=credential,
        headers=provider.headers,
    )


def _is_local(provider: ProviderRow) -> bool:
    return provider.base_url is None or urlsplit(provider.base_url).hostname in _LOOPBACK
