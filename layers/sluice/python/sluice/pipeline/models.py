"""The parts that the model endpoints are made of, built once for the life of an environment."""

from dataclasses import dataclass
from typing import Self

from sluice.catalog import Catalog, load_catalog
from sluice.config import ModelsSettings
from sluice.stores.aws import AWS


@dataclass(frozen=True, slots=True)
class ModelsGateway:
    """Settings, catalogue and the way to the table that requests are counted in."""

    settings: ModelsSettings
    catalog: Catalog
    aws: AWS

    @classmethod
    def open(cls, settings: ModelsSettings) -> Self:
        """Build all parts; no request leaves yet.

        Raises:
            ConfigurationError: the catalogue is wrong.
        """
        return cls(settings, load_catalog(settings.catalog), AWS())

    async def close(self) -> None:
        """Close all connections."""
        self.aws.close()
