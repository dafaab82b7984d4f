"""The parts that jobs are taken and shown with, built once for the life of an environment."""

from dataclasses import dataclass
from typing import Self

from sluice.catalog import Catalog
from sluice.config import MediaSettings
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.jobs.closing import Closer
from sluice.pipeline.jobs.webhooks.desk import WebhookDesk
from sluice.stores.aws import AWS
from sluice.stores.bucket import Bucket
from sluice.stores.jobs import JobStore
from sluice.stores.machines import Machines
from sluice.stores.outputs import OutputStore
from sluice.upstream.client import Upstream


@dataclass(frozen=True, slots=True)
class Studio:
    """The gateway's own parts, and those of jobs."""

    gateway: Gateway
    settings: MediaSettings
    jobs: JobStore
    bucket: Bucket
    outputs: OutputStore
    machines: Machines
    closer: Closer
    webhooks: WebhookDesk

    @classmethod
    def open(cls, settings: MediaSettings) -> Self:
        """Build all parts; no request leaves yet.

        Raises:
            ConfigurationError: the catalogue is wrong.
        """
        return cls.around(Gateway.open(settings), settings)

    @classmethod
    def assemble(cls, settings: MediaSettings, catalog: Catalog, aws: AWS, upstream: Upstream) -> Self:
        """Put the parts together around the ways to AWS and to the providers."""
        return cls.around(Gateway.assemble(settings, catalog, aws, upstream), settings)

    @classmethod
    def around(cls, gateway: Gateway, settings: MediaSettings) -> Self:
        """Add the parts of jobs to those of a gateway."""
        aws = gateway.aws
        bucket = Bucket(aws, settings.jobs_bucket)
        return cls(
            gateway=gateway,
            settings=settings,
            jobs=JobStore(aws, settings.jobs_table),
            bucket=bucket,
            outputs=OutputStore(aws, settings.jobs_table, bucket),
            machines=Machines(aws),
            closer=Closer.assemble(settings, aws, note=gateway.admitter.note),
            webhooks=WebhookDesk.of(settings, gateway.credentials, aws),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self.gateway.close()
