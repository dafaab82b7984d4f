"""An event loop without waiting: time leaps to the next timer, and a run ends when nothing can happen any more.

A test that parks coroutines at futures of its own decides by it, step by step, which of them goes on.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any


class _LeapingSelector(selectors.DefaultSelector):
    """Sees no network: in place of waiting for it, time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.idle: Callable[[], None] = lambda: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            self.idle()
        else:
            self.now += timeout
        return []


class SteppedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock starts at zero and passes only while everyone waits for it."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)
        self._leaping.idle = self.stop
        self.unhandled: list[Mapping[str, Any]] = []
        """What asyncio would have logged: failures that nobody looked at."""
        self.set_exception_handler(lambda _, context: self.unhandled.append(context))

    def time(self) -> float:
        """Seconds passed."""
        return self._leaping.now

    def run_until_idle(self) -> None:
        """Run until everyone waits for something that only the caller can make happen."""
        self.run_forever()

    def finish[Result](self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine to its end.

        Raises:
            AssertionError: it waits for something that never happens.
        """
        task = self.create_task(work)
        self.run_until_idle()
        assert task.done(), "everyone waits"
        return task.result()
