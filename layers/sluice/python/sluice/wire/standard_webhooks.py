"""Standard Webhooks: who has sent a message, when, and that nobody has changed it, in three headers.

``webhook-id`` is the message's and stays through all attempts, so that a receiver knows one that it has had already.
``webhook-timestamp`` is the attempt's, in epoch seconds: a message that is repeated by somebody else is too old soon.
``webhook-signature`` has one signature or several, with a space between two, so that a secret can be replaced.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"

SECRET_LEAD = "whsec_"  # noqa: S105 - how secrets begin, not one
VERSION = "v1"
TOLERANCE_SECONDS = 300
"""How far a message's time may be from the receiver's, either way; all libraries have this."""

_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]+")
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class MalformedSecretError(ValueError):
    """A text is no secret of this scheme. It is not in the message."""


class NotVerifiedError(Exception):
    """Headers do not say that a body is from who has the secret, and new."""


def secret_of(key: bytes) -> str:
    """A key as receivers get it: ``whsec_`` and base64."""
    return SECRET_LEAD + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """The key in such a secret.

    Raises:
        MalformedSecretError: it is something else.
    """
    text = secret.removeprefix(SECRET_LEAD)
    try:
        key = base64.b64decode(text, validate=True) if text != secret else b""
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise MalformedSecretError(f"a webhook's secret is {SECRET_LEAD} and base64")
    return key


def signed_headers(message_id: str, timestamp: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The three headers of an attempt to deliver a message.

    Args:
        message_id: letters, digits, ``_`` and ``-``: a full stop would let one message pass for another.
        timestamp: of the attempt, in epoch seconds.
        body: as it is sent, to the byte.
        secrets: of the receiver, each of which signs.

    Raises:
        ValueError: there is a full stop in the id, say.
        MalformedSecretError: one of the secrets is none.
    """
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("a message's id has other characters than letters, digits, _ and -")
    signatures = [f"{VERSION},{_signature(message_id, str(timestamp), body, secret)}" for secret in secrets]
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: " ".join(signatures)}


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> None:
    """What a receiver does: see that a body is from who has the secret, and new.

    Args:
        headers: the attempt's, names in lower case.
        body: as it came, to the byte.
        secret: the receiver's.
        now: epoch seconds.

    Raises:
        NotVerifiedError: it is not.
        MalformedSecretError: the secret is none.
    """
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not _MESSAGE_ID.fullmatch(message_id) or not _TIMESTAMP.fullmatch(timestamp):
        raise NotVerifiedError("the headers of a message are missing or malformed")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise NotVerifiedError("a message is too old, or from the future")
    expected = f"{VERSION},{_signature(message_id, timestamp, body, secret)}".encode()
    given = headers.get(SIGNATURE, "").encode("utf-8", "surrogatepass").split(b" ")
    if not any(hmac.compare_digest(expected, each) for each in given):
        raise NotVerifiedError("no signature of a message is right")


def _signature(message_id: str, timestamp: str, body: bytes, secret: str) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode()
