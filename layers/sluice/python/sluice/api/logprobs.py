"""Joining the logprobs of a stream's chunks."""

from typing import Any


def joined(earlier: dict[str, Any] | None, later: dict[str, Any] | None) -> dict[str, Any] | None:
    """Lists of the same name are appended; of anything else the last value that is not null counts.

    Args:
        earlier: what this gave for the chunks so far. It is taken over, and its lists grow: copied for each of some
            ten thousand chunks, they would take seconds.
        later: of the next chunk; it stays as it is.
    """
    if not later:
        return earlier
    whole = {} if earlier is None else earlier
    for member, entries in later.items():
        before = whole.get(member)
        if not isinstance(entries, list):
            whole[member] = before if entries is None else entries
        elif isinstance(before, list):
            before.extend(entries)
        else:
            whole[member] = list(entries)
    return whole
