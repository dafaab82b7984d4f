"""Fetches what a provider says lies elsewhere: at public addresses alone, and never inside the gateway's own network.

A provider's answer decides what is fetched here, and the answer of a provider that was taken over, or one that a
client's prompt has talked round, may name the metadata of a cloud or a neighbour of the gateway's.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

import httpx

from sluice.errors import UpstreamError
from sluice.providers.contract import UpstreamRequest
from sluice.upstream.pinning import NotPublicError, Outgoing, Resolve, checked, resolved, sent
from sluice.upstream.web_address import AddressError, web_address

NO_OWN_HOSTS: Final[frozenset[str]] = frozenset()


class Elsewhere:
    """Sends requests to public addresses.

    Args:
        transport: makes what carries one request and is closed after it.
        resolve: finds the addresses of a name.
    """

    def __init__(
        self, transport: Callable[[], httpx.AsyncBaseTransport], resolve: Resolve = resolved
    ) -> None:
        self._transport = transport
        self._resolve = resolve

    async def send(self, request: UpstreamRequest, closing: AsyncExitStack) -> httpx.Response:
        """Send a request, and wait for the head of its answer.

        Args:
            request: what is sent.
            closing: closes what carries it.

        Raises:
            UpstreamError: its address is not public, or has no host.
            httpx.HTTPError: no answer comes.
        """
        try:
            target = web_address(request.url, NO_OWN_HOSTS)
            found = await checked(target, NO_OWN_HOSTS, self._resolve)
        except (AddressError, NotPublicError) as error:
            raise UpstreamError(
                "The provider's file is not at a public https address.", retriable=False
            ) from error
        except OSError as error:
            raise UpstreamError("The provider's file is at a host that has no address.") from error
        transport = await closing.enter_async_context(self._transport())
        outgoing = Outgoing(request.method, {"user-agent": "sluice", **request.headers}, request.body)
        response = await sent(transport, found, target, outgoing)
        closing.push_async_callback(response.aclose)
        return response
