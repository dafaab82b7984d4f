"""What all mock services of videos have in common: films that are begun, run for some questions, and are there or not.

What becomes of a film is said by a word in its prompt, so that it goes with the request through whatever lies between.
"""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sluice.providers.demo.filming import Film, filmed

FORBIDDEN = "#forbidden"
"""The submission is refused by the service's policy."""

UNSHOWN = "#unshown"
"""It is made, and its policy keeps it back."""

BROKEN = "#broken"
"""It fails."""

SLOW = "#slow"
"""It takes many questions."""

LOST = "#lost"
"""It is begun, and the answer to the first submission is lost."""

GARBAGE = "#garbage"
"""The first question is answered with nonsense."""

BUSY = "#busy"
"""The first submission is refused because too many came."""

QUESTIONS = 2
"""As many questions find it running."""

SLOW_QUESTIONS = 6
GARBLED = b'{"status": "of the art'

State = Literal["running", "made", "unshown", "broken", "cancelled"]

_numbers = itertools.count(1)


@dataclass
class Order:
    """A film that was ordered; ``mark`` is what its submissions are known by, ``about`` what else they said."""

    id: str
    prompt: str
    seconds: int
    size: tuple[int, int] = (128, 64)
    mark: str | None = None
    about: dict[str, Any] = field(default_factory=dict)
    questions: int = 0
    cancelled: bool = False

    @property
    def film(self) -> bytes:
        """The file: another one for other words."""
        return filmed(Film(self.prompt.encode(), *self.size, self.seconds))

    @property
    def state(self) -> State:
        """How it is by now."""
        if self.cancelled:
            return "cancelled"
        if self.questions <= (SLOW_QUESTIONS if SLOW in self.prompt else QUESTIONS):
            return "running"
        return "unshown" if UNSHOWN in self.prompt else "broken" if BROKEN in self.prompt else "made"

    @property
    def percent(self) -> int:
        """How far it is."""
        most = SLOW_QUESTIONS if SLOW in self.prompt else QUESTIONS
        return min(100, 100 * self.questions // (most + 1))


class FilmBook:
    """The orders of one service, in the order in which they came; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: dict[str, Order] = {}
        self._turned_away: set[str] = set()

    def begin(self, order: Order) -> tuple[Order, bool]:
        """Take an order, and whether it is a new one: one whose mark is known is the old one."""
        with self._lock:
            for known in self._orders.values():
                if order.mark is not None and known.mark == order.mark:
                    return known, False
            self._orders[order.id] = order
            return order, True

    def turns_away(self, prompt: str) -> bool:
        """Whether this submission comes at a bad time: the first of a prompt that says so."""
        with self._lock:
            if BUSY not in prompt or prompt in self._turned_away:
                return False
            self._turned_away.add(prompt)
            return True

    def find(self, identifier: str) -> Order | None:
        """The order of that id."""
        with self._lock:
            return self._orders.get(identifier)

    def asked(self, identifier: str) -> Order | None:
        """The same, at one question more."""
        with self._lock:
            order = self._orders.get(identifier)
            if order is not None:
                order.questions += 1
            return order

    def drop(self, identifier: str) -> bool:
        """Forget an order; whether there was one."""
        with self._lock:
            return self._orders.pop(identifier, None) is not None

    def of(self, prompt: str) -> list[Order]:
        """All orders of this prompt."""
        with self._lock:
            return [order for order in self._orders.values() if order.prompt == prompt]

    def __iter__(self) -> Iterator[Order]:
        with self._lock:
            return iter(list(self._orders.values()))


def is_garbled(order: Order) -> bool:
    """Whether this question is answered with nonsense."""
    return GARBAGE in order.prompt and order.questions == 1


def new_id(lead: str = "") -> str:
    """An id that no other film has."""
    return f"{lead}{next(_numbers):012x}"


def pixels(size: str) -> tuple[int, int]:
    """Width and height."""
    width, _, height = size.partition("x")
    return int(width), int(height)
