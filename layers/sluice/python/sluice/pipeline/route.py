"""Step 3: which models may answer, which providers the client wants, and how a candidate is reached."""

import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from sluice.api.model_request import ModelRequest
from sluice.catalog import Candidate, Catalog, ModelKind, ModelRow
from sluice.config import ConfigurationError, aws_variables, provider_account
from sluice.credentials import Credential
from sluice.errors import InvalidRequestError, ModelNotAllowedError, ModelNotFoundError, OverloadedError
from sluice.pipeline.live_catalog import LiveCatalog
from sluice.providers.contract import Target
from sluice.providers.registry import IN_PROCESS, PROVIDERS, WITH_ROLE
from sluice.stores.aws import AWSError
from sluice.stores.keys import KeyRecord


class CredentialSource(Protocol):
    """What knows the providers' credentials: the store."""

    async def get(self, name: str) -> Credential | None:
        """The credential of that name, None where there is none."""
        ...


class NotConfiguredError(ModelNotFoundError):
    """The operator has not set the provider's credential, so the gateway does not serve the model.

    That is no failure of the gateway or of a provider: which model is asked for is the client's choice.

    Args:
        message: tells so.
        provider: its name in the catalogue.
        lacks: what has to be set.
    """

    def __init__(self, message: str, *, provider: str, lacks: str) -> None:
        super().__init__(message, param="model")
        self.provider = provider
        self.lacks = lacks


class Access(NamedTuple):
    """How a provider is reached. Never printed: the credential and the headers may be secret."""

    base_url: str
    credential: Credential | None
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        """Without secrets."""
        return f"Access({self.base_url!r})"


PROVIDER = "x-sluice-provider"
"""The header of a request that says who may answer it, and of a reply that says who did."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

REGION = "{region}"
"""In a provider's address: the region that the function is in."""
ROLE = "aws"
"""The credential that is the function's own role."""
_NAMES_OF_ROLE = frozenset({ROLE, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"})
"""Names that a catalogue may have for it: none of these variables alone is a credential."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that may answer a request.

    Attributes:
        row: its own.
        name: what its reply goes by.
        wished: whether the client has named it, and not the catalogue as a fallback.
    """

    row: ModelRow
    name: str
    wished: bool = True


async def choices_of(
    models: LiveCatalog,
    request: ModelRequest,
    kinds: Sequence[ModelKind],
    key: KeyRecord,
    *,
    falls_back: bool,
) -> Sequence[Choice]:
    """The models that may answer a request, the one asked for first; each once.

    What the client lists takes the place of the catalogue's fallbacks. Those are silently left out where they do not
    exist, are of another kind, or are not for this key. Fallbacks of fallbacks are not looked at, so nothing can lead
    in a circle.

    Raises:
        ModelNotFoundError, ModelNotAllowedError, OverloadedError: see ``find_model``; of a model that the client names.
    """
    asked = await find_model(models, request.model, kinds, key)
    found = {asked.id: Choice(asked, request.model)}
    for position, name in enumerate(request.other_models):
        row = await find_model(models, name, kinds, key, param=f"models[{position}]")
        found.setdefault(row.id, Choice(row, name))
    if falls_back and not request.other_models:
        for name in asked.fallbacks:
            with contextlib.suppress(ModelNotFoundError, ModelNotAllowedError, OverloadedError, AWSError):
                row = await find_model(models, name, kinds, key)
                found.setdefault(row.id, Choice(row, row.id, wished=False))
    return tuple(found.values())


async def find_model(
    models: LiveCatalog,
    name: str,
    kinds: Sequence[ModelKind],
    key: KeyRecord,
    param: str = "model",
    today: dt.date | None = None,
) -> ModelRow:
    """The catalogue's row for a name, if it is of one of the endpoint's kinds and the key may use it.

    One that is retired is answered by its successor, for keys whose list has either of them.

    Args:
        models: the catalogue.
        name: an id or alias.
        kinds: the endpoint's.
        key: the client's.
        param: the member of the request that has the name.
        today: in UTC; None for the real one.

    Raises:
        ModelNotFoundError: unknown, of another kind, or retired without a successor.
        ModelNotAllowedError: the key's list does not have it.
        OverloadedError: it is not in the catalogue file, and what else there is cannot be read.
    """
    named, row = await models.asked(name, param, today)
    for each in (named, row):
        if each.kind not in kinds:
            raise ModelNotFoundError(
                f"The model '{name:.200}' is of the kind '{each.kind}', which this endpoint does not take.",
                param=param,
            )
    if key.models is not None and not {name, *named.names, *row.names} & set(key.models):
        raise ModelNotAllowedError(f"This API key may not use the model '{name:.200}'.", param=param)
    return row


def wanted_providers(header: str | None, catalog: Catalog, choices: Sequence[Choice]) -> Sequence[str] | None:
    """The providers that a client wants, in its order; None where it leaves that to the gateway.

    Args:
        header: the value of ``PROVIDER``, names separated by commas.
        catalog: knows them.
        choices: the models that may answer, whose providers a client is told that names another one.

    Raises:
        InvalidRequestError: it names one that does not exist.
    """
    names = tuple(dict.fromkeys(name.strip() for name in (header or "").split(",") if name.strip()))
    for name in names:
        if name not in catalog.providers:
            raise InvalidRequestError(
                f"The header {PROVIDER} names the unknown provider '{name:.100}'. {serving(choices)}"
            )
    return names or None


def serving(choices: Sequence[Choice]) -> str:
    """A sentence that says who serves the models that a client has named."""
    wished = [choice for choice in choices if choice.wished]
    names = dict.fromkeys(candidate.provider for choice in wished for candidate in choice.row.candidates)
    served = f"The model '{wished[0].name:.200}' is" if len(wished) == 1 else "The models are"
    return f"{served} served by {', '.join(names) or 'nobody'}."


def is_local(base_url: str) -> bool:
    """Whether a provider is on this very machine, where it may go without its credential: Ollama, vLLM, a test."""
    return urlsplit(base_url).hostname in _LOOPBACK


async def access_to(catalog: Catalog, name: str, credentials: CredentialSource) -> Access:
    """The address and the credential of the provider called ``name`` in the catalogue.

    Unless the provider is local, a missing credential is told before anything is sent, and before its package is
    imported.

    Raises:
        NotConfiguredError: the operator has not set the provider's credential.
        OverloadedError: the secret could not be read.
    """
    row = catalog.providers[name]
    is_near = row.kind in IN_PROCESS or is_local(row.base_url or "")
    takes_role = row.kind in WITH_ROLE
    wanted = row.credential or (ROLE if takes_role else None)
    names_role = row.credential in (_NAMES_OF_ROLE if takes_role else {ROLE})
    credential = await credentials.get(wanted) if wanted and wanted != ROLE and not names_role else None
    if credential is None and (wanted == ROLE or takes_role):
        credential = await _role(credentials, is_near=is_near, is_named=names_role)
    if wanted and credential is None and not is_near:
        raise NotConfiguredError(
            f"The provider '{name}' is not configured: its credential {wanted} is not set.",
            provider=name,
            lacks="AWS credentials" if wanted == ROLE else wanted,
        )
    base_url = _in_own_region(row.base_url or PROVIDERS[row.kind].address or "", name)
    return Access(base_url, credential, row.headers)


def _in_own_region(base_url: str, name: str) -> str:
    if REGION not in base_url:
        return base_url
    region = provider_account().region or aws_variables("").region
    if region is None:
        raise NotConfiguredError(
            f"The provider '{name}' is not configured: no AWS region is set.",
            provider=name,
            lacks="AWS_REGION",
        )
    return base_url.replace(REGION, region)


async def _role(credentials: CredentialSource, *, is_near: bool, is_named: bool) -> Credential | None:
    """The function's own role; None where there is none, or where it is made up.

    The development server's AWS is an emulator on this machine, and so are its credentials: no real host gets them.
    It gets its user's own where the catalogue's row names these.
    """
    endpoint = aws_variables("").endpoint_url
    emulated = endpoint is not None and is_local(endpoint)
    if emulated and not is_near and not (is_named and provider_account().secret_key):
        return None
    try:
        return await credentials.get(ROLE)
    except ConfigurationError:
        return None


async def target_of(
    catalog: Catalog, row: ModelRow, candidate: Candidate, credentials: CredentialSource
) -> Target:
    """The address and credential of a candidate, and what the catalogue tells of the model.

    Raises:
        NotConfiguredError, OverloadedError: see ``access_to``.
    """
    access = await access_to(catalog, candidate.provider, credentials)
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
