"""The jobs whose cost is told."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.bench.job_site import JobSite, Usage

from sluice.pipeline.jobs.waiting import FIRST_PAUSE_SECONDS, GROWTH, LONGEST_PAUSE_SECONDS

PICTURE_SECONDS = 8
"""How long a picture's provider takes: assumed. The task that asks for it waits so long."""
VIDEO_SECONDS = 90
"""The same of a video's, which is asked again and again."""


@dataclass(frozen=True, slots=True)
class JobCase:
    """A kind of job.

    Attributes:
        name: what it is.
        function: that takes it.
        body: what is asked for.
        looks: how often its client looks until it is over.
        writes: of DynamoDB that are promised.
        transitions: of Step Functions that are promised.
    """

    name: str
    function: str
    body: Mapping[str, Any]
    looks: int
    writes: int
    transitions: int

    async def run(self, site: JobSite) -> Usage:
        """Have such a job made."""
        path = "/v1/images/generations" if self.function == "images" else "/v1/videos"
        with videos_take(VIDEO_SECONDS):
            return await site.job(
                self.function, path, json.dumps(self.body).encode(), path + "/{}", self.looks
            )


@contextmanager
def videos_take(seconds: float) -> Iterator[None]:
    """Have the demo's videos take so long."""
    with patch("sluice.providers.demo.videos.MAKING_SECONDS", seconds):
        yield


def looks_within(seconds: float) -> int:
    """How often a request that waits for its pictures looks at their job, whose end it sees so late."""
    looks, pause, passed = 1, FIRST_PAUSE_SECONDS, 0.0
    while passed < seconds:
        passed += pause
        pause = min(pause * GROWTH, LONGEST_PAUSE_SECONDS)
        looks += 1
    return looks


PICTURE = {"model": "picture", "prompt": "A sluice at dawn", "async": True}
JOB_CASES = (
    JobCase("a picture", "images", PICTURE, 3, 14, 7),
    JobCase("four pictures", "images", {**PICTURE, "n": 4}, 3, 23, 16),
    JobCase(
        f"a video that takes {VIDEO_SECONDS} s",
        "videos",
        {"model": "video", "prompt": "A sluice", "seconds": 4},
        *(15, 44, 57),
    ),
)
