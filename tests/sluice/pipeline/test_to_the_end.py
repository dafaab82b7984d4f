"""Work that a cancellation does not leave half done."""

import asyncio
import gc

import pytest

from sluice.errors import OverloadedError
from sluice.pipeline.to_the_end import to_the_end


class Work:
    """Waits to be let go, then ends as it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.began = asyncio.Event()
        self.release = asyncio.Event()
        self.done = False
        self._error = error

    async def do(self) -> str:
        self.began.set()
        await self.release.wait()
        self.done = True
        if self._error is not None:
            raise self._error
        return "result"


async def test_a_result_is_given_back_and_a_failure_is_raised() -> None:
    work, broken = Work(), Work(OverloadedError("busy"))
    work.release.set()
    broken.release.set()
    assert await to_the_end(work.do()) == "result"
    with pytest.raises(OverloadedError):
        await to_the_end(broken.do())


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancellation_is_passed_on_when_the_work_is_done(fails: bool, times: int) -> None:
    work = Work(OverloadedError("busy") if fails else None)
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    doing = asyncio.create_task(to_the_end(work.do()))
    await work.began.wait()
    for _ in range(times):
        doing.cancel()
        await asyncio.sleep(0)
    assert not doing.done()
    work.release.set()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert work.done
    del work, doing
    await asyncio.sleep(0)  # lets the loop let go of them too
    gc.collect()
    assert unhandled == []  # of a failure that nobody is told any more


async def test_a_deadline_is_told_when_the_work_is_done() -> None:
    work = Work()
    doing = asyncio.create_task(within_no_time(work))
    await work.began.wait()
    work.release.set()
    with pytest.raises(TimeoutError):
        await doing
    assert work.done


async def within_no_time(work: Work) -> None:
    async with asyncio.timeout(0):
        await to_the_end(work.do())
