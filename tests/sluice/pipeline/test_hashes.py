"""Hashes of requests and replies, by whatever way they are worked out."""

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidJSONError, UpstreamError
from sluice.pipeline import hashes
from sluice.pipeline.hashes import hashed, request_hash, response_hash

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(), VALUES, min_size=1, max_size=4)


def digest(value: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


@given(OBJECTS)
async def test_a_reply_has_its_own_members_and_then_the_two_hashes(reply: dict[str, Any]) -> None:
    body, own = await hashed(reply, "f" * 64)
    members = json.loads(body)
    assert members == {**reply, "requestHash": "f" * 64, "responseHash": own}
    assert list(members)[-2:] == ["requestHash", "responseHash"]
    assert own == response_hash(reply) == digest(reply)


@given(OBJECTS)
async def test_a_request_s_hash_is_of_all_its_members(body: dict[str, Any]) -> None:
    assert await request_hash(body, 1) == digest(body)


@pytest.mark.parametrize(("size", "elsewhere"), [(hashes.LARGE_BODY, False), (hashes.LARGE_BODY + 1, True)])
async def test_only_large_requests_are_hashed_in_a_thread(
    monkeypatch: pytest.MonkeyPatch, size: int, *, elsewhere: bool
) -> None:
    threads = seen_threads(monkeypatch, "canonical_digest")
    assert await request_hash({"a": 1}, size) == digest({"a": 1})
    assert (threads != [threading.current_thread()]) is elsewhere


@pytest.mark.parametrize(("length", "elsewhere"), [(10, False), (hashes.LARGE_BODY, True)])
async def test_only_large_replies_are_hashed_in_a_thread(
    monkeypatch: pytest.MonkeyPatch, length: int, *, elsewhere: bool
) -> None:
    threads = seen_threads(monkeypatch, "response_hash")
    reply = {"a": "x" * length}
    assert (await hashed(reply, "f"))[1] == digest(reply)
    assert (threads != [threading.current_thread()]) is elsewhere


def seen_threads(monkeypatch: pytest.MonkeyPatch, name: str) -> list[threading.Thread]:
    """In which threads a function of the module is called from now on."""
    threads: list[threading.Thread] = []
    original: Callable[[Any], str] = getattr(hashes, name)

    def noted(value: Any) -> str:
        threads.append(threading.current_thread())
        return original(value)

    monkeypatch.setattr(hashes, name, noted)
    return threads


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 2**1024])
@pytest.mark.parametrize("size", [1, hashes.LARGE_BODY + 1])
async def test_a_number_that_no_double_holds_is_the_fault_of_who_sent_it(number: float, size: int) -> None:
    with pytest.raises(InvalidJSONError):
        await request_hash({"a": number}, size)
    with pytest.raises(UpstreamError):
        response_hash({"a": number})
    with pytest.raises(UpstreamError):
        await hashed({"a": number, "b": "x" * size}, "f")
