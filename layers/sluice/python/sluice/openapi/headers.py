"""The headers of requests and replies, once each; replies refer to them by name."""

from collections.abc import Iterable, Mapping
from typing import Any

from sluice.asgi.security_headers import SECURITY_HEADERS, TRANSPORT_SECURITY

type Part = dict[str, Any]

_TEXT: Part = {"type": "string"}
_COUNT: Part = {"type": "string", "pattern": "^[0-9]+$"}
_DURATION: Part = {"type": "string", "pattern": "^([0-9]+(ms|h|m|s))+$"}
_MONEY: Part = {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$"}


def _header(description: str, schema: Part, *, always: bool = False) -> Part:
    return {"description": description, "required": always, "schema": schema}


HEADERS: Mapping[str, Part] = {
    "x-request-id": _header("Names the request, in the log too", _TEXT, always=True),
    "allow": _header("The methods of this path", _TEXT, always=True),
    "retry-after": _header("Whole seconds after which the same request may succeed", _COUNT),
    "retry-after-ms": _header("The same in milliseconds, which the official clients prefer", _COUNT),
    "x-should-retry": _header(
        "`false` where no repetition helps; the official clients obey it",
        {"type": "string", "enum": ["true", "false"]},
    ),
    "idempotent-replayed": _header("There, and `true`, if the reply was made for an earlier request", _TEXT),
    "location": _header("Where to look, relative to this address", _TEXT, always=True),
    "preference-applied": _header("What of `Prefer` was granted", _TEXT),
    "openai-poll-after-ms": _header("Milliseconds after which to look again", _COUNT, always=True),
    "etag": _header("Names this version of the reply", _TEXT, always=True),
    "cache-control": _header("How long the reply may be kept, mostly `no-store`", _TEXT, always=True),
    "content-security-policy": _header(
        "What a browser may load for the reply: nothing, or a page's own files", _TEXT, always=True
    ),
    "cross-origin-resource-policy": _header(
        "Which pages may embed the reply without asking", _TEXT, always=True
    ),
    "referrer-policy": _header("Always `no-referrer`", _TEXT, always=True),
    "strict-transport-security": _header(
        "For how long nothing but https is to be spoken; where https is spoken", _TEXT
    ),
    "x-content-type-options": _header("Always `nosniff`", _TEXT, always=True),
    "x-frame-options": _header("Always `DENY`", _TEXT, always=True),
    **{
        f"x-ratelimit-{what}-{unit}": _header(f"{words} {named}, where the key has such a limit", _COUNT)
        for what, words in (("limit", "The key's limit of"), ("remaining", "What is left of its"))
        for unit, named in (
            ("rpm", "requests a minute"),
            ("tpm", "tokens a minute"),
            ("tpd", "tokens a day"),
            ("requests", "requests a minute"),
            ("tokens", "tokens a minute, or else a day"),
        )
    },
    "x-ratelimit-reset-requests": _header("The time until no request counts any more", _DURATION),
    "x-ratelimit-reset-tokens": _header("The time until no token counts any more", _DURATION),
    "x-sluice-budget-limit": _header("The key's budget in USD, where it has one", _MONEY),
    "x-sluice-budget-remaining": _header("What is left of it", _MONEY),
    "x-sluice-budget-reset": _header("The time until it starts anew, if it does", _DURATION),
    "x-sluice-provider": _header(
        "The provider that has answered; of a failure, those that were asked, separated by commas", _TEXT
    ),
    "x-sluice-model": _header("The model that has answered, where it is not the one asked for", _TEXT),
    "x-sluice-attempts": _header("How many times a provider was asked, if one was", _COUNT),
    "x-sluice-cost": _header("What a whole reply costs in USD; a stream does not tell", _MONEY),
    "x-sluice-max-tokens": _header(
        "The output limit that the key's limits and budget made of a request without one", _COUNT
    ),
}

ALWAYS = ("x-request-id", *SECURITY_HEADERS, *TRANSPORT_SECURITY)
LIMITS = tuple(name for name in HEADERS if name.startswith(("x-ratelimit-", "x-sluice-budget-")))
"""Of a reply to a known key."""
ROUTE = ("x-sluice-provider", "x-sluice-attempts")
"""Of a reply for which a provider was asked."""
ANSWER = ("x-sluice-model", "x-sluice-cost", "x-sluice-max-tokens")
"""Of one that a provider has answered."""
POLLING = ("openai-poll-after-ms", "retry-after")
"""Of one that shows a job; the second one is there until it is over."""
CACHING = ("etag", "cache-control")
"""Of a reply that a client may keep."""
REPEATING = ("retry-after", "retry-after-ms", "x-should-retry")


def referred(names: Iterable[str]) -> Part:
    """A reply's headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


IDEMPOTENCY_KEY: Part = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Any text of the client's own; an empty one is none. A request that comes again with it is answered "
    "and charged once.",
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]*$"},
}

PROVIDERS: Part = {
    "name": "x-sluice-provider",
    "in": "header",
    "description": "The only providers that may answer, by their names in the catalogue and separated by commas; the "
    "first one is asked first",
    "schema": {"type": "string"},
}

IF_NONE_MATCH: Part = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `etag` of a reply that the client has kept",
    "schema": {"type": "string"},
}

PREFER: Part = {
    "name": "Prefer",
    "in": "header",
    "description": "With `respond-async` the reply is a job (202) and not the pictures, as with the member `async`; "
    "with `respond-async, wait=10` only if they are not made in ten seconds (RFC 7240)",
    "schema": {"type": "string"},
}
