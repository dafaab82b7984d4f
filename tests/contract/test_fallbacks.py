"""Chaos: whatever the first candidate does before the client's first byte, the second one answers, in time."""

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import httpx
import openai
import pytest

from chat_bodies import MESSAGES, chat_body
from event_stream import DONE, KEEP_ALIVE, frames_of
from gateway_process import STREAM_TIMEOUT_SECONDS, TIMEOUT_SECONDS, GatewayProcess
from mock_completions import TEXT
from mock_provider import EMBEDDING_MODEL, MockProvider
from openai_schemas import check_error
from repeating import ended
from sdk_clients import NO_AUTHORITIES, Traffic, async_client, sync_client

PATH = "/v1/chat/completions"
BUDGET = "100"
SLOWNESS = 2.0
"""What a busy machine may add to a deadline, in seconds."""

EITHER = [
    "held",
    "rate_limited",
    "rate_limited_for_long",
    "rate_limited_silently",
    "insufficient_quota",
    "forbidden",
    "model_not_found",
    "server_error",
    "unavailable",
    "unauthorized",
    "bad_gateway_page",
    "redirected",
    "page",
    "empty",
    "malformed_json",
    "wrong_shape",
    "not_an_object",
    "error_with_status_200",
    "disconnected",
]
WHOLE = [*EITHER, "half_a_body_then_held", "not_utf8", "cut_whole"]
STREAMED = [*EITHER, "headers_then_held", "done_only", "malformed_sse"]
"""What goes wrong before the first event; "refused" is a port where nobody listens."""
BEGUN = ["cut", "cut_in_an_event", "ended_early", "malformed_event", "error_event", "done_without_finish"]

PROVIDERS = """
[providers.well]
kind = "openai"
base_url = "{well}"
credential = "OPENAI_API_KEY"

[providers.closed]
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"
probe = "none" # the check of health would find out before the tests do
"""
ROW = """
[[models]]
id = "{name}"
kind = "{kind}"
candidates = [{candidates}]
context_tokens = 128000
output_tokens = 16384
price = {{ input = "0.15", output = "0.60" }}
"""


def row(name: str, *providers: str, kind: str = "chat", model: str = "gpt-4o-mini") -> str:
    """A model with candidates of its own, so that one test's circuits are not another's."""
    candidates = ", ".join(f'{{ provider = "{each}", model = "{model}:{name}" }}' for each in providers)
    return ROW.format(name=name, kind=kind, candidates=candidates)


def first(behaviour: str, how: str) -> str:
    """The model whose first candidate behaves so."""
    return f"{behaviour}-{how}"


@pytest.fixture(scope="module")
def well() -> Iterator[MockProvider]:
    """The second candidate."""
    with MockProvider("sk-upstream-of-fallbacks", is_well=True) as mock:
        yield mock


@pytest.fixture(scope="module")
def faulty() -> Iterator[MockProvider]:
    """The first candidate: it does what a request says."""
    with MockProvider("sk-upstream-of-fallbacks") as mock:
        yield mock


@pytest.fixture(scope="module")
def resilient(
    faulty: MockProvider, well: MockProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway with both, and as many attempts as is usual."""
    closed = socket.socket()
    closed.bind(
        ("127.0.0.1", 0)
    )  # but not listening: connections are refused, and nobody else can take the port
    models = PROVIDERS.format(well=well.url, port=closed.getsockname()[1])
    for how, behaviours in (("whole", WHOLE), ("stream", STREAMED), ("begun", BEGUN)):
        models += "".join(row(first(each, how), "openai", "well") for each in behaviours)
    models += row("refused-whole", "closed", "well") + row("refused-stream", "closed", "well")
    models += "".join(row(f"down-{number}", "openai", "closed") for number in range(20))
    models += row("reset-to-none", "closed")
    models += row("vectors", "openai", "well", kind="embedding", model=EMBEDDING_MODEL)
    settings = {"SLUICE_RETRIES": "2", "SLUICE_KEEP_ALIVE_SECONDS": "15"}
    with GatewayProcess(
        tmp_path_factory.mktemp("resilient"),
        faulty.url,
        faulty.credential,
        models=models,
        settings=settings,
    ) as process:
        yield process
    closed.close()


@pytest.fixture(scope="module")
def secret(resilient: GatewayProcess) -> str:
    """Of a key with a budget, so that everything is held and settled."""
    return str(resilient.create_key("--budget", BUDGET, "--period", "lifetime")["key"])


@pytest.fixture
def wire() -> Traffic:
    """What went between the test's client and the gateway."""
    return Traffic()


@pytest.fixture
def resilient_client(resilient: GatewayProcess, secret: str, wire: Traffic) -> Iterator[openai.OpenAI]:
    with sync_client(f"{resilient.url}/v1", secret, wire) as client:
        yield client


@pytest.fixture
def bare(resilient: GatewayProcess, secret: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=resilient.url,
        headers={"authorization": f"Bearer {secret}"},
        timeout=30,
        trust_env=False,
        verify=NO_AUTHORITIES,
    ) as client:
        yield client


def check_told(wire: Traffic, *, cost: bool) -> None:
    headers = wire.last.headers
    assert headers["x-sluice-provider"] == "well"
    assert int(headers["x-sluice-attempts"]) >= 2
    assert ("x-sluice-cost" in headers) == cost
    if cost:
        assert 0 < Decimal(headers["x-sluice-cost"]) < 1


@pytest.mark.parametrize("behaviour", ["refused", *WHOLE])
def test_a_whole_reply_comes_from_the_second(
    resilient_client: openai.OpenAI, faulty: MockProvider, wire: Traffic, behaviour: str
) -> None:
    case = faulty.case("ok" if behaviour == "refused" else behaviour)
    begun = time.monotonic()
    completion = resilient_client.chat.completions.create(
        model=first(behaviour, "whole"), messages=MESSAGES, user=case.user
    )
    assert completion.choices[0].message.content == TEXT
    assert completion.model == first(behaviour, "whole")
    assert time.monotonic() - begun < TIMEOUT_SECONDS + SLOWNESS
    check_told(wire, cost=True)
    assert len(case.requests) == (behaviour != "refused")


@pytest.mark.parametrize("behaviour", ["refused", *STREAMED])
def test_a_stream_comes_from_the_second(
    resilient_client: openai.OpenAI, faulty: MockProvider, wire: Traffic, behaviour: str
) -> None:
    case = faulty.case("ok" if behaviour == "refused" else behaviour)
    begun = time.monotonic()
    stream = resilient_client.chat.completions.create(
        model=first(behaviour, "stream"), messages=MESSAGES, user=case.user, stream=True
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == TEXT
    assert time.monotonic() - begun < STREAM_TIMEOUT_SECONDS + SLOWNESS
    check_told(wire, cost=False)
    assert len(case.requests) == (behaviour != "refused")


@pytest.mark.parametrize("behaviour", ["server_error", "disconnected", "malformed_json"])
async def test_the_asynchronous_client_sees_no_difference(
    resilient: GatewayProcess, secret: str, faulty: MockProvider, wire: Traffic, behaviour: str
) -> None:
    async with async_client(f"{resilient.url}/v1", secret, wire) as client:
        stream = await client.chat.completions.create(
            model=first(behaviour, "stream"), messages=MESSAGES, user=faulty.case(behaviour).user, stream=True
        )
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == TEXT


@pytest.mark.parametrize("behaviour", BEGUN)
def test_what_breaks_after_the_first_byte_stays_an_honest_broken_stream(
    bare: httpx.Client, faulty: MockProvider, well: MockProvider, behaviour: str
) -> None:
    case = faulty.case(behaviour)
    reply = bare.post(PATH, json=chat_body(case, stream=True, model=first(behaviour, "begun")))
    assert reply.status_code == 200
    *good, last = [frame for frame in frames_of(reply.content) if not frame.startswith(KEEP_ALIVE)]
    assert good
    assert b'"error"' in last
    assert DONE not in reply.content
    assert reply.headers["x-sluice-provider"] == "openai"
    assert well.requests(case.user) == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("number", "behaviour", "expected"),
    [
        (0, "server_error", (502, "upstream_error")),
        (1, "rate_limited_for_long", (503, "overloaded")),
        (2, "held", (504, "upstream_timeout")),
        (3, "unauthorized", (502, "upstream_error")),
        (4, "malformed_json", (502, "upstream_error")),
    ],
)
def test_with_all_candidates_down_it_is_an_error_of_the_contract(
    bare: httpx.Client,
    faulty: MockProvider,
    number: int,
    behaviour: str,
    expected: tuple[int, str],
    stream: bool,
) -> None:
    case = faulty.case(behaviour)
    begun = time.monotonic()
    model = f"down-{2 * number + stream}"
    reply = bare.post(PATH, json=chat_body(case, stream=stream, model=model))
    check_error(reply.json())
    assert (reply.status_code, reply.json()["error"]["code"]) == expected
    assert time.monotonic() - begun < (STREAM_TIMEOUT_SECONDS if stream else TIMEOUT_SECONDS) + SLOWNESS
    assert reply.headers["x-sluice-provider"] == "openai, closed"
    assert int(reply.headers["x-sluice-attempts"]) >= 2
    assert "x-sluice-cost" not in reply.headers
    assert ("retry-after" in reply.headers) == (expected[0] == 503)
    assert reply.headers["x-request-id"]


def test_many_clients_at_once_all_get_their_answer(
    resilient: GatewayProcess, secret: str, faulty: MockProvider
) -> None:
    """The first candidate fails every other request."""

    async def ask_all() -> Sequence[Any]:
        async with async_client(f"{resilient.url}/v1", secret, Traffic()) as client:
            return await asyncio.gather(
                *(
                    client.chat.completions.create(
                        model=first("disconnected", "whole"),
                        messages=MESSAGES,
                        user=faulty.case("disconnected" if number % 2 else "ok").user,
                    )
                    for number in range(40)
                )
            )

    assert {each.choices[0].message.content for each in asyncio.run(ask_all())} == {TEXT}


def test_vectors_come_from_the_second_too(
    resilient_client: openai.OpenAI, faulty: MockProvider, wire: Traffic
) -> None:
    found = resilient_client.embeddings.create(
        model="vectors", input="a", user=faulty.case("server_error").user, dimensions=8
    )
    assert len(found.data) == 1
    check_told(wire, cost=True)


def test_a_repeated_request_tells_who_answered_the_first_one_and_costs_nothing(
    bare: httpx.Client, faulty: MockProvider
) -> None:
    body = chat_body(faulty.case("server_error"), model=first("server_error", "whole"))
    once = {"Idempotency-Key": "fallbacks"}
    one, other = bare.post(PATH, json=body, headers=once), ended(bare, body, once)
    assert other.content == one.content
    assert other.headers["idempotent-replayed"] == "true"
    assert other.headers["x-sluice-provider"] == one.headers["x-sluice-provider"] == "well"
    assert (other.headers["x-sluice-attempts"], other.headers["x-sluice-cost"]) == ("0", "0.00")


def test_a_client_may_name_its_providers(bare: httpx.Client, faulty: MockProvider) -> None:
    body = chat_body(faulty.case(), model=first("page", "whole"))
    for providers, status in (("well", 200), ("nobody", 400), ("closed", 400), ("openai", 200)):
        reply = bare.post(PATH, json=body, headers={"x-sluice-provider": providers})
        assert reply.status_code == status
        if status == 200:
            assert reply.headers["x-sluice-provider"] == providers
        else:
            check_error(reply.json())


def test_a_client_may_name_more_models(resilient_client: openai.OpenAI, wire: Traffic) -> None:
    completion = resilient_client.chat.completions.create(
        model="reset-to-none",
        messages=MESSAGES,
        extra_body={"models": ["reset-to-none", first("empty", "whole")]},
        extra_headers={"x-sluice-provider": "closed,well"},
    )
    assert completion.model == first("empty", "whole")
    assert wire.last.headers["x-sluice-model"] == first("empty", "whole")


def test_after_all_of_it_nothing_is_held_and_the_books_agree(
    bare: httpx.Client, resilient: GatewayProcess
) -> None:
    def used() -> Decimal:
        """What the key's counter says, holds included; the last requests are settled after their replies."""
        refused = bare.post(PATH, json={"model": "none", "messages": MESSAGES})
        assert refused.status_code == 404
        return Decimal(BUDGET) - Decimal(refused.headers["x-sluice-budget-remaining"])

    def cost(rows: list[Any]) -> Decimal:
        return sum((Decimal(row["cost"]) for row in rows), Decimal(0))

    assert cost(resilient.usage("--by", "model", until=lambda rows: cost(rows) == used())) > 0
    books = resilient.sluice("reconcile")
    assert (books["different"], books["busy"], books["expired_holds"]) == ([], [], 0)
