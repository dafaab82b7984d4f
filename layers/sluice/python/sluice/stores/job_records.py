"""A job: a picture or a video in the making, as the jobs table has it.

What a job becomes is decided by one attribute of one item, ``state``, which only conditional writes change:

    queued ──▶ running ──▶ finishing ──▶ completed        finishing: charged, whoever carries it out
       │          │
       └──────────┴──────▶ failing ────▶ failed           failing: not charged

Whoever wins the write to ``finishing`` or ``failing`` has decided; what follows from it (the ledger's row, the end of
the hold, the files that nobody needs) can be carried out by anyone, and repeated.

A client's words are not in the item: the request and the provider's words about a failure lie in the bucket.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sluice.accounting.counter import Hold

JobKind = Literal["image", "video"]
JobState = Literal["queued", "running", "finishing", "completed", "failing", "failed"]

LEADS: Mapping[JobKind, str] = {"image": "image_", "video": "video_"}
"""How the ids of jobs begin."""

MOST_ID_LENGTH = 80

OPEN_STATES: tuple[JobState, ...] = ("queued", "running")
OVER_STATES: tuple[JobState, ...] = ("completed", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A file that a job has made.

    Attributes:
        digest: SHA-256 of its bytes in hex, by which it lies in the bucket.
        content_type: found out from the bytes.
        size: in bytes.
        leg: the position of the candidate that made it, in the job's request.
        seconds: of a video, those that are charged: what was made, and no more than was asked for.
        cid: its content id, where it is pinned to IPFS.
        stored: whether it is in the bucket; it is noted before it is put there, so that nothing is there unknown.
    """

    digest: str
    content_type: str
    size: int
    leg: int = 0
    seconds: int | None = None
    cid: str | None = None
    stored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job. Times are epoch milliseconds, but for ``deadline`` and ``expires_at``, which are epoch seconds.

    Attributes:
        id: ``image_`` or ``video_`` and the digits of the request's id; also the name of its execution.
        request_id: of the request that made it; also the name of its hold, and of its row in the ledger.
        key_id, owner: of the API key.
        model: the catalogue's id; the client's name for it is in the request.
        count: how many files are wanted: ``n`` for images, 1 for a video.
        seconds: how long a video is to be, which is what is paid for.
        hold: what is held; its money is nano-USD.
        deadline: from then on it is given up.
        expires_at: from then on it is forgotten, and its files are gone.
        input_hash: identifies what is to be made.
        outputs: by index.
        provider: who has made it, or is making it.
        leg: the position of the candidate that a video was submitted to.
        reference: what that provider knows it by.
        submitting_at: when it began to be submitted to the provider, which may or may not have heard of it.
        progress: in percent.
        cost: in nano-USD, from ``finishing`` on.
        failure: why it failed, one of ``pipeline.jobs.failures``' codes.
        has_webhook: whether somebody wants to be told.
        notes: how many notes of files were taken, by which it can be told whether there are others than were seen.
    """

    id: str
    request_id: str
    key_id: str
    owner: str
    kind: JobKind
    state: JobState
    model: str
    count: int
    hold: Hold
    created_at: int
    deadline: int
    expires_at: int
    request_hash: str
    input_hash: str
    seconds: int | None = None
    size: str | None = None
    outputs: Mapping[int, Output] = field(default_factory=dict)
    provider: str = ""
    leg: int | None = None
    reference: str | None = None
    submitting_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    progress: int = 0
    cost: int | None = None
    failure: str | None = None
    has_webhook: bool = False
    notes: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing becomes of it any more, and all that followed from its end is done."""
        return self.state in OVER_STATES


def is_job_id(text: str, kind: JobKind | None = None) -> bool:
    """Whether a stranger's text may be a job's id, of a kind or of any: other items of the table have other ids."""
    leads = tuple(LEADS.values()) if kind is None else LEADS[kind]
    return len(text) <= MOST_ID_LENGTH and text.isascii() and text.isprintable() and text.startswith(leads)
