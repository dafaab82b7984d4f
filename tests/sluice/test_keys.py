"""What a secret looks like, and what of it is kept."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.keys import LEADS, KeyKind, digest_of, new_id, new_secret, prefix_of


@pytest.mark.parametrize("kind", ["key", "agent"])
def test_a_secret_is_its_lead_and_48_alphanumerics(kind: KeyKind) -> None:
    assert re.fullmatch(re.escape(LEADS[kind]) + "[A-Za-z0-9]{48}", new_secret(kind))


def test_no_two_secrets_and_ids_are_alike() -> None:
    assert len({new_secret("key") for _ in range(1000)}) == 1000
    assert len({new_id() for _ in range(1000)}) == 1000


def test_the_digest_is_sha_256_in_hex() -> None:
    assert digest_of("sk-x") == hashlib.sha256(b"sk-x").hexdigest()


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_has_a_digest(text: str) -> None:
    assert re.fullmatch("[0-9a-f]{64}", digest_of(text))


def test_the_prefix_is_too_short_to_be_of_use() -> None:
    assert prefix_of("sk-abcdefgh") == "sk-abcd"
