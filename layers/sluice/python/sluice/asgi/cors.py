"""Cross-origin requests: which pages a browser lets read replies.

Not Starlette's middleware: that answers a refused preflight in plain text, outside the contract's envelope, without a
request id and without counting the client's address.

A key travels in the Authorization header, which a page has to set itself, and never in a cookie, which a browser would
add for any page. So no page can use a key that it does not have, and letting every origin read is safe.

Source: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sluice.setting_values import ANY_ORIGIN

PREFLIGHT_METHOD = "OPTIONS"
ALLOW_ORIGIN = "access-control-allow-origin"

EXPOSED = "*"
"""All headers of a reply, those of later versions too. It is no wildcard for requests with cookies, which are not let
read anything here."""

MAX_AGE_SECONDS = 7200
"""How long a browser need not ask again; the longest that Chromium believes."""

MAX_HEADERS = 64
"""How many names of request headers are allowed at most; an SDK sends about 20."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")


@dataclass(frozen=True, slots=True)
class CrossOrigin:
    """Whom the deployment lets read replies.

    Args:
        origins: as browsers send them, or ``ANY_ORIGIN`` alone; empty for none.
    """

    origins: frozenset[str]

    def headers(self, origin: str | None) -> Mapping[str, str]:
        """What every reply says, an error and a stream too; ``origin`` is the request's header."""
        if not self.origins:
            return {}
        readable = {"access-control-expose-headers": EXPOSED}
        if ANY_ORIGIN in self.origins:
            return {ALLOW_ORIGIN: "*", **readable}
        varied = {"vary": "Origin"}
        if origin is None or origin not in self.origins:
            return varied
        return {ALLOW_ORIGIN: origin, **readable, **varied}


def preflight_headers(requested: Iterable[str], methods: Iterable[str]) -> Mapping[str, str]:
    """What the reply to an allowed origin's preflight says beside that.

    Args:
        requested: the names of headers that the page wants to send. Any may be sent, as without a browser between, so
            they are given back; an SDK has many of its own. What is no header's name is left out.
        methods: of the path.
    """
    names = [name for name in requested if _HEADER_NAME.fullmatch(name)][:MAX_HEADERS]
    found = {
        "access-control-allow-methods": ", ".join(methods),
        "access-control-max-age": str(MAX_AGE_SECONDS),
    }
    return found | {"access-control-allow-headers": ", ".join(names)} if names else found
