"""Signatures as the specification has them, believed by those who read them: its own library, and OpenAI's."""

import json
import time
from datetime import UTC, datetime

import openai
import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import WebhookVerificationError

from sluice.wire.standard_webhooks import (
    SIGNATURE,
    TIMESTAMP,
    MalformedSecretError,
    NotVerifiedError,
    key_of,
    secret_of,
    signed_headers,
    verify,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # pragma: allowlist secret - the specification's
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
AT = 1614265330
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
"""The vector that the specification's own libraries are tested with."""

MESSAGE_IDS = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)
KEYS = st.binary(min_size=1, max_size=64)


def test_the_published_vector() -> None:
    headers = {"webhook-id": MESSAGE_ID, "webhook-timestamp": str(AT), "webhook-signature": SIGNED}
    assert signed_headers(MESSAGE_ID, AT, BODY, [SECRET]) == headers
    verify(headers, BODY, SECRET, AT)


@given(MESSAGE_IDS, KEYS, st.text(), st.integers(0, 2**33))
def test_the_reference_library_signs_alike(message_id: str, key: bytes, text: str, at: int) -> None:
    body = text.encode("utf-8", "replace")
    theirs = standardwebhooks.Webhook(secret_of(key)).sign(
        message_id, datetime.fromtimestamp(at, UTC), body.decode()
    )
    assert signed_headers(message_id, at, body, [secret_of(key)])[SIGNATURE] == theirs


@given(MESSAGE_IDS, KEYS, st.binary(), st.integers(0, 2**33), st.integers(-300, 300))
def test_what_is_signed_is_verified(message_id: str, key: bytes, body: bytes, at: int, off: int) -> None:
    secret = secret_of(key)
    assert key_of(secret) == key
    verify(signed_headers(message_id, at, body, [secret]), body, secret, at + off)


@given(st.data(), KEYS, st.binary(min_size=1))
def test_a_message_that_differs_in_anything_is_not(data: st.DataObject, key: bytes, body: bytes) -> None:
    secret = secret_of(key)
    headers = signed_headers(MESSAGE_ID, AT, body, [secret])
    other = data.draw(st.binary().filter(lambda other: other != body))
    other_id = data.draw(MESSAGE_IDS.filter(lambda other: other != MESSAGE_ID))
    # An HMAC's key is padded with zeros to its block: keys that differ in those alone are the same key.
    other_key = data.draw(KEYS.filter(lambda other: other.rstrip(b"\0") != key.rstrip(b"\0")))
    for changed, its_body, its_secret in (
        (headers, other, secret),
        ({**headers, "webhook-id": other_id}, body, secret),
        ({**headers, "webhook-timestamp": str(AT + 1)}, body, secret),
        (headers, body, secret_of(other_key)),
    ):
        with pytest.raises(NotVerifiedError):
            verify(changed, its_body, its_secret, AT)


def test_a_full_stop_cannot_move_from_the_body_into_the_id() -> None:
    with pytest.raises(ValueError):
        signed_headers("evt_1.2", AT, BODY, [SECRET])
    headers = signed_headers("evt_1", AT, b"2.x", [SECRET])
    with pytest.raises(NotVerifiedError):
        verify({**headers, "webhook-id": f"evt_1.{AT}", TIMESTAMP: "2"}, b"x", SECRET, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": ""},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": f" {AT}"},
        {"webhook-timestamp": "٣"},
        {"webhook-signature": ""},
        {"webhook-signature": SIGNED.removeprefix("v1,")},
        {"webhook-signature": SIGNED.replace("v1,", "v2,")},
        {"webhook-signature": "v1,ü"},
        {"webhook-signature": "v1,\udc80"},
    ],
)
def test_headers_that_are_wrong_verify_nothing(changes: dict[str, str]) -> None:
    with pytest.raises(NotVerifiedError):
        verify({**signed_headers(MESSAGE_ID, AT, BODY, [SECRET]), **changes}, BODY, SECRET, AT)


@pytest.mark.parametrize("off", [-301, 301])
def test_a_message_of_another_time_is_not_believed(off: int) -> None:
    with pytest.raises(NotVerifiedError):
        verify(signed_headers(MESSAGE_ID, AT, BODY, [SECRET]), BODY, SECRET, AT + off)


def test_either_secret_will_do_while_one_is_replaced() -> None:
    old, new = secret_of(b"old"), secret_of(b"new")
    now = int(time.time())
    headers = signed_headers(MESSAGE_ID, now, BODY, [new, old])
    for secret in (old, new):
        verify(headers, BODY, secret, now)
        assert standardwebhooks.Webhook(secret).verify(BODY, headers) == json.loads(BODY)
        openai.OpenAI(api_key="sk-none").webhooks.verify_signature(BODY, headers, secret=secret)
    with pytest.raises(WebhookVerificationError):
        standardwebhooks.Webhook(secret_of(b"other")).verify(BODY, headers)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_%%%", "whsec_YQ", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_ü"]
)
def test_a_text_that_is_no_secret_is_not_told(secret: str) -> None:
    with pytest.raises(MalformedSecretError) as raised:
        key_of(secret)
    assert str(raised.value) == "a webhook's secret is whsec_ and base64"
