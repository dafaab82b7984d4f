"""The way to a host that somebody else has named: looked up once, checked, and gone to where it was found.

No other answer that the name's owner gives a moment later is ever used. TLS is still about the name.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass

import httpx

from sluice.upstream.ip_addresses import is_public
from sluice.upstream.web_address import WebAddress

CONNECT_SECONDS = 5.0
MOST_ADDRESSES = 4
"""Of those that a name has, so many are tried to connect to."""

type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds all IP addresses of a host and a port; raises OSError where it has none."""


class NotPublicError(Exception):
    """A host has an IP address that is not public."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request; header names are in lower case."""

    method: str
    headers: Mapping[str, str]
    body: bytes


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host by the system's resolver, IPv4 and IPv6, in the order in which they are to be tried.

    Raises:
        OSError: it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def checked(target: WebAddress, own_hosts: Set[str], resolve: Resolve) -> Sequence[str]:
    """The IP addresses of a host, every one of them public, or the host the operator's own.

    Args:
        target: has the host.
        own_hosts: the operator's, as ``name:port``.
        resolve: finds them.

    Raises:
        NotPublicError: one is not.
        OSError: it has none.
    """
    found = await resolve(target.host, target.port)
    if not found:
        raise OSError("the host has no address")
    if target.authority not in own_hosts and not all(map(is_public, found)):
        raise NotPublicError
    return found[:MOST_ADDRESSES]


async def sent(
    transport: httpx.AsyncBaseTransport, found: Sequence[str], target: WebAddress, outgoing: Outgoing
) -> httpx.Response:
    """Send a request to the first of the IP addresses that takes a connection.

    Args:
        transport: carries this request alone, so that no connection serves two names.
        found: see ``checked``.
        target: what is wanted.
        outgoing: the request.

    Raises:
        httpx.HTTPError: none does, or no answer comes.
    """
    *others, last = found
    for ip_address in others:
        with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent
            return await transport.handle_async_request(_request(ip_address, target, outgoing))
    return await transport.handle_async_request(_request(last, target, outgoing))


def _request(ip_address: str, target: WebAddress, outgoing: Outgoing) -> httpx.Request:
    return httpx.Request(
        outgoing.method,
        httpx.URL(scheme=target.scheme, host=ip_address, port=target.port),
        headers={
            "host": target.host_header,
            "accept-encoding": "identity",
            "connection": "close",
            **outgoing.headers,
        },
        content=outgoing.body,
        extensions={
            "target": target.target.encode(),
            "sni_hostname": target.host,  # whose the certificate has to be
            "timeout": {"connect": CONNECT_SECONDS},
        },
    )
