"""A video's whole way at its provider, over sockets: submitted, asked for, fetched, as the tasks of a job do it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sluice.errors import SluiceError
from sluice.pipeline.jobs.exchange import TAKEN, TOLD, answer_of
from sluice.pipeline.jobs.fetching import Fetcher
from sluice.pipeline.jobs.legs import Way
from sluice.providers.contract import Errand, Made, NotMade, Provider, Running, Target
from sluice.stores.bucket import Blob, Bucket, made_prefix
from sluice.upstream.client import HTTPUpstream, tls_context
from video_requests import ERRAND, SECONDS, videos_call

MOST_BYTES = 10_000_000
MOST_QUESTIONS = 20


@dataclass
class Shelf:
    """A bucket, as far as a fetcher knows one."""

    files: dict[str, bytes] = field(default_factory=dict)

    async def get(self, key: str, most_bytes: int) -> Blob | None:
        """What lies there."""
        content = self.files.get(key)
        return None if content is None or len(content) > most_bytes else Blob(content, "video/mp4")


@dataclass
class Journey:
    """One provider's videos, and what became of the last one."""

    upstream: HTTPUpstream
    way: Way
    shelf: Shelf = field(default_factory=Shelf)
    progress: list[int | None] = field(default_factory=list)

    async def submitted(self, *, errand: Errand = ERRAND, **members: Any) -> str:
        """Submit one; what the provider knows it by."""
        members.setdefault("seconds", SECONDS)
        call = replace(videos_call(to=self.way.target, **members), now=time.time())
        question = self.way.videos.upstream_request(call, errand)
        body = await answer_of(self.upstream, self.way, question, deadline=self._deadline(), statuses=TAKEN)
        return self.way.videos.submitted(body, call).reference

    async def asked(self, reference: str, errand: Errand = ERRAND) -> Running | Made | NotMade:
        """Ask once."""
        question = self.way.videos.poll_request(reference, self.way.target, time.time())
        body = await answer_of(self.upstream, self.way, question, deadline=self._deadline(), statuses=TOLD)
        return self.way.videos.polled(body, reference, self.way.target, errand)

    async def ended(self, reference: str, errand: Errand = ERRAND) -> Made | SluiceError:
        """Ask until it is over; nonsense is asked again."""
        for _ in range(MOST_QUESTIONS):
            try:
                state = await self.asked(reference, errand)
            except SluiceError:
                continue
            match state:
                case Running(progress=progress):
                    self.progress.append(progress)
                case NotMade(error=error):
                    return error
                case Made() as made:
                    return made
        raise AssertionError("it never ends")

    async def made(self, *, errand: Errand = ERRAND, **members: Any) -> tuple[bytes, int | None]:
        """Submit one and fetch it: its file, and its seconds by the provider's word."""
        ended = await self.ended(await self.submitted(errand=errand, **members), errand)
        assert isinstance(ended, Made), ended
        return await self.fetched(ended, errand), ended.seconds

    async def fetched(self, made: Made, errand: Errand = ERRAND) -> bytes:
        """The file."""
        bucket = cast("Bucket", self.shelf)
        fetcher = Fetcher(self.upstream, bucket, errand.job, MOST_BYTES, self._deadline())
        return await fetcher.content(made.media, self.way.target)

    async def cancelled(self, reference: str) -> int | None:
        """Give it up; the status of the answer, None where there is no way to."""
        question = self.way.videos.cancel_request(reference, self.way.target, time.time())
        if question is None:
            return None
        async with self.upstream.send(question) as response:
            await response.read()
            return response.status

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + 20


@asynccontextmanager
async def journey(provider: Provider, target: Target) -> AsyncIterator[Journey]:
    """The way to a provider."""
    upstream = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0)
    try:
        yield Journey(upstream, Way(0, provider, target))
    finally:
        await upstream.close()


def errand_of(job: str, callback: str | None = None) -> Errand:
    """An errand of a job's own."""
    return Errand(job=job, bucket="our-bucket", prefix=made_prefix(job), callback=callback)
