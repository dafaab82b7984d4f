"""One answer for every key that does not count."""

import pytest

from key_records import FakeKeys, key_record
from sluice.errors import InvalidAPIKeyError, OverloadedError
from sluice.keys import digest_of, new_secret
from sluice.pipeline.authenticate import authenticate

SECRET = new_secret("key")
NOW = 1_000


async def ask(header: str | None, **members: object) -> object:
    """What becomes of a header; ``{secret}`` in it is the key's, which is new in each process, as no test's name may be."""
    keys = FakeKeys(key_record(SECRET, **members))
    try:
        return await authenticate(header and header.format(secret=SECRET), keys.cache(), NOW)
    except InvalidAPIKeyError as error:
        return error


@pytest.mark.parametrize("header", ["Bearer {secret}", "bearer  {secret} ", "BEARER {secret}"])
async def test_a_good_key_counts(header: str) -> None:
    assert await ask(header) == key_record(SECRET)


async def test_a_key_counts_until_it_expires() -> None:
    assert await ask("Bearer {secret}", expires_at=NOW + 1) == key_record(SECRET, expires_at=NOW + 1)


@pytest.mark.parametrize(
    ("header", "members"),
    [
        (None, {}),
        ("", {}),
        ("{secret}", {}),
        ("Basic {secret}", {}),
        ("Bearer", {}),
        ("Bearer ", {}),
        ("Bearer sk-unknown", {}),
        ("Bearer {secret}x", {}),
        ("Bearer sk-" + "x" * 10_000, {}),
        ("Bearer sk-\u00e9\u0000", {}),
        ("Bearer {secret}", {"active": False}),
        ("Bearer {secret}", {"expires_at": NOW}),
    ],
)
async def test_every_other_key_gets_the_same_answer(header: str | None, members: dict[str, object]) -> None:
    error, reference = await ask(header, **members), await ask(None)
    assert isinstance(error, InvalidAPIKeyError)
    assert isinstance(reference, InvalidAPIKeyError)
    assert (error.status, error.code, error.message) == (401, "invalid_api_key", reference.message)
    assert SECRET not in repr(error) + repr(error.__context__)


async def test_a_table_that_throttles_is_no_wrong_key() -> None:
    keys = FakeKeys(error=OverloadedError("later", retry_after=1))
    with pytest.raises(OverloadedError):
        await authenticate(f"Bearer {SECRET}", keys.cache(), NOW)


async def test_only_the_digest_is_looked_up() -> None:
    keys = FakeKeys(key_record(SECRET))
    await authenticate(f"Bearer {SECRET}", keys.cache(), NOW)
    assert keys.asked == [digest_of(SECRET)]
