"""The parts that the path is made of, built once for the life of an environment."""

import time
from dataclasses import dataclass
from typing import Self

from sluice.catalog import Catalog, load_catalog
from sluice.config import Settings
from sluice.observability import logger
from sluice.pipeline.last_used import LastUse
from sluice.providers.registry import check_providers
from sluice.stores.aws import AWS
from sluice.stores.credentials import CredentialStore
from sluice.stores.key_cache import KeyCache
from sluice.stores.keys import KeyStore
from sluice.upstream.client import HTTPUpstream, Upstream, tls_context

DEMO_TOKEN_SECONDS = 0.03


@dataclass(frozen=True, slots=True)
class Gateway:
    """Settings, catalogue, stores and the way to the providers."""

    settings: Settings
    catalog: Catalog
    keys: KeyCache
    last_use: LastUse
    credentials: CredentialStore
    upstream: Upstream
    aws: AWS

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Build all parts; no request leaves yet.

        Raises:
            ConfigurationError: the catalogue is wrong.
        """
        catalog = load_catalog(settings.catalog)
        check_providers(catalog)
        for member in catalog.unknown_members():
            logger.warning("the catalogue has a member that this version does not know: %s", member)
        tls = tls_context()
        aws = AWS(tls=lambda: tls)
        key_store = KeyStore(aws, settings.keys_table)
        return cls(
            settings=settings,
            catalog=catalog,
            keys=KeyCache(
                key_store,
                seconds=settings.key_cache_seconds,
                size=settings.key_cache_size,
                clock=time.monotonic,
            ),
            last_use=LastUse(key_store, settings.last_used_seconds),
            credentials=CredentialStore(settings, aws),
            upstream=HTTPUpstream.open(tls=tls, demo_token_seconds=DEMO_TOKEN_SECONDS),
            aws=aws,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self.upstream.close()
        self.aws.close()
