"""What every reply tells a browser to do, and not to do, with it: one table, for whole replies, streams and errors.

The template's GatewayResponses repeat it for what API Gateway answers by itself; a test holds the two together. A reply
that needs another value says so itself: the models and the documentation may be kept, the page may load its own files.

Sources: https://fetch.spec.whatwg.org, https://www.w3.org/TR/CSP3/, RFC 6797, RFC 9111.
"""

from collections.abc import Mapping
from typing import Final

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    # Nothing here is a page but the documentation, so nothing may load, run or frame anything.
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    # About what pages embed without asking. What they fetch is CORS's to allow, whatever this says.
    "cross-origin-resource-policy": "same-origin",
    # A link to a file leads elsewhere, and this address has a job's id in it.
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

TRANSPORT_SECURITY: Final[Mapping[str, str]] = {"strict-transport-security": "max-age=63072000"}
"""Two years of https, where a reply goes over it. The names below the API's may be anybody's, so nothing of them."""


def security_headers(*, deployed: bool) -> Mapping[str, str]:
    """The headers of a reply.

    Args:
        deployed: whether the request came by API Gateway, which speaks nothing but https. The development server
            speaks http, over which RFC 6797 (section 7.2) forbids to ask for https. What a request says of itself,
            X-Forwarded-Proto, is not asked.
    """
    return {**SECURITY_HEADERS, **TRANSPORT_SECURITY} if deployed else SECURITY_HEADERS
