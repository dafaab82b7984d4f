"""What an environment knows of providers, for choosing among them."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from sluice.config import Settings
from sluice.pipeline.circuit_news import BulletinStore, CircuitNews
from sluice.pipeline.circuits import Circuits
from sluice.pipeline.latencies import Latencies


@dataclass(frozen=True, slots=True)
class Routing:
    """Kept for the life of the environment; ``chance`` is evenly distributed from 0 up to 1."""

    circuits: Circuits
    news: CircuitNews
    latencies: Latencies
    chance: Callable[[], float]

    @classmethod
    def open(
        cls,
        settings: Settings,
        store: BulletinStore,
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> Self:
        """Begin with no knowledge.

        Args:
            settings: when a circuit opens, and for how long.
            store: where environments tell each other.
            clock: epoch seconds.
            chance: as above.
        """
        circuits = Circuits(failures=settings.circuit_failures, seconds=settings.circuit_seconds, clock=clock)
        news = CircuitNews(circuits, store, seconds=settings.circuit_read_seconds, clock=clock)
        return cls(circuits, news, Latencies(), chance)
