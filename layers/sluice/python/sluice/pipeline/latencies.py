"""How long providers take to begin an answer, as this environment has seen it."""

NEWEST = 0.3
"""The share of the newest answer in the moving average: the last six or so make most of it."""


class Latencies:
    """A moving average of the milliseconds to the first byte, for each leg.

    A whole reply begins when all of it is written, so streams have averages of their own.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bool], float] = {}

    def heard(self, leg: str, milliseconds: float, *, streams: bool) -> None:
        """A leg has begun to answer after so long."""
        before = self._seen.get((leg, streams), milliseconds)
        self._seen[leg, streams] = before + NEWEST * (milliseconds - before)

    def of(self, leg: str, *, streams: bool) -> float | None:
        """What a leg takes; None where it was never asked."""
        return self._seen.get((leg, streams))
