"""Which IP addresses are somebody's on the public internet, and not this machine's, its network's or its cloud's.

``ipaddress.is_global`` does not say it: it has addresses in it that are for documentation, for multicast, or for a
gateway that leads anywhere. Here every block of IANA's special-purpose registries is out, whatever it is for, as nobody
has a server there that a client might want told.

Sources:
    https://www.iana.org/assignments/iana-ipv4-special-registry (RFC 6890)
    https://www.iana.org/assignments/iana-ipv6-special-registry
    https://www.iana.org/assignments/ipv6-address-space
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

SPECIAL_IPV4: Final[Mapping[IPv4Network, str]] = {
    IPv4Network(block): source
    for block, source in {
        "0.0.0.0/8": "RFC 791: this network",
        "10.0.0.0/8": "RFC 1918: private",
        "100.64.0.0/10": "RFC 6598: shared by a carrier's clients",
        "127.0.0.0/8": "RFC 1122: loopback",
        "169.254.0.0/16": "RFC 3927: link-local, and the metadata of clouds",
        "172.16.0.0/12": "RFC 1918: private",
        "192.0.0.0/24": "RFC 6890: protocols of the IETF",
        "192.0.2.0/24": "RFC 5737: documentation",
        "192.31.196.0/24": "RFC 7535: AS112",
        "192.52.193.0/24": "RFC 7450: multicast tunnels",
        "192.88.99.0/24": "RFC 7526: relays of 6to4, deprecated",
        "192.168.0.0/16": "RFC 1918: private",
        "192.175.48.0/24": "RFC 7534: AS112",
        "198.18.0.0/15": "RFC 2544: benchmarks",
        "198.51.100.0/24": "RFC 5737: documentation",
        "203.0.113.0/24": "RFC 5737: documentation",
        "224.0.0.0/4": "RFC 5771: multicast",
        "240.0.0.0/4": "RFC 1112: reserved, and broadcast",
    }.items()
}

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""RFC 4291. All that there is beside it is no unicast address, not global, or given to nobody: mapped IPv4 addresses
(::ffff:0:0/96), unique local ones (fc00::/7), link-local ones (fe80::/10), multicast (ff00::/8) and the rest."""

SPECIAL_IPV6: Final[Mapping[IPv6Network, str]] = {
    IPv6Network(block): source
    for block, source in {
        "2001::/23": "RFC 2928: protocols of the IETF; Teredo, which has an IPv4 address in it, is one",
        "2001:db8::/32": "RFC 3849: documentation",
        "2002::/16": "RFC 3056: 6to4, which has an IPv4 address in it",
        "2620:4f:8000::/48": "RFC 7534: AS112",
        "3fff::/20": "RFC 9637: documentation",
    }.items()
}

NAT64: Final = IPv6Network("64:ff9b::/96")
"""RFC 6052: an IPv4 address as hosts that have IPv6 alone see it, in its last 32 bits."""


def is_public(text: str) -> bool:
    """Whether an address is public; what is no address, or one of a network interface's own, is not."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    match address:
        case IPv4Address():
            return _is_public_ipv4(address)
        case IPv6Address():
            return _is_public_ipv6(address)


def _is_public_ipv4(address: IPv4Address) -> bool:
    return not any(address in block for block in SPECIAL_IPV4)


def _is_public_ipv6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    if address in NAT64:
        return _is_public_ipv4(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in GLOBAL_UNICAST and not any(address in block for block in SPECIAL_IPV6)
