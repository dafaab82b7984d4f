"""The parts that the model endpoints are made of, built once for the life of an environment."""

import time
from dataclasses import dataclass
from typing import Self

from sluice.catalog import load_catalog
from sluice.config import ModelsSettings
from sluice.pipeline.live_catalog import LiveCatalog
from sluice.stores.aws import AWS
from sluice.stores.models import ModelStore


@dataclass(frozen=True, slots=True)
class ModelsGateway:
    """Settings, models and the way to the tables that have more of them, and count requests."""

    settings: ModelsSettings
    models: LiveCatalog
    aws: AWS

    @classmethod
    def open(cls, settings: ModelsSettings) -> Self:
        """Build all parts; no request leaves yet.

        Raises:
            ConfigurationError: the catalogue is wrong.
        """
        aws = AWS()
        models = LiveCatalog(
            load_catalog(settings.catalog),
            ModelStore(aws, settings.models_table),
            seconds=settings.models_cache_seconds,
            clock=time.monotonic,
        )
        return cls(settings, models, aws)

    async def close(self) -> None:
        """Close all connections."""
        self.aws.close()
