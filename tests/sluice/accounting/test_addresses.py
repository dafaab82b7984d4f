"""What counts as one client."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.accounting.addresses import UNKNOWN, client_of, full_until
from sluice.accounting.windows import MINUTE, Window

IPV4 = st.builds(IPv4Address, st.integers(0, 2**32 - 1))
IPV6 = st.builds(IPv6Address, st.integers(2**48, 2**128 - 1))
"""Above those that stand for IPv4."""
HOST = st.integers(0, 2**64 - 1)


@given(IPV4, IPV4)
def test_each_ipv4_address_is_a_client_of_its_own(one: IPv4Address, other: IPv4Address) -> None:
    assert client_of(str(one)) == str(one)
    assert (client_of(str(one)) == client_of(str(other))) == (one == other)


@given(IPV4)
def test_an_ipv4_address_in_the_form_of_ipv6_is_the_same_client(address: IPv4Address) -> None:
    octets = int(address)
    for written in (f"::ffff:{address}", f"::FFFF:{octets >> 16:x}:{octets & 0xFFFF:x}"):
        assert client_of(written) == str(address)


@given(IPV6, HOST)
def test_all_addresses_of_an_ipv6_network_are_one_client(address: IPv6Address, host: int) -> None:
    neighbour = IPv6Address(int(address) >> 64 << 64 | host)
    assert client_of(str(neighbour)) == client_of(str(address)) == client_of(address.exploded.upper())
    assert client_of(str(address)).endswith("/64")


@given(IPV6, IPV6)
def test_addresses_of_two_ipv6_networks_are_two_clients(one: IPv6Address, other: IPv6Address) -> None:
    same = int(one) >> 64 == int(other) >> 64
    assert (client_of(str(one)) == client_of(str(other))) == same


def test_an_interface_makes_no_other_client() -> None:
    assert client_of("fe80::1%eth0") == client_of("fe80::2") == "fe80::/64"


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "unknown",
        "test-invoke-source-ip",
        "192.0.2.1:80",
        "192.0.2.1, 192.0.2.2",
        "192.0.2",
        "::g",
        "1",
    ],
)
def test_whoever_has_no_address_shares_one_limit(address: str | None) -> None:
    assert client_of(address) == UNKNOWN


@given(st.text())
def test_whatever_stands_there_is_some_client(text: str) -> None:
    assert client_of(text)


@given(st.integers(1, 5), st.lists(st.integers(0, 3), max_size=MINUTE.earlier_slots), st.integers(0, 5))
def test_a_full_window_tells_the_second_it_falls(limit: int, earlier: list[int], now: int) -> None:
    window = Window(1000, now, tuple(earlier), now + sum(earlier))
    until = full_until(window, limit)
    if until is None:
        assert window.total < limit
        return
    assert until > window.slot * MINUTE.slot_seconds
    assert window.rolled(MINUTE, MINUTE.slot_at(until)).total < limit
    assert window.rolled(MINUTE, MINUTE.slot_at(until - 1)).total >= limit
