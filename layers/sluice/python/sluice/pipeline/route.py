"""Step 3: which candidate answers?"""

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

from sluice.catalog import Candidate, Catalog, ModelKind, ModelRow
from sluice.credentials import Credential
from sluice.errors import ModelNotAllowedError, ModelNotFoundError, UpstreamError
from sluice.providers.contract import Provider, Target
from sluice.stores.keys import KeyRecord


class CredentialSource(Protocol):
    """What knows the providers' credentials: the store."""

    async def get(self, name: str) -> Credential | None:
        """The credential of that name, None where there is none."""
        ...


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def find_model(catalog: Catalog, name: str, kinds: Sequence[ModelKind], key: KeyRecord) -> ModelRow:
    """The catalogue's row for a name, if it is of one of the endpoint's kinds and the key may use it.

    Raises:
        ModelNotFoundError: unknown, or of another kind.
        ModelNotAllowedError: the key's list does not have it.
    """
    row = catalog.find(name)
    if row is None:
        raise ModelNotFoundError(f"The model '{name:.200}' does not exist.", param="model")
    if row.kind not in kinds:
        raise ModelNotFoundError(
            f"The model '{name:.200}' is of the kind '{row.kind}', which this endpoint does not take.",
            param="model",
        )
    if key.models is not None and not {name, row.id, *row.aliases} & set(key.models):
        raise ModelNotAllowedError(f"This API key may not use the model '{name}'.", param="model")
    return row


def is_local(base_url: str) -> bool:
    """Whether a provider is on this very machine, where it may go without its credential: Ollama, vLLM, a test."""
    return urlsplit(base_url).hostname in _LOOPBACK


async def target_of(
    catalog: Catalog, row: ModelRow, candidate: Candidate, provider: Provider, credentials: CredentialSource
) -> Target:
    """The address and credential of a candidate, and what the catalogue tells of the model.

    Unless the provider is local, a missing credential is told before the prompt is sent.

    Raises:
        UpstreamError: the operator has not set the provider's credential.
        OverloadedError: the secret could not be read.
    """
    provider_row = catalog.providers[candidate.provider]
    base_url = provider_row.base_url or provider.address or ""
    name = provider_row.credential
    credential = await credentials.get(name) if name else None
    if name and credential is None and not is_local(base_url):
        raise UpstreamError(
            f"The provider '{candidate.provider}' is not configured: its credential {name} is not set.",
            retriable=False,
        )
    return Target(
        provider=candidate.provider,
        base_url=base_url,
        model=candidate.model,
        credential=credential,
        headers=provider_row.headers,
        context_tokens=row.context_tokens,
        output_tokens=row.output_tokens,
        capabilities=row.capabilities,
    )
