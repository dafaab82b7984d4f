"""Request ids: ``req_`` and a UUID of version 7 in hex, so that they sort by the time at which they were made.

Source: RFC 9562, section 5.7.
"""

import secrets

LEAD = "req_"

_RANDOM_BITS = 74
_LOW_BITS = 62
_VERSION = 7
_VARIANT = 0b10


def new_request_id(now: float) -> str:
    """A fresh id of a request that came in at the epoch second ``now``."""
    high, low = divmod(secrets.randbits(_RANDOM_BITS), 1 << _LOW_BITS)
    number = int(now * 1000) << 80 | _VERSION << 76 | high << 64 | _VARIANT << 62 | low
    return f"{LEAD}{number:032x}"


def lowest_request_id(now: float) -> str:
    """Below every id made at the epoch second ``now`` or later: where a range of the ledger begins."""
    return f"{LEAD}{int(now * 1000) << 80:032x}"
