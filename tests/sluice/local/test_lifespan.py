"""Several lifespans as one."""

from typing import Any

import pytest

from sluice.local.lifespan import LifespanError, lifespans


class App:
    """Notes what it is told; ``fault`` is raised or reported at its start."""

    def __init__(self, name: str, log: list[str], fault: Exception | str | None = None) -> None:
        self._name = name
        self._log = log
        self._fault = fault

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        assert (await receive())["type"] == "lifespan.startup"
        if isinstance(self._fault, Exception):
            raise self._fault
        if self._fault is not None:
            await send({"type": "lifespan.startup.failed", "message": self._fault})
            return
        self._log.append(f"{self._name} starts")
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        self._log.append(f"{self._name} ends")
        await send({"type": "lifespan.shutdown.complete"})


async def test_all_start_and_the_last_one_ends_first() -> None:
    log: list[str] = []
    async with lifespans([App("a", log), App("b", log)]):
        log.append("serving")
    assert log == ["a starts", "b starts", "serving", "b ends", "a ends"]


async def test_what_an_application_raises_comes_out_and_the_others_end() -> None:
    log: list[str] = []
    with pytest.raises(ValueError, match="no table"):
        async with lifespans([App("a", log), App("b", log, ValueError("no table"))]):
            log.append("serving")
    assert log == ["a starts", "a ends"]


async def test_a_reported_failure_is_an_error_too() -> None:
    with pytest.raises(LifespanError):
        async with lifespans([App("a", [], "no table")]):
            pass


async def test_a_fault_while_serving_ends_all_of_them() -> None:
    log: list[str] = []
    with pytest.raises(KeyError):
        async with lifespans([App("a", log)]):
            raise KeyError
    assert log == ["a starts", "a ends"]
