"""Which of many a client wants to see, as OpenAI's lists have it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from sluice.errors import InvalidRequestError

PARAMETERS: Final = ("after", "limit", "order")
LIKELY: Final = 20
MOST: Final = 100
ORDERS: Final[Mapping[str, bool]] = {"desc": True, "asc": False}
"""Whether the newest ones come first."""

_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list: those after the one with the id ``after``, which may be none, and at most ``limit``."""

    after: str | None = None
    limit: int = LIKELY
    newest_first: bool = True

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> Self:
        """The page that the parameters of a query string name.

        Raises:
            InvalidRequestError: one is out of range.
        """
        limit, order = query.get("limit", str(LIKELY)), query.get("order", "desc")
        if not _COUNT.fullmatch(limit) or not 1 <= int(limit) <= MOST:
            raise InvalidRequestError(f"'limit' has to be between 1 and {MOST}.", param="limit")
        if order not in ORDERS:
            raise InvalidRequestError("'order' has to be 'asc' or 'desc'.", param="order")
        return cls(query.get("after"), int(limit), ORDERS[order])
