"""Where the scheduled functions ask providers: which are set up, what they list, whether they answer."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

from sluice.catalog import Catalog, load_catalog
from sluice.config import ConfigurationError, ProviderCheckSettings
from sluice.errors import InvalidRequestError, SluiceError
from sluice.observability import logger
from sluice.pipeline.call import listed_models
from sluice.pipeline.catalog_doubts import tell
from sluice.pipeline.health_monitor import milliseconds_since
from sluice.pipeline.route import CredentialSource, NotConfiguredError, access_to
from sluice.providers.contract import ListedModel, Provider, Target
from sluice.providers.parameters import unknown_parameters
from sluice.providers.registry import check_providers, provider_of
from sluice.stores.aws import AWS
from sluice.stores.credentials import CredentialStore
from sluice.stores.models import ModelStore
from sluice.upstream.client import HTTPUpstream, Upstream, tls_context

LIST_SECONDS = 10.0
"""How long a provider may take to list its models."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A provider's models, and how long it took to list them."""

    models: Sequence[ListedModel]
    latency_ms: int


@dataclass(frozen=True, slots=True)
class ProviderDesk:
    """The catalogue file, the models table, and the way to the providers, for one run."""

    catalog: Catalog
    store: ModelStore
    credentials: CredentialSource
    upstream: Upstream

    def provider(self, name: str) -> Provider:
        """The provider of that name in the catalogue."""
        return provider_of(self.catalog.providers[name])

    async def target(self, name: str, model: str = "") -> Target | None:
        """Where a provider is asked; None while it is not set up.

        Raises:
            OverloadedError: its credential could not be read.
        """
        try:
            access = await access_to(self.catalog, name, self.credentials)
        except NotConfiguredError:
            return None
        except ConfigurationError:
            logger.exception("the credential of provider %s cannot be used", name)
            return None
        return Target(name, access.base_url, model, access.credential, access.headers)

    async def listing(self, target: Target) -> Listing | None:
        """What a provider lists; None if there is no way to ask it.

        Raises:
            SluiceError: it failed, in time or not.
        """
        provider = self.provider(target.provider)
        if provider.models is None:
            return None
        begun = time.perf_counter()
        deadline = asyncio.get_running_loop().time() + LIST_SECONDS
        models = await listed_models(self.upstream, provider, provider.models, target, deadline)
        return Listing(models, milliseconds_since(begun))


def reason_of(error: SluiceError) -> str:
    """Why a provider has failed, for the log. A provider's own words, which may quote its credential, are left out."""
    words = "it refuses the request" if isinstance(error, InvalidRequestError) else error.message
    return words if error.upstream_status is None else f"{words} (status {error.upstream_status})"


@asynccontextmanager
async def open_desk(settings: ProviderCheckSettings) -> AsyncGenerator[ProviderDesk]:
    """A desk whose connections end with the context.

    Raises:
        ConfigurationError: the catalogue is wrong.
    """
    catalog = load_catalog(settings.catalog)
    check_providers(catalog)
    for doubt in unknown_parameters(catalog):
        tell(doubt)
    tls = tls_context()
    with closing(AWS(tls=lambda: tls)) as aws:
        upstream = HTTPUpstream.open(tls=tls, demo_token_seconds=0)
        store = ModelStore(aws, settings.models_table)
        try:
            yield ProviderDesk(catalog, store, CredentialStore(settings, aws), upstream)
        finally:
            await upstream.close()
