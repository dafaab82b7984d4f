"""Which providers' models are having a bad day: those are asked last, and never not at all.

    closed ──── several failures in succession, or one that lasts ────▶ open: asked last, until it has cooled down
      ▲                                                                  │
      │◀── it answers ── half open: one request asks it in its turn ◀────┘
                              └── it fails ──▶ open again

Only what the provider is at fault for counts: what it refuses is in clients' hands, who could make it look bad. What
may be in their hands, an answer that takes too long or is forbidden, counts where it was seen and is told to nobody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sluice.errors import ModelNotFoundError, OverloadedError, SluiceError, UpstreamError
from sluice.pipeline.call import OutOfTimeError
from sluice.pipeline.health_monitor import at_fault

LASTING_SECONDS = 300.0
"""How long a refused credential, an exhausted account or a model that is not there cools down: an operator has to mend
it, and a credential is read again after as long."""

LONGEST_SECONDS = 600.0
"""A provider that wants to be left alone for longer is asked again all the same."""

PROBE_SECONDS = 60.0
"""How long one request has to find out how a provider is; then another one tries."""

_FAULTS = frozenset({403, 408, 424})
"""Statuses below 500 that are a provider's fault without lasting: it is forbidden, which may pass, it was too slow, or
its model has failed. Any other, as the 404 of a file that a message names, is about what a client has asked for."""

_LASTING_STATUSES = frozenset({401, 402, 429})
_TOO_MANY_REQUESTS = 429
_FORBIDDEN = 403


@dataclass(slots=True)
class _Circuit:
    """What is known of one leg. Times are in epoch seconds.

    Attributes:
        failures: how many in succession.
        open_until: when it has cooled down; 0 while it is closed.
        probed_until: until then one request finds out how it is.
    """

    failures: int = 0
    open_until: float = 0.0
    probed_until: float = 0.0


class Circuits:
    """The circuits of an environment, by the names of legs; those of which nothing bad is known have none.

    Args:
        failures: so many in succession open one.
        seconds: how long it cools down.
        clock: epoch seconds.
    """

    def __init__(self, *, failures: int, seconds: float, clock: Callable[[], float]) -> None:
        self._failures = failures
        self._seconds = seconds
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}
        self._down: dict[str, float] = {}
        self._answered_at: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self.opened: dict[str, float] = {}
        """Those that were opened here and that nobody else has been told of, until when."""

    def lets(self, leg: str, provider: str) -> bool:
        """Whether a leg is to be asked in its turn, and not after all others."""
        if self._down.get(provider, 0.0) > self._answered_at.get(provider, 0.0):
            return False
        circuit = self._circuits.get(leg)
        return circuit is None or self._clock() >= max(circuit.open_until, circuit.probed_until)

    def asks(self, leg: str) -> None:
        """A leg is asked; where it has just cooled down, as the one that finds out how it is."""
        circuit = self._circuits.get(leg)
        if circuit is not None and circuit.open_until:
            now = self._clock()
            if now >= circuit.open_until:
                circuit.probed_until = now + PROBE_SECONDS

    def leaves(self, leg: str) -> None:
        """A request has ended without finding out how a leg is."""
        circuit = self._circuits.get(leg)
        if circuit is not None:
            circuit.probed_until = 0.0

    def answered(self, leg: str, provider: str) -> None:
        """A leg has answered to the end."""
        self._circuits.pop(leg, None)
        self.opened.pop(leg, None)
        if provider in self._down:
            self._answered_at[provider] = self._clock()

    def failed(self, leg: str, error: SluiceError) -> None:
        """A leg has failed."""
        lasts = _lasts(error)
        if lasts is None and not _counts(error):
            self.leaves(leg)
            return
        circuit = self._circuits.setdefault(leg, _Circuit())
        circuit.failures += 1
        circuit.probed_until = 0.0
        now = self._clock()
        if lasts is None:
            known_to_fail = circuit.open_until != 0 or circuit.failures >= self._failures
            if not known_to_fail or circuit.open_until > now:
                return
            lasts = self._seconds
        until = now + min(lasts, LONGEST_SECONDS)
        if circuit.open_until <= now and not _may_be_a_clients(error):
            self.opened[leg] = until
        circuit.open_until = max(circuit.open_until, until)

    def learn(self, opened: Mapping[str, float], down: Mapping[str, float]) -> None:
        """Take in what others have found out.

        Args:
            opened: circuits, until when.
            down: providers, when the check found them so.
        """
        now = self._clock()
        for leg, until in opened.items():
            # What was heard before and has proved wrong since is not believed again.
            if until > now and until > self._heard.get(leg, 0.0):
                self._heard[leg] = until
                circuit = self._circuits.setdefault(leg, _Circuit())
                circuit.open_until = max(circuit.open_until, min(until, now + LONGEST_SECONDS))
        self._down = dict(down)

    def told(self, leg: str, until: float) -> None:
        """Others have been told."""
        self._heard[leg] = max(until, self._heard.get(leg, 0.0))


def _may_be_a_clients(error: SluiceError) -> bool:
    """Whether a client may have brought about a failure that counts: by a long answer, or a file of somebody else's."""
    return isinstance(error, OutOfTimeError) or error.upstream_status == _FORBIDDEN


def _counts(error: SluiceError) -> bool:
    """Whether a failure is one of several that open a circuit."""
    status = error.upstream_status
    if status is not None and 400 <= status < 500 and status not in _FAULTS:
        return False
    if isinstance(error, UpstreamError) and error.retriable is False:
        return status is not None  # else it is an answer of a size that no gateway takes, say
    return at_fault(error)


def _lasts(error: SluiceError) -> float | None:
    """How long a failure will surely last, in seconds; None where nobody knows."""
    match error:
        case OverloadedError() if error.upstream_status == _TOO_MANY_REQUESTS:
            return error.retry_after
        case ModelNotFoundError() if error.upstream_status is not None:
            return LASTING_SECONDS
        case UpstreamError() if error.retriable is False and error.upstream_status in _LASTING_STATUSES:
            return LASTING_SECONDS
        case _:
            return None
