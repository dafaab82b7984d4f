"""How a model with several candidates is: down only when none of them answers."""

import asyncio
import time

import pytest

from provider_desks import BROKEN, Answer, Desk, answer, models
from sluice.pipeline.check_health import check_health
from sluice.pipeline.live_catalog import Current
from sluice.pipeline.model_status import status_list

CHAT_REPLY = {
    "id": "1",
    "created": 1,
    "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "length"}],
}
WELL = answer(CHAT_REPLY)


def found(near: Answer, far: Answer | None, *, far_lists: bool = False) -> tuple[str, bool]:
    """How a model of two providers is after two checks; the second knows what the first has found."""
    rows = [
        {"id": "m", "candidates": [{"provider": name, "model": f"up-{name}"} for name in ("near", "far")]}
    ]
    answers = {"near": [near]} | ({} if far is None else {"far": [far]})
    desk = Desk({"near": {"probe": "call"}, "far": {"probe": "list" if far_lists else "call"}}, rows, answers)

    async def run() -> tuple[str, bool]:
        for _ in range(2):
            await check_health(desk.desk)
        current = Current(desk.desk.catalog, await desk.store.read())
        (row,) = status_list(current, time.time()).data
        return row.health_status, row.is_available

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("near", "far", "expected"),
    [
        (WELL, WELL, ("healthy", True)),
        (BROKEN, WELL, ("healthy", True)),
        (WELL, BROKEN, ("healthy", True)),
        (BROKEN, BROKEN, ("down", False)),
        (BROKEN, None, ("down", False)),
        (WELL, None, ("healthy", True)),
    ],
)
def test_of_two_that_are_called_one_is_enough(
    near: Answer, far: Answer | None, expected: tuple[str, bool]
) -> None:
    assert found(near, far) == expected


def test_one_that_is_listed_keeps_the_model_up() -> None:
    assert found(BROKEN, models("up-far"), far_lists=True) == ("healthy", True)


def test_one_that_is_not_listed_does_not() -> None:
    assert found(BROKEN, models("other"), far_lists=True) == ("down", False)
