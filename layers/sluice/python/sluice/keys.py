"""API keys as secrets: how they are made, and what of them may be kept.

A secret is shown once, at its creation. What is stored is its SHA-256 digest, which is enough to recognise
it: a secret of 48 random alphanumerics (286 bits) cannot be guessed, so a slow, salted hash would only cost
time.
"""

import hashlib
import secrets
import string
from typing import Literal

KeyKind = Literal["key", "agent"]

LEADS: dict[KeyKind, str] = {"key": "sk-", "agent": "agent_"}
"""What a secret of each kind begins with."""

ALPHABET = string.ascii_letters + string.digits
SECRET_LENGTH = 48
ID_LENGTH = 20
PREFIX_LENGTH = 7


def new_secret(kind: KeyKind) -> str:
    """A fresh secret from the system's random source: the kind's lead and 48 alphanumerics."""
    return LEADS[kind] + _random(SECRET_LENGTH)


def new_id() -> str:
    """A fresh key id, ``key_`` and 20 alphanumerics; it is public and survives rotation."""
    return "key_" + _random(ID_LENGTH)


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret, in lower-case hex: the name under which its record is stored.

    Any text has one, lone surrogates too, since a client may send anything as its key.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def prefix_of(secret: str) -> str:
    """The first 7 characters, by which a person recognises a key in a list; they are not secret."""
    return secret[:PREFIX_LENGTH]


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
