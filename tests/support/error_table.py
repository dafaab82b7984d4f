"""The errors that clients can meet (contract section 5), each with how it is provoked: ``tests/contract/error_table.json``.

The table is read by the tests of the Python client and by those of the Node client, so that both meet the same. A row:

    behaviour            what the provider does (``mock_faults``); without it the provider is well and is not asked
    members, long_prompt what the body of a chat completion has besides the usual, and a prompt of so many letters
    request              another request than for a chat completion: method, path and body
    key                  options of ``sluice keys create``, or the name of a key that is not good any more
    before               what comes first: "itself" (the same request, which succeeds), "twin" (the same, still unanswered
                         by the provider), "idempotent twin" (with the same Idempotency-Key), "another body" (the same
                         Idempotency-Key with other members)
    server               "damaged": not the gateway of all the others
    variants             which there are of "whole" and "streamed"; both, if it does not say. "streamed" takes /api/v1 as
                         its base URL and "whole" /v1
    status, type, code, param, says
                         the error; ``says`` is a part of its message
    python, node         the class that each client raises
    requests             how many requests a client makes with its usual two retries
    retry_after, retry_after_ms, should_retry
                         these headers, exactly; whatever recovers has no x-should-retry
    recovers             the client's usual retries, after the delays that it is told, end in success
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "contract" / "error_table.json"
VARIANTS = ("whole", "streamed")
BASES = {"whole": "/v1", "streamed": "/api/v1"}


@dataclass(frozen=True)
class Row:
    """A row of the table, for one of its variants."""

    variant: str
    name: str
    status: int
    type: str
    code: str | None
    param: str | None
    python: str
    node: str
    requests: int
    behaviour: str | None = None
    members: dict[str, Any] | None = None
    long_prompt: int = 0
    request: dict[str, Any] | None = None
    key: list[str] | str | None = None
    before: str | None = None
    server: str | None = None
    says: str = ""
    retry_after: str | None = None
    retry_after_ms: str | None = None
    should_retry: str | None = None
    recovers: bool = False

    @property
    def id(self) -> str:
        """The row's name and its variant."""
        return f"{self.name}, {self.variant}"

    @property
    def streams(self) -> bool:
        """Whether the request asks for a stream."""
        return self.variant == "streamed"


@functools.cache
def rows() -> tuple[Row, ...]:
    """All rows in all their variants."""
    return tuple(
        Row(variant=variant, **{name: value for name, value in row.items() if name != "variants"})
        for row in json.loads(FILE.read_text())
        for variant in row.get("variants", VARIANTS)
    )
