"""The way to clients' addresses: public ones alone, whatever a name server says, and nothing that comes back is trusted."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from certificates import Authority
from internet import Names, Network
from receiver import (
    Behaviour,
    Receiver,
    answering,
    dawdling,
    endless,
    hanging_up,
    silent,
    writing,
)
from sluice.upstream import pinning, public
from sluice.upstream.pinning import resolved
from sluice.upstream.public import Answer, NoAnswerError, PublicCaller

HOST = "hooks.example.com"
PUBLIC = "93.184.215.14"
BODY = b'{"id":"evt_1"}'


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


def caller(network: Network, names: Names, seconds: float = 15) -> PublicCaller:
    return PublicCaller(frozenset(), transport=network, resolve=names, total_seconds=seconds)


async def failure_of(call: PublicCaller, address: str = f"https://{HOST}/") -> str:
    with pytest.raises(NoAnswerError) as raised:
        await call.post(address, BODY, {})
    return raised.value.failure


async def test_a_message_arrives_by_tls_at_the_address_that_was_checked(authority: Authority) -> None:
    with Receiver(answering(204), tls=authority.server(HOST)) as receiver:
        network, names = Network(authority.trusted, receiver.port), Names([PUBLIC])
        answer = await caller(network, names).post(
            f"https://{HOST}:8443/jobs/%2F/../x?a=%20b&&", BODY, {"webhook-id": "evt_1"}
        )
        assert answer == Answer(204, None)
        (received,) = receiver.received
    assert (received.method, received.path, received.body) == ("POST", "/jobs/%2F/../x?a=%20b&&", BODY)
    assert received.headers == {
        "host": f"{HOST}:8443",
        "user-agent": "sluice-webhooks",
        "accept-encoding": "identity",
        "connection": "close",
        "content-length": str(len(BODY)),
        "webhook-id": "evt_1",
    }
    assert names.asked == [(HOST, 8443)]
    assert network.reached == [PUBLIC]


@pytest.mark.parametrize(
    "inside",
    [
        *("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "::", "fd00:ec2::254"),  # noqa: S104 - asked for, not listened on
        *("fe80::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "224.0.0.1", "255.255.255.255"),
    ],
)
async def test_a_name_that_leads_inside_is_not_called(authority: Authority, inside: str) -> None:
    network = Network(authority.trusted, 1)
    for found in ([inside], [PUBLIC, inside], [inside, PUBLIC]):
        assert await failure_of(caller(network, Names(found))) == "not_public"
    assert network.reached == []


async def test_a_name_that_leads_inside_a_moment_later_is_called_where_it_led_before(
    authority: Authority,
) -> None:
    """DNS rebinding: the first answer is looked at, another one is there when the connection is made."""
    with Receiver(answering(200), tls=authority.server(HOST)) as receiver:
        network, names = Network(authority.trusted, receiver.port), Names([PUBLIC], ["169.254.169.254"])
        call = caller(network, names)
        assert (await call.post(f"https://{HOST}/", BODY, {})).status == 200
        assert (names.asked, network.reached) == ([(HOST, 443)], [PUBLIC])
        assert await failure_of(call) == "not_public"
        assert network.reached == [PUBLIC]


async def test_the_client_itself_looks_no_name_up(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the real transport: what is connected to is an IP address."""
    connected: list[str] = []
    connect: Any = asyncio.BaseEventLoop.create_connection

    async def create_connection(loop: Any, protocol: Any, host: str, port: int, **options: Any) -> Any:
        connected.append(host)
        return await connect(loop, protocol, "127.0.0.1", receiver.port, **options)

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", create_connection)
    with Receiver(answering(200), tls=authority.server(HOST)) as receiver:
        call = PublicCaller.open(frozenset(), authority.trusted)
        monkeypatch.setattr(call, "_resolve", Names([PUBLIC]))
        assert (await call.post(f"https://{HOST}/", BODY, {})).status == 200
        assert connected == [PUBLIC]


async def test_the_environments_proxy_is_not_asked(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Receiver(answering(200), tls=authority.server("127.0.0.1")) as receiver:
        own = frozenset({f"127.0.0.1:{receiver.port}"})
        call = PublicCaller.open(own, authority.trusted)
        assert (await call.post(f"https://127.0.0.1:{receiver.port}/", BODY, {})).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_like_any_other(authority: Authority, status: int) -> None:
    with Receiver(
        answering(status, {"location": "http://169.254.169.254/latest/"}), tls=authority.server(HOST)
    ) as receiver:
        network = Network(authority.trusted, receiver.port)
        assert (await caller(network, Names([PUBLIC])).post(f"https://{HOST}/", BODY, {})).status == status
        assert network.reached == [PUBLIC]
        assert len(receiver.received) == 1


async def test_a_server_with_another_name_s_certificate_is_not_told(authority: Authority) -> None:
    with Receiver(answering(200), tls=authority.server("other.example.com", PUBLIC, "127.0.0.1")) as receiver:
        network = Network(authority.trusted, receiver.port)
        assert await failure_of(caller(network, Names([PUBLIC]))) == "untrusted"
        assert receiver.received == []


async def test_a_server_that_nobody_vouches_for_is_not_told(authority: Authority) -> None:
    with Receiver(answering(200), tls=authority.server(HOST)) as receiver:
        network = Network(ssl.create_default_context(), receiver.port)
        assert await failure_of(caller(network, Names([PUBLIC]))) == "untrusted"


async def test_an_ip_address_needs_a_certificate_of_its_own(authority: Authority) -> None:
    with Receiver(answering(200), tls=authority.server(PUBLIC)) as receiver:
        network = Network(authority.trusted, receiver.port)
        call = caller(network, Names([PUBLIC]))
        assert (await call.post(f"https://{PUBLIC}/", BODY, {})).status == 200
        assert await failure_of(call, "https://1.1.1.1/") == "untrusted"


async def test_the_next_address_is_tried_where_one_takes_no_connection(authority: Authority) -> None:
    with Receiver(answering(200), tls=authority.server(HOST)) as receiver:
        network = Network(authority.trusted, receiver.port)
        network.unreachable = {"2606:4700::1", "2606:4700::2"}
        found = ["2606:4700::1", "2606:4700::2", PUBLIC, "1.1.1.1"]
        assert (await caller(network, Names(found)).post(f"https://{HOST}/", BODY, {})).status == 200
        assert network.reached == found[:3]
        assert len(receiver.received) == 1


async def test_no_more_than_some_addresses_are_tried(authority: Authority) -> None:
    network = Network(authority.trusted, 1)
    found = [f"1.1.1.{number}" for number in range(9)]
    network.unreachable = set(found)
    assert await failure_of(caller(network, Names(found))) == "unreachable"
    assert network.reached == found[: pinning.MOST_ADDRESSES]


async def test_what_was_sent_once_is_not_sent_to_the_next_address(authority: Authority) -> None:
    with Receiver(hanging_up, answering(200), tls=authority.server(HOST)) as receiver:
        network = Network(authority.trusted, receiver.port)
        assert await failure_of(caller(network, Names([PUBLIC, "1.1.1.1"]))) == "broken"
        assert len(receiver.received) == 1


async def test_nobody_listens(authority: Authority) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        network = Network(authority.trusted, unused.getsockname()[1])
        assert await failure_of(caller(network, Names([PUBLIC]))) == "unreachable"


@pytest.mark.parametrize(
    "answer", [[], socket.gaierror(-2, "Name or service not known"), OSError("no network")]
)
async def test_a_name_without_an_address(authority: Authority, answer: Sequence[str] | OSError) -> None:
    assert await failure_of(caller(Network(authority.trusted, 1), Names(answer))) == "unresolved"


async def test_an_address_that_may_no_longer_be_called(authority: Authority) -> None:
    names = Names([PUBLIC])
    call = caller(Network(authority.trusted, 1), names)
    assert await failure_of(call, "http://hooks.example.com/") == "refused_address"
    assert names.asked == []


async def test_a_receiver_that_does_not_answer(authority: Authority) -> None:
    with Receiver(silent, tls=authority.server(HOST)) as receiver:
        network = Network(authority.trusted, receiver.port)
        assert await failure_of(caller(network, Names([PUBLIC]), seconds=0.3)) == "timeout"
        assert receiver.closed.wait(20)


async def test_a_name_server_that_does_not_answer(authority: Authority) -> None:
    async def never(_: str, __: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    call = PublicCaller(
        frozenset(), transport=Network(authority.trusted, 1), resolve=never, total_seconds=0.05
    )
    assert await failure_of(call) == "timeout"


async def test_a_connection_that_nobody_takes() -> None:
    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            assert request.extensions["timeout"]["connect"] == pinning.CONNECT_SECONDS
            raise httpx.ConnectTimeout("no answer to SYN")

    call = PublicCaller(frozenset(), transport=Slow, resolve=Names([PUBLIC, "1.1.1.1"]))
    assert await failure_of(call) == "timeout"


@pytest.mark.parametrize(("behaviour", "seconds"), [(endless, 60), (dawdling, 0.2)])
async def test_of_a_body_that_does_not_end_the_status_counts(
    authority: Authority, behaviour: Behaviour, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut off by its length, or by the time it takes."""
    monkeypatch.setattr(public, "DISCARD_SECONDS", seconds)
    with Receiver(behaviour, tls=authority.server(HOST)) as receiver:
        network = Network(authority.trusted, receiver.port)
        async with asyncio.timeout(20):
            answer = await caller(network, Names([PUBLIC])).post(f"https://{HOST}/", BODY, {})
        assert answer.status == 200
        assert receiver.closed.wait(20)


async def test_of_a_body_that_breaks_off_the_status_counts(authority: Authority) -> None:
    with Receiver(
        writing(b"HTTP/1.1 500 x\r\ncontent-length: 9\r\n\r\nhal"), tls=authority.server(HOST)
    ) as receiver:
        network = Network(authority.trusted, receiver.port)
        assert (await caller(network, Names([PUBLIC])).post(f"https://{HOST}/", BODY, {})).status == 500


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"220 smtp.example.com ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000,
        b"HTTP/1.1 abc\r\n\r\n",
    ],
)
async def test_what_is_no_http(authority: Authority, data: bytes) -> None:
    with Receiver(writing(data), tls=authority.server(HOST)) as receiver:
        network = Network(authority.trusted, receiver.port)
        assert await failure_of(caller(network, Names([PUBLIC]))) == "broken"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "Sun, 29 Nov 2026 10:01:00 GMT", "date": "Sun, 29 Nov 2026 10:00:00 GMT"}, 60.0),
        (
            {"retry-after": "Sun, 29 Nov 99999999999 10:01:00 GMT", "date": "Sun, 29 Nov 2026 10:00:00 GMT"},
            None,
        ),
        ({"retry-after": "whenever"}, None),
    ],
)
async def test_when_to_come_again(
    authority: Authority, headers: dict[str, str], seconds: float | None
) -> None:
    with Receiver(answering(503, headers), tls=authority.server(HOST)) as receiver:
        network = Network(authority.trusted, receiver.port)
        answer = await caller(network, Names([PUBLIC])).post(f"https://{HOST}/", BODY, {})
        assert answer == Answer(503, seconds)


async def test_the_operators_own_host_may_be_anywhere_and_speak_plain_http(authority: Authority) -> None:
    with Receiver(answering(200), tls=None) as receiver:
        own = frozenset({f"localhost:{receiver.port}"})
        call = PublicCaller.open(own, authority.trusted)
        assert (await call.post(f"http://localhost:{receiver.port}/x", BODY, {})).status == 200
        other = PublicCaller.open(frozenset({f"localhost:{receiver.port + 1}"}), authority.trusted)
        assert await failure_of(other, f"http://localhost:{receiver.port}/x") == "refused_address"


async def test_nothing_is_remembered_from_one_call_to_the_next(authority: Authority) -> None:
    with Receiver(answering(200, {"set-cookie": "a=b; Path=/"}), tls=authority.server(HOST)) as receiver:
        call = caller(Network(authority.trusted, receiver.port), Names([PUBLIC]))
        for _ in range(2):
            await call.post(f"https://{HOST}/", BODY, {})
        assert not any("cookie" in received.headers for received in receiver.received)


async def test_the_systems_resolver() -> None:
    assert set(await resolved("127.0.0.1", 443)) == {"127.0.0.1"}
    assert set(await resolved("::1", 443)) == {"::1"}
    with pytest.raises(OSError):
        await resolved("nobody.invalid", 443)


def test_a_way_is_made_for_each_call(authority: Authority) -> None:
    made: Callable[[], httpx.AsyncBaseTransport] = PublicCaller.open(
        frozenset(), authority.trusted
    )._transport
    assert made() is not made()
