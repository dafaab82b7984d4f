"""What every framing decodes to: the seam between bytes and providers.

A decoder is a small object with state: ``feed(data)`` takes any split of the byte stream and returns the events that
are complete by now, ``flush()`` is called once at the end of the bytes and returns what the end completes.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One framed event: its payload, and its name where the framing gives one."""

    data: bytes
    name: str = ""


class Decoder(Protocol):
    """Turns bytes into events."""

    def feed(self, data: bytes) -> list[WireEvent]:
        """Take the next bytes; return the events they complete."""
        ...

    def flush(self) -> list[WireEvent]:
        """End of the bytes; return the events that the end completes."""
        ...


class FramingError(Exception):
    """The bytes are not of the framing they claim to be of, or one event is larger than any event may be."""
