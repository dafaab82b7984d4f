"""Joining the logprobs of a stream's chunks."""

from typing import Any


def joined(earlier: dict[str, Any] | None, later: dict[str, Any] | None) -> dict[str, Any] | None:
    """Lists of the same name are appended; of anything else the last value that is not null counts."""
    if not later:
        return earlier
    whole = dict(earlier or {})
    for member, entries in later.items():
        before = whole.get(member)
        if isinstance(before, list) and isinstance(entries, list):
            whole[member] = before + entries
        else:
            whole[member] = before if entries is None else entries
    return whole
