"""Addresses of pages: which may be shown, and which of them are the same page."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

MOST_CHARACTERS = 500
"""Longer addresses are of no use to a reader, and would take the place of text."""

_ADDRESS = re.compile(r"https?://[^\s<>\"\\^`{|}\x00-\x20\x7f-\x9f]+", re.IGNORECASE)

_PORTS = {"http": 80, "https": 443}

_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|msclkid|yclid|igshid|mc_[ce]id|ref_src|srsltid", re.IGNORECASE
)
"""Parameters that tell where a visitor comes from and not what is shown."""


def is_shown(url: str) -> bool:
    """Whether it is a plain web address that a reader can make out; one with a user name pretends to be another."""
    if len(url) > MOST_CHARACTERS or not _ADDRESS.fullmatch(url) or not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and port != 0 and "@" not in parts.netloc


def identity(url: str) -> str:
    """What addresses of one page have in common: host without ``www``, path, and what its query asks for.

    Args:
        url: one that ``is_shown``.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.").rstrip(".")
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    asked = [
        pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(pair[0])
    ]
    query = f"?{urlencode(sorted(asked))}" if asked else ""
    return f"{host}{port}{parts.path.rstrip('/')}{query}"
