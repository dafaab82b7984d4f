"""Which IP addresses are public: all special ranges of IANA's registries, and what can hide in another address."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.upstream.ip_addresses import is_public

SPECIAL = {
    # https://www.iana.org/assignments/iana-ipv4-special-registry, in its order
    "0.0.0.0/8": "This network, RFC 791",
    "10.0.0.0/8": "Private-Use, RFC 1918",
    "100.64.0.0/10": "Shared Address Space, RFC 6598",
    "127.0.0.0/8": "Loopback, RFC 1122",
    "169.254.0.0/16": "Link Local, RFC 3927",
    "172.16.0.0/12": "Private-Use, RFC 1918",
    "192.0.0.0/24": "IETF Protocol Assignments, RFC 6890",
    "192.0.2.0/24": "Documentation (TEST-NET-1), RFC 5737",
    "192.31.196.0/24": "AS112-v4, RFC 7535",
    "192.52.193.0/24": "AMT, RFC 7450",
    "192.88.99.0/24": "Deprecated (6to4 Relay Anycast), RFC 7526",
    "192.168.0.0/16": "Private-Use, RFC 1918",
    "192.175.48.0/24": "Direct Delegation AS112 Service, RFC 7534",
    "198.18.0.0/15": "Benchmarking, RFC 2544",
    "198.51.100.0/24": "Documentation (TEST-NET-2), RFC 5737",
    "203.0.113.0/24": "Documentation (TEST-NET-3), RFC 5737",
    "240.0.0.0/4": "Reserved, RFC 1112",
    "255.255.255.255/32": "Limited Broadcast, RFC 8190",
    # https://www.iana.org/assignments/ipv4-address-space
    "224.0.0.0/4": "Multicast, RFC 5771",
    # https://www.iana.org/assignments/iana-ipv6-special-registry, in its order
    "::1/128": "Loopback, RFC 4291",
    "::/128": "Unspecified, RFC 4291",
    "::ffff:0:0/96": "IPv4-mapped, RFC 4291",
    "64:ff9b:1::/48": "IPv4-IPv6 Translation, for local use, RFC 8215",
    "100::/64": "Discard-Only, RFC 6666",
    "100:0:0:1::/64": "Dummy IPv6 Prefix, RFC 9780",
    "2001::/23": "IETF Protocol Assignments, RFC 2928",
    "2001::/32": "Teredo, RFC 4380",
    "2001:2::/48": "Benchmarking, RFC 5180",
    "2001:3::/32": "AMT, RFC 7450",
    "2001:4:112::/48": "AS112-v6, RFC 7535",
    "2001:10::/28": "Deprecated (ORCHID), RFC 4843",
    "2001:20::/28": "ORCHIDv2, RFC 7343",
    "2001:30::/28": "Drone Remote ID, RFC 9374",
    "2001:db8::/32": "Documentation, RFC 3849",
    "2002::/16": "6to4, RFC 3056",
    "2620:4f:8000::/48": "Direct Delegation AS112 Service, RFC 7534",
    "3fff::/20": "Documentation, RFC 9637",
    "5f00::/16": "Segment Routing (SRv6) SIDs, RFC 9602",
    "fc00::/7": "Unique-Local, RFC 4193",
    "fe80::/10": "Link-Local Unicast, RFC 4291",
    # https://www.iana.org/assignments/ipv6-address-space
    "::/96": "IPv4-compatible, deprecated, RFC 4291",
    "fec0::/10": "Site-local, deprecated, RFC 3879",
    "ff00::/8": "Multicast, RFC 4291",
    "4000::/3": "Given to nobody, RFC 4291",
    "8000::/3": "Given to nobody, RFC 4291",
    "c000::/3": "Given to nobody, RFC 4291",
}
"""Written down from the registries, and not from the code."""


@pytest.mark.parametrize("block", SPECIAL)
@given(st.data())
def test_no_address_of_a_special_block_is_public(block: str, data: st.DataObject) -> None:
    network = ip_network(block)
    number = data.draw(st.integers(int(network.network_address), int(network.broadcast_address)))
    for address in (
        network.network_address,
        network.broadcast_address,
        network.network_address + (number - int(network.network_address)),
    ):
        assert not is_public(str(address))


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",  # the metadata of AWS, Google and Azure
        "169.254.170.2",  # the credentials of a task of ECS
        "fd00:ec2::254",  # the metadata of AWS
        "100.100.100.200",  # the metadata of Alibaba
        "192.0.0.192",  # the metadata of Oracle
        "127.0.0.1",  # the runtime API of Lambda
        "::ffff:169.254.169.254",
        "::ffff:8.8.8.8",
        "64:ff9b::169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:a9fe:a9fe::",
        "2001:0:a9fe:a9fe::",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
    ],
)
def test_what_is_inside(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::",
        "2001:db7:ffff::",
        "2001:db9::",
        "2003::",
        "2606:4700::1111",
        "3fff:1000::",
        "64:ff9b::8.8.8.8",
    ],
)
def test_what_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "1.1.1.1 ", "1.1.1", "::g", "[::1]"],
)
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@given(st.ip_addresses())
def test_nothing_is_public_that_python_knows_better(address: IPv4Address | IPv6Address) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_private
        assert not address.is_multicast


@given(st.integers(0, 2**32 - 1))
def test_an_address_within_another_is_judged_by_itself(number: int) -> None:
    inner = IPv4Address(number)
    assert is_public(f"64:ff9b::{inner}") == is_public(str(inner))
    assert not is_public(f"::ffff:{inner}")
    assert not is_public(str(ip_address(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1")))
    assert not is_public(f"2001:0:{number >> 16:x}:{number & 0xFFFF:x}::1")
