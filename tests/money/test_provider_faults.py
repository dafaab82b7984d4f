"""What becomes of a job when its provider does what it should not: a table of faults and outcomes.

A job ends completed and charged once for what there is, or failed and not charged. Whatever it was, a redrive of its
execution changes nothing afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from fake_makers import Scripted, inline, lost, told
from fake_upstream import Response
from job_faults import NONSENSE, Journey, Outcome, in_order
from job_world import JobWorld, makers_known
from machine_driver import HungError
from made_media import mp4, png
from sluice.errors import UpstreamError, UpstreamTimeoutError

__all__ = ["makers_known"]

MANY = 12
"""More attempts than a machine makes."""

IMAGES, SUBMIT, ASK = "POST alpha", "POST alpha", "GET alpha"

POLICY = told({"message": "Not that.", "code": "content_policy_violation"}, 400)
BROKEN = UpstreamError("The connection to the provider broke.")
LATE = UpstreamTimeoutError("The provider did not answer in time.")


def unreachable() -> UpstreamError:
    error = UpstreamError("The provider could not be reached.")
    error.unheard = True
    return error


def page(status: int = 200) -> Response:
    return Response(status, "text/html", (b"<html>A page of a proxy's</html>",))


@dataclass(frozen=True, slots=True)
class Case:
    """What goes wrong with a provider, and what becomes of the job."""

    what: str
    made: Callable[[], JobWorld]
    ends: str

    def __str__(self) -> str:
        return self.what


def pictures(what: str, ends: str, *answers: Scripted, count: int = 1, **members: Any) -> Case:
    def made() -> JobWorld:
        world = JobWorld(count=count, **members)
        world.makers.answers[IMAGES] = list(answers)
        return world

    return Case(f"a picture: {what}", made, ends)


def video(what: str, ends: str, to: str, *answers: Scripted, **members: Any) -> Case:
    def made() -> JobWorld:
        world = JobWorld("video", **members)
        world.makers.knows_names = world.repeatable
        world.makers.answers[to] = list(answers)
        return world

    return Case(f"a video: {what}", made, ends)


def lost_submission(what: str, ends: str, **members: Any) -> Case:
    def made() -> JobWorld:
        world = JobWorld("video", **members)
        world.makers.knows_names = world.repeatable
        world.makers.answers[SUBMIT] = [lost(world.makers, LATE)]
        return world

    return Case(f"a video: {what}", made, ends)


def file(what: str, ends: str, content: bytes, delivered: dict[str, object] | None = None) -> Case:
    def made() -> JobWorld:
        world = JobWorld("video")
        world.makers.file = content
        if delivered is not None:
            world.makers.delivers = lambda _name, _content: delivered
        return world

    return Case(f"a video: {what}", made, ends)


def hanging(task: str, ends: str, **members: Any) -> Case:
    def made() -> JobWorld:
        world = JobWorld(**members)
        answer = world.worker.answer

        async def hangs(event: Any) -> Any:
            if event["task"] == task:
                raise HungError
            return await answer(event)

        world.worker.answer = hangs  # type: ignore[method-assign] # the process hangs, not what it would do
        return world

    kind = "a video" if members else "a picture"
    return Case(f"{kind}: {task} hangs until the machine gives it up", made, ends)


def never_ready() -> JobWorld:
    world = JobWorld("video")
    world.makers.polls = 10_000
    return world


DONE = "completed, charged once"
FAILED, REFUSED, BAD_FILE, POLICED, SLOW, OURS = (
    f"failed ({code}), not charged"
    for code in (
        "upstream_error",
        "invalid_request",
        "invalid_output",
        "content_policy_violation",
        "timeout",
        "server_error",
    )
)

CASES = (
    pictures("its provider is busy once", DONE, told({}, 503)),
    pictures("busy for good", FAILED, *[told({}, 503)] * MANY),
    pictures("not to be reached for good", FAILED, *[unreachable()] * MANY),
    pictures("its answer is lost", DONE, LATE),
    pictures("its connection breaks", DONE, BROKEN),
    pictures("the gateway's credential is refused", FAILED, told({}, 401)),
    pictures("the request is refused", REFUSED, told({"message": "odd"}, 400)),
    pictures("its policy refuses it", POLICED, POLICY),
    pictures("its policy refuses one of three", DONE, POLICY, count=3),
    pictures("another candidate makes it", DONE, told({}, 401), legs=("alpha", "beta")),
    pictures("nonsense once", DONE, page()),
    pictures("nonsense for good", FAILED, *[page()] * MANY),
    pictures("no picture but a page", BAD_FILE, told(inline(b"<html>"))),
    pictures("no picture but a video", BAD_FILE, told(inline(mp4()))),
    pictures("no picture, but another candidate makes one", DONE, told(inline(b"")), legs=("alpha", "beta")),
    pictures("nothing", BAD_FILE, told(inline(b""))),
    pictures("half a picture", BAD_FILE, told(inline(png()[:5]))),
    pictures("a picture that is too large", BAD_FILE, told(inline(png() + bytes(10_001)))),
    pictures("an answer that does not end", FAILED, *[told("x" * (6 * 1024 * 1024))] * MANY),
    pictures("an address that is no https", FAILED, told({"url": "http://elsewhere/1.png"})),
    pictures("an address of nothing", FAILED, *[told({"url": "https://elsewhere/1.png"})] * MANY),
    hanging("begin", SLOW),
    hanging("generate", OURS),
    hanging("store", OURS),
    hanging("finish", SLOW),
    lost_submission("taken, and the answer is lost", FAILED),
    lost_submission("taken, the answer is lost, and it is known again", DONE, repeatable=True),
    video("it is busy when it is submitted", DONE, SUBMIT, told({}, 429)),
    video("it is not to be reached when it is submitted", DONE, SUBMIT, unreachable()),
    video("its connection breaks when it is submitted", FAILED, SUBMIT, BROKEN),
    video("it fails when it is submitted", FAILED, SUBMIT, told({}, 500)),
    video("it answers a submission with nonsense", FAILED, SUBMIT, page()),
    video("its policy refuses it", POLICED, SUBMIT, POLICY),
    video("another candidate takes it", DONE, SUBMIT, told({}, 429), legs=("alpha", "beta")),
    video("it is away when it is asked", DONE, ASK, *[unreachable()] * MANY),
    video("it fails when it is asked", DONE, ASK, *[told({}, 502)] * MANY),
    video("it forgets the video", FAILED, ASK, *[told({}, 404)] * MANY),
    video("it gives the video up", REFUSED, ASK, told({"status": "failed", "why": "No."})),
    *(
        video(f"it answers {body[:12]!r} once", DONE, ASK, Response(200, "application/json", (body,)))
        for body in NONSENSE
    ),
    *(
        video(f"it answers {body[:12]!r} for good", FAILED, ASK, *[Response(200, "", (body,))] * MANY)
        for body in NONSENSE
    ),
    video("another's file in the bucket", BAD_FILE, ASK, told({"status": "made", "key": "outputs/1"})),
    file("no video but a picture", BAD_FILE, png()),
    file("no video but a page", BAD_FILE, b"<html>"),
    file("a video that is too large", BAD_FILE, mp4(mark=bytes(20_001))),
    file("a file that is too large", BAD_FILE, mp4(mark=bytes(20_001)), {"path": "/files/1"}),
    file("a file that is not there", FAILED, mp4(), {"path": "/nothing"}),
    Case("a video: it is never ready", never_ready, SLOW),
    hanging("submit", SLOW, kind="video"),
    hanging("poll", SLOW, kind="video"),
    hanging("store", SLOW, kind="video"),
    hanging("finish", SLOW, kind="video"),
)


async def outcome_of(case: Case) -> Outcome:
    world = case.made()
    journey = Journey(case.what, case.made, cost=4, once=world.kind == "video")
    execution = await world.run()
    assert execution.status == "SUCCEEDED", "the machine's own states end it"
    outcome = await in_order(journey, world, left_alone=False)
    await world.run()  # a redrive from the start
    assert await in_order(journey, world, left_alone=False) == outcome
    return outcome


async def test_a_job_ends_as_the_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [(case, str(await outcome_of(case))) for case in CASES]
    with capsys.disabled():
        print("\nwhat a provider does → what becomes of the job")
        for case, outcome in outcomes:
            print(f"  {case.what:58} → {outcome}")
    assert [(str(case), outcome) for case, outcome in outcomes] == [(case.what, case.ends) for case in CASES]
