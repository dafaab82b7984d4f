"""Addresses that clients give for the gateway to call, read strictly: no two readers may differ about one.

A name that is public may still lead to an address that is not. That is found out when it is called (``public``).
"""

import re
from collections.abc import Set
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, Literal, cast

from sluice.upstream.ip_addresses import is_public

type Scheme = Literal["http", "https"]

OWN_PORTS: Final[dict[Scheme, int]] = {"http": 80, "https": 443}
LEAST_PORT = 1024
"""Ports below it are for services of the system, of which https has one."""
LAST_PORT = 65_535

OTHER_PROTOCOLS: Final = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566}
    | {6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080}
)
"""Ports above it at which a request could be taken for another protocol's words, TLS or not: those that browsers refuse
too. https://fetch.spec.whatwg.org/#port-blocking."""

NOT_PUBLIC_ENDS: Final = frozenset({"localhost", "local", "internal", "home.arpa"})
"""Ends of names that lead nowhere public: RFC 6761, RFC 6762, RFC 8375, and ICANN's resolution 2024.07.29.06."""

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9.-]+)"
    r"(?P<port>:[0-9]{1,5})?"
    r"(?P<target>(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?)",
    re.ASCII,
)
"""RFC 3986's, without what no address here needs: user names, fragments, dots at a host's end."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
MOST_HOST_LENGTH = 253


class AddressError(Exception):
    """An address is none that may be called; the message says why, and has nothing of the address in it."""


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An http or https address.

    Attributes:
        host: in lower case; an IPv6 address without its brackets.
        target: the path with the query, as a request has it.
    """

    scheme: Scheme
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The host with its port, as ``SLUICE_WEBHOOK_HOSTS`` has it."""
        return f"{self._bracketed}:{self.port}"

    @property
    def host_header(self) -> str:
        """The same without a port that is the scheme's own, as requests have it."""
        return self._bracketed if self.port == OWN_PORTS[self.scheme] else self.authority

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def web_address(text: str, own_hosts: Set[str]) -> WebAddress:
    """Read an address that may be called.

    Args:
        text: a client's.
        own_hosts: the operator's, as ``name:port``, which need be neither public nor https.

    Raises:
        AddressError: it may not.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise AddressError(
            "It has to be an https address in ASCII, such as https://hooks.example.com/jobs?of=me, without a user "
            "name, a password or a fragment."
        )
    scheme = cast("Scheme", found["scheme"])
    port = OWN_PORTS[scheme] if found["port"] is None else int(found["port"][1:])
    address = WebAddress(scheme, found["host"].strip("[]").lower(), port, _target(found["target"]))
    if address.authority not in own_hosts:
        _check(address)
    return address


def _target(text: str) -> str:
    return text if text.startswith("/") else "/" + text


def _check(address: WebAddress) -> None:
    if address.scheme != "https":
        raise AddressError("It has to be an https address.")
    if address.port != OWN_PORTS["https"] and (
        not LEAST_PORT <= address.port <= LAST_PORT or address.port in OTHER_PROTOCOLS
    ):
        raise AddressError("Its port has to be 443, or one from 1024 on that no other protocol has.")
    if ":" in address.host or _NUMBER.fullmatch(address.host.rpartition(".")[2]):
        _check_literal(address.host)
    else:
        _check_name(address.host)


def _check_literal(host: str) -> None:
    """Refuse what is no IP address, is written in a way that readers differ about, or is not public."""
    try:
        literal = IPv6Address(host) if ":" in host else IPv4Address(host)
    except AddressValueError:
        raise AddressError("Its host is neither a name nor an IP address.") from None
    if not is_public(str(literal)):
        raise AddressError("Its host is not public.")


def _check_name(host: str) -> None:
    labels = host.split(".")
    if len(host) > MOST_HOST_LENGTH or not all(map(_LABEL.fullmatch, labels)):
        raise AddressError("Its host is neither a name nor an IP address.")
    ends = {".".join(labels[-count:]) for count in (1, 2)}
    if len(labels) == 1 or ends & NOT_PUBLIC_ENDS:
        raise AddressError("Its host is not public.")
