"""What client addresses are counted as, and when a client has had its requests of a minute."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from sluice.accounting.windows import MINUTE, Window

UNKNOWN = "unknown"
"""All clients whose address is missing or no address. They share one limit, for none may go without."""

NETWORK_BITS = 64
"""A customer is given at least this much of IPv6, so that single addresses would be 2^64 limits for one client."""


def client_of(address: str | None) -> str:
    """The client that an address belongs to: what is counted as one.

    An IPv4 address is a client, also where it is written as an IPv6 one (``::ffff:192.0.2.7``). Of IPv6 it is the
    network: ``2001:db8:1:2::/64``.
    """
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    host_bits = parsed.max_prefixlen - NETWORK_BITS
    return f"{IPv6Address(int(parsed) >> host_bits << host_bits)}/{NETWORK_BITS}"


def full_until(window: Window, limit: int) -> float | None:
    """The epoch second until which a client may make no further request; None if it may now.

    Args:
        window: the client's requests. One that was seen earlier will do for a refusal: no request is ever given back,
            so it is as full now, or fuller.
        limit: requests a minute, at least one.
    """
    return window.falls_to(MINUTE, limit - 1) if window.total >= limit else None
