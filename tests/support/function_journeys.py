"""Everything that the functions do, recorded: see ``answering_journeys``, ``job_journeys``, ``scheduled_journeys``.

A function that no journey here is for has no record: the proofs say so by its name.
"""

import asyncio
from pathlib import Path

import pytest

from answering_journeys import use_answers, use_documents
from function_site import functions_at_work, resource_names
from job_journeys import use_images, use_jobs_left_behind, use_videos
from recorded_calls import Recording
from scheduled_journeys import use_comparing, use_reclaiming, use_schedules, use_stream


def record(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Recording:
    """Let all functions do all that they can do, and take down what they need for it."""
    return asyncio.run(_record(monkeypatch, folder))


async def _record(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Recording:
    async with functions_at_work(monkeypatch, folder) as site:
        await use_schedules(site)
        await use_answers(site)
        await use_documents(site)
        await use_images(site)
        await use_videos(site)
        await use_jobs_left_behind(site)
        await use_reclaiming(site)
        await use_stream(site)
        await use_comparing(site)
        return site.recorder.recording(resource_names(site.stack))
