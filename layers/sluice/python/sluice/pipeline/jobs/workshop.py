"""The parts that a job's tasks work with, built once for the life of an environment."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from sluice.catalog import load_catalog
from sluice.config import ConfigurationError, TaskSettings
from sluice.errors import SluiceError
from sluice.observability import logger
from sluice.pipeline.jobs.closing import Closer
from sluice.pipeline.jobs.failures import RefusedError
from sluice.pipeline.jobs.legs import Reach
from sluice.pipeline.jobs.request_file import MOST_BYTES, RequestFile, RequestFileError, request_in
from sluice.pipeline.jobs.work_file import WorkFile
from sluice.pipeline.live_catalog import LiveCatalog
from sluice.providers.registry import check_providers
from sluice.stores.aws import AWS, AWSError
from sluice.stores.bucket import Blob, Bucket, request_key, work_key
from sluice.stores.credentials import CredentialStore
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobOverError, JobStore
from sluice.stores.machines import Machines
from sluice.stores.models import ModelStore
from sluice.stores.outputs import OutputStore
from sluice.upstream.client import HTTPUpstream, Upstream, tls_context

PIN_SECONDS = 60.0
"""For an IPFS service to take a file."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Stores, the way to the providers, and the clock: epoch seconds."""

    settings: TaskSettings
    reach: Reach
    jobs: JobStore
    bucket: Bucket
    outputs: OutputStore
    machines: Machines
    closer: Closer
    clock: Callable[[], float] = time.time

    @classmethod
    def open(cls, settings: TaskSettings) -> Self:
        """Build all parts; no request leaves yet.

        Raises:
            ConfigurationError: the catalogue is wrong.
        """
        tls = tls_context()
        most_bytes = 2 * max(settings.max_image_bytes, settings.max_video_bytes)
        upstream = HTTPUpstream.open(tls=tls, demo_token_seconds=0, most_bytes=most_bytes)
        return cls.assemble(settings, AWS(tls=lambda: tls), upstream)

    @classmethod
    def assemble(
        cls, settings: TaskSettings, aws: AWS, upstream: Upstream, clock: Callable[[], float] = time.time
    ) -> Self:
        """Put the parts together around the ways to AWS and to the providers."""
        catalog = load_catalog(settings.catalog)
        check_providers(catalog)
        models = LiveCatalog(
            catalog,
            ModelStore(aws, settings.models_table),
            seconds=settings.models_cache_seconds,
            clock=time.monotonic,
        )
        bucket = Bucket(aws, settings.jobs_bucket)
        return cls(
            settings=settings,
            reach=Reach(models, CredentialStore(settings, aws), upstream),
            jobs=JobStore(aws, settings.jobs_table),
            bucket=bucket,
            outputs=OutputStore(aws, settings.jobs_table, bucket),
            machines=Machines(aws),
            closer=Closer.assemble(settings, aws),
            clock=clock,
        )

    async def running(self, job_id: str) -> Job:
        """A job on which there is work to do.

        Raises:
            JobOverError: it is not running.
        """
        job = await self.jobs.get(job_id)
        if job is None or job.state != "running":
            raise JobOverError(job)
        return job

    async def request_of(self, job: Job) -> RequestFile:
        """What is to be made.

        Raises:
            RefusedError: nobody knows any more.
        """
        blob = await self.bucket.get(request_key(job.id), MOST_BYTES)
        if blob is None:
            raise RefusedError("server_error")
        try:
            return request_in(blob.content)
        except RequestFileError as error:
            raise RefusedError("server_error") from error

    def deadline(self, job: Job, seconds: float, *, grace: float = 0) -> float:
        """The time of the loop's clock at which a task gives up: after so long, or when the job's own time is over.

        Args:
            job: has its own time.
            seconds: how long the task may take.
            grace: how much longer than its own time a job is given for this.

        Raises:
            RefusedError: that is now.
        """
        left = min(seconds, job.deadline + grace - self.clock())
        if left <= 0:
            raise RefusedError("timeout")
        return asyncio.get_running_loop().time() + left

    async def leave_work(self, job: Job, index: int, work: WorkFile) -> None:
        """Leave a work object for the task that stores it.

        What ends a job deletes what it finds; what is put after that is for us to delete.

        Raises:
            JobOverError: the job has ended meanwhile.
        """
        key = work_key(job.id, index)
        await self.bucket.put(key, work.blob())
        try:
            await self.running(job.id)
        except JobOverError:
            await self.bucket.delete(key)
            raise

    async def pinned(self, job: Job, file: Blob) -> str | None:
        """The content id of a file that an IPFS service keeps from now on; None where none does.

        The file is in the bucket as well: a service that fails costs its link, and not the job.
        """
        settings = self.settings
        if settings.ipfs_api is None:
            return None
        from sluice.upstream.ipfs import Pinner  # most gateways have no use for it

        try:
            name = settings.ipfs_credential
            credential = None if name is None else await self.reach.credentials.get(name)
            token = credential if isinstance(credential, str) else None
            async with asyncio.timeout(PIN_SECONDS):
                return await Pinner(self.reach.upstream, settings.ipfs_api, token).pin(
                    file.content, file.content_type
                )
        except (SluiceError, AWSError, ConfigurationError, TimeoutError) as error:
            logger.warning("a file of %s is not pinned: %s", job.id, error)
            return None

    def callback_of(self, job: Job, request: RequestFile) -> str | None:
        """The address that a job's provider may call; None where nobody can call here."""
        if self.settings.public_url is None or request.callback_secret is None:
            return None
        return f"{self.settings.public_url.rstrip('/')}/v1/jobs/{job.id}/callbacks/{request.callback_secret}"

    def most_bytes(self, job: Job) -> int:
        """Of one of its files."""
        return self.settings.max_image_bytes if job.kind == "image" else self.settings.max_video_bytes
