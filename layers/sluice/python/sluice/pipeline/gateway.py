"""The parts that the path is made of, built once for the life of an environment."""

import time
from dataclasses import dataclass
from typing import Self

from sluice.catalog import Catalog, load_catalog
from sluice.catalog_rules import doubts
from sluice.config import Settings
from sluice.pipeline.admit import Admitter
from sluice.pipeline.catalog_doubts import tell
from sluice.pipeline.health_monitor import HealthMonitor
from sluice.pipeline.idempotency import Idempotency
from sluice.pipeline.live_catalog import LiveCatalog
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.routing import Routing
from sluice.pipeline.settle import Settler
from sluice.providers.registry import check_providers
from sluice.search.registry import check_engines
from sluice.stores.aws import AWS
from sluice.stores.circuits import CircuitStore
from sluice.stores.counters import CounterStore
from sluice.stores.credentials import CredentialStore
from sluice.stores.idempotency import IdempotencyStore
from sluice.stores.key_cache import KeyCache
from sluice.stores.keys import KeyStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.models import ModelStore
from sluice.upstream.client import HTTPUpstream, Upstream, tls_context

DEMO_TOKEN_SECONDS = 0.03


@dataclass(frozen=True, slots=True)
class Gateway:
    """Settings, catalogue, stores and the way to the providers.

    ``catalog`` is the file's, with all providers; ``models`` knows those that came later, too.
    """

    settings: Settings
    catalog: Catalog
    models: LiveCatalog
    health: HealthMonitor
    routing: Routing
    keys: KeyCache
    admitter: Admitter
    settler: Settler
    idempotency: Idempotency
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
        check_engines(catalog)
        for member in catalog.unknown_members():
            tell(f"it has a member that this version does not know: {member}")
        for doubt in doubts(catalog):
            tell(doubt)
        tls = tls_context()
        upstream = HTTPUpstream.open(tls=tls, demo_token_seconds=DEMO_TOKEN_SECONDS)
        return cls.assemble(settings, catalog, AWS(tls=lambda: tls), upstream)

    @classmethod
    def assemble(cls, settings: Settings, catalog: Catalog, aws: AWS, upstream: Upstream) -> Self:
        """Put the parts together around the ways to AWS and to the providers."""
        counters = CounterStore(aws, settings.counters_table)
        ledger = LedgerStore(aws, settings.ledger_table)
        reclaimer = Reclaimer(counters, ledger, clock=time.time)
        models = ModelStore(aws, settings.models_table)
        size = settings.key_cache_size
        admitter = Admitter(
            counters, reclaimer, hold_seconds=settings.hold_seconds, size=size, clock=time.time
        )
        return cls(
            settings=settings,
            catalog=catalog,
            models=LiveCatalog(catalog, models, seconds=settings.models_cache_seconds, clock=time.monotonic),
            health=HealthMonitor(models, clock=time.time),
            routing=Routing.open(settings, CircuitStore(aws, settings.models_table)),
            keys=KeyCache(
                KeyStore(aws, settings.keys_table),
                seconds=settings.key_cache_seconds,
                size=size,
                clock=time.monotonic,
            ),
            admitter=admitter,
            settler=Settler(counters, ledger, reclaimer, clock=time.time, note=admitter.note),
            idempotency=Idempotency(
                IdempotencyStore(aws, settings.idempotency_table),
                seconds=settings.idempotency_seconds,
                clock=time.time,
            ),
            credentials=CredentialStore(settings, aws),
            upstream=upstream,
            aws=aws,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self.upstream.close()
        self.aws.close()
