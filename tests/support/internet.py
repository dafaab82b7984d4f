"""The internet as a test has it: what names lead to is said, and every IP address leads to one server here."""

import ssl
from collections.abc import Sequence

import httpx


class Names:
    """A name server that gives one answer after another; the last one again and again."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer


class Network(httpx.AsyncBaseTransport):
    """The internet: sockets by which every IP address leads to the test's receiver, and which know where they led."""

    def __init__(self, tls: ssl.SSLContext, port: int) -> None:
        self.reached: list[str] = []
        self.unreachable: set[str] = set()
        self._tls = tls
        self._port = port

    def __call__(self) -> httpx.AsyncBaseTransport:
        return Network._Way(self)

    class _Way(httpx.AsyncBaseTransport):
        def __init__(self, network: "Network") -> None:
            self._network = network
            self._sockets = httpx.AsyncHTTPTransport(verify=network._tls, trust_env=False)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self._network.reached.append(request.url.host)
            if request.url.host in self._network.unreachable:
                raise httpx.ConnectError("nobody listens")
            request.url = request.url.copy_with(host="127.0.0.1", port=self._network._port)
            return await self._sockets.handle_async_request(request)

        async def aclose(self) -> None:
            await self._sockets.aclose()
