"""Request ids are UUIDs of version 7 that sort by time."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from sluice.request_ids import LEAD, lowest_request_id, new_request_id

TIMES = st.floats(0, 10**10)


def uuid_of(request_id: str) -> uuid.UUID:
    assert request_id.startswith(LEAD)
    return uuid.UUID(hex=request_id.removeprefix(LEAD))


@given(TIMES)
def test_an_id_is_a_uuid_of_version_seven_that_tells_its_time(now: float) -> None:
    made = uuid_of(new_request_id(now))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(now * 1000)
    assert len(new_request_id(now)) == len(LEAD) + 32


@given(TIMES, TIMES)
def test_ids_sort_by_the_millisecond_in_which_they_were_made(one: float, other: float) -> None:
    earlier, later = sorted((one, other))
    if int(earlier * 1000) < int(later * 1000):
        assert new_request_id(earlier) < new_request_id(later)


@given(TIMES, TIMES)
def test_the_lowest_id_of_a_time_is_below_all_from_then_on_and_above_all_before(
    one: float, other: float
) -> None:
    earlier, later = sorted((one, other))
    assert lowest_request_id(earlier) < new_request_id(later)
    if int(earlier * 1000) < int(later * 1000):
        assert new_request_id(earlier) < lowest_request_id(later)


def test_no_two_ids_are_the_same() -> None:
    assert len({new_request_id(0) for _ in range(10_000)}) == 10_000


def test_each_random_bit_is_used() -> None:
    """Bits that never change would be fewer names, and one that is always set would be no version 7."""
    made = [uuid_of(new_request_id(0)).int for _ in range(200)]
    ever, always = 0, -1
    for number in made:
        ever |= number
        always &= number
    fixed = 0x7 << 76 | 0b10 << 62
    assert always == fixed
    assert ever == ((1 << 12) - 1) << 64 | ((1 << 62) - 1) | fixed
