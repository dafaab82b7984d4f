"""Step 3: which candidate answers?"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from sluice.catalog import Candidate, Catalog, ModelKind, ModelRow
from sluice.config import ConfigurationError, aws_variables
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

REGION = "{region}"
"""In a provider's address: the region that the function is in."""
ROLE = "aws"
"""The credential that is the function's own role."""


async def find_model(models: LiveCatalog, name: str, kinds: Sequence[ModelKind], key: KeyRecord) -> ModelRow:
    """The catalogue's row for a name, if it is of one of the endpoint's kinds and the key may use it.

    Raises:
        ModelNotFoundError: unknown, or of another kind.
        ModelNotAllowedError: the key's list does not have it.
        OverloadedError: it is not in the catalogue file, and what else there is cannot be read.
    """
    row = await models.find(name)
    if row is None:
        raise ModelNotFoundError(f"The model '{name:.200}' does not exist.", param="model")
    if row.kind not in kinds:
        raise ModelNotFoundError(
            f"The model '{name:.200}' is of the kind '{row.kind}', which this endpoint does not take.",
            param="model",
        )
    if key.models is not None and not {name, row.id, *row.aliases} & set(key.models):
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
    base_url = _in_own_region(row.base_url or provider.address or "", name)
    wanted = row.credential or (ROLE if provider.takes_role else None)
    credential = await credentials.get(wanted) if wanted and wanted != ROLE else None
    if credential is None and (wanted == ROLE or provider.takes_role):
        credential = await _role(base_url, credentials)
    if wanted and credential is None and not is_local(base_url):
        raise NotConfiguredError(
            f"The provider '{name}' is not configured: its credential {wanted} is not set.", param="model"
        )
    return Access(base_url, credential, row.headers)


def _in_own_region(base_url: str, name: str) -> str:
    if REGION not in base_url:
        return base_url
    region = aws_variables("").region
    if region is None:
        raise NotConfiguredError(
            f"The provider '{name}' is not configured: no AWS region is set.", param="model"
        )
    return base_url.replace(REGION, region)


async def _role(base_url: str, credentials: CredentialSource) -> Credential | None:
    """The function's own role; None where there is none, or where it is made up.

    The development server's AWS is an emulator on this machine, and so are its credentials: no real host gets them.
    """
    endpoint = aws_variables("").endpoint_url
    if endpoint is not None and is_local(endpoint) and not is_local(base_url):
        return None
    try:
        return await credentials.get(ROLE)
    except ConfigurationError:
        return None


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
        capabilities=row.capabilities,
    )
