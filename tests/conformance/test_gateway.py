"""The same script with every provider, through the official client and a running gateway: nobody sees a difference."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionMessageFunctionToolCall
from pydantic import BaseModel

from conversations import ASKINGS, TRAFFIC, WEATHER
from made_turns import TURNS
from meanings import Fact
from mock_turns import Call, Count, Turn
from openai_schemas import check_chunk, check_completion
from participant import CREDENTIAL, Participant
from sdk_clients import Traffic, sync_client
from sluice.providers.features import Feature
from turn_server import TurnServer
from turn_site import PRICES, TurnSite

every_way = pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])


def answered(client: openai.OpenAI, *, streams: bool, **members: Any) -> ChatCompletion:
    """The completion, or what the client's own helper makes of the stream."""
    if not streams:
        found: ChatCompletion = client.chat.completions.create(**members)
        return found
    with client.chat.completions.stream(stream_options={"include_usage": True}, **members) as stream:
        return stream.get_final_completion()


def said(mark: str) -> list[dict[str, Any]]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"Hello, {mark}."}]


def calls_of(reply: ChatCompletion) -> list[ChatCompletionMessageFunctionToolCall]:
    found = []
    for call in reply.choices[0].message.tool_calls or ():
        assert call.type == "function"
        found.append(call)
    return found


@every_way
def test_a_chat(
    client: openai.OpenAI, provider: TurnServer, model: str, traffic: Traffic, streams: bool
) -> None:
    turn = TURNS["several pieces"]
    scene = provider.scene(turn)
    reply = answered(client, streams=streams, model=model, messages=said(scene.mark))
    assert scene.faults == []
    assert reply.choices[0].message.content == "".join(turn.text)
    assert reply.choices[0].message.role == "assistant"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == model
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (12, 7)
    if not streams:
        check_completion(traffic.last.json())


def test_the_chunks_of_a_stream(client: openai.OpenAI, provider: TurnServer, model: str) -> None:
    scene = provider.scene(TURNS["text, then a call"])
    members: dict[str, Any] = {"tools": [TRAFFIC], "stream_options": {"include_usage": True}}
    chunks = list(
        client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": scene.mark}], stream=True, **members
        )
    )
    for chunk in chunks:
        check_chunk(chunk.model_dump(mode="json", exclude_unset=True))
    *rest, last = chunks
    assert rest[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].delta.role for chunk in rest[1:] if chunk.choices[0].delta.role] == []
    assert [chunk.choices[0].finish_reason for chunk in rest][-1] == "tool_calls"
    assert {chunk.usage for chunk in rest} == {None}
    assert last.choices == []
    assert last.usage is not None
    assert len({chunk.id for chunk in chunks}) == 1


@every_way
def test_a_tool_loop(
    client: openai.OpenAI, provider: TurnServer, participant: Participant, model: str, streams: bool
) -> None:
    first, second = TURNS["reasoning, then calls"], TURNS["one piece"]
    scene = provider.scene(first, second)
    asked: dict[str, Any] = {"model": model, "tools": [WEATHER, TRAFFIC]}
    messages: list[Any] = said(scene.mark)
    reply = answered(client, streams=streams, messages=messages, **asked)
    calls = calls_of(reply)
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        (call.name, json.loads("".join(call.arguments))) for call in first.calls
    ]
    assert reply.choices[0].finish_reason == "tool_calls"
    messages.append(reply.choices[0].message.model_dump(exclude_none=True, exclude={"parsed"}))
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"result": f"toolresult{number}"})}
        for number, call in enumerate(calls)
    ]
    answer = answered(client, streams=streams, messages=messages, **asked)
    assert scene.faults == []
    assert answer.choices[0].message.content == "Hello."
    sent = scene.requests[1].body.decode()
    assert sent.index("toolresult0") < sent.index("toolresult1")
    if (
        Fact.SIGNATURE not in participant.unsaid and not streams
    ):  # the client's helper keeps no list of a delta whole
        assert first.signature in sent


def test_a_picture(client: openai.OpenAI, provider: TurnServer, model: str) -> None:
    asking = ASKINGS[Feature.IMAGES]
    scene = provider.scene(TURNS["one piece"])
    content = [*asking.members["messages"][0]["content"], {"type": "text", "text": scene.mark}]
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}])
    assert scene.faults == []
    assert asking.marks[0].encode() in scene.requests[0].body


class Trip(BaseModel):
    """What an answer must be."""

    city: str
    days: int


def test_structured_output(client: openai.OpenAI, provider: TurnServer, model: str) -> None:
    scene = provider.scene(Turn(text=('{"city": "Zür', 'ich", "days"', ": 3}")))
    reply = client.chat.completions.parse(
        model=model, messages=[{"role": "user", "content": scene.mark}], response_format=Trip
    )
    assert scene.faults == []
    assert reply.choices[0].message.parsed == Trip(city="Zürich", days=3)


@every_way
@pytest.mark.parametrize("name", ["length", "filtered"])
def test_an_end_before_the_end(
    client: openai.OpenAI, provider: TurnServer, model: str, name: str, streams: bool
) -> None:
    turn = TURNS[name]
    scene = provider.scene(turn)
    members: dict[str, Any] = {"model": model, "messages": said(scene.mark), "stop": ["never"]}
    if not streams:
        choice = client.chat.completions.create(**members, max_tokens=50).choices[0]
        text, end = choice.message.content, choice.finish_reason
    else:  # by hand: the client's helper raises an error of its own for either end
        chunks = [
            chunk
            for chunk in client.chat.completions.create(**members, max_tokens=50, stream=True)
            if chunk.choices
        ]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        end = chunks[-1].choices[0].finish_reason
    assert scene.faults == []
    assert text == "".join(turn.text)
    assert end == turn.end
    assert b"never" in scene.requests[0].body


@every_way
def test_thoughts(client: openai.OpenAI, provider: TurnServer, model: str, streams: bool) -> None:
    turn = TURNS["reasoning"]
    scene = provider.scene(turn)
    members: dict[str, Any] = {"model": model, "messages": said(scene.mark), "reasoning_effort": "high"}
    if streams:
        deltas = [
            chunk.choices[0].delta.model_dump()
            for chunk in client.chat.completions.create(**members, stream=True)
            if chunk.choices
        ]
        thought = "".join(delta.get("reasoning_content") or "" for delta in deltas)
        text = "".join(delta.get("content") or "" for delta in deltas)
    else:
        message = client.chat.completions.create(**members).choices[0].message.model_dump()
        thought, text = message["reasoning_content"], message["content"]
    assert scene.faults == []
    assert (thought, text) == ("".join(turn.reasoning), "".join(turn.text))


def cost_of(count: Count) -> Decimal:
    """In USD, worked out anew: nano-USD, rounded up."""
    plain = count.prompt - count.cached - count.cache_written
    parts = {
        "input": plain,
        "cached_input": count.cached,
        "cache_write": count.cache_written,
        "output": count.completion,
    }
    nano = sum(Fraction(PRICES[name]) * tokens * 1_000 for name, tokens in parts.items())
    return Decimal(-(-nano.numerator // nano.denominator)) / 10**9


def test_the_ledger_has_the_same_cost_for_every_provider(
    site: TurnSite, provider: TurnServer, participant: Participant, model: str
) -> None:
    """Of a whole and a streamed answer, of tools, of cached tokens and of those written to the cache."""
    record = site.gateway.create_key("--budget", "5")
    names = ["several pieces", "parallel calls", "cached"]
    if Fact.CACHE_WRITES not in participant.unsaid:
        names.append("written to the cache")
    expected = Decimal(0)
    with sync_client(f"{site.gateway.url}/v1", str(record["key"]), Traffic()) as client:
        for name in names:
            scene = provider.scene(TURNS[name])
            for streams in (False, True):
                answered(
                    client, streams=streams, model=model, messages=said(scene.mark), tools=[WEATHER, TRAFFIC]
                )
                expected += cost_of(TURNS[name].usage)
            assert scene.faults == []
    requests = 2 * len(names)
    (row,) = site.gateway.usage(
        "--key", str(record["id"]), until=lambda rows: rows and rows[0]["requests"] == requests
    )
    assert Decimal(row["cost"]) == expected
    assert row["estimated"] == 0
    proof = site.gateway.sluice("reconcile", "--key", str(record["id"]))
    assert (proof["keys"], proof["equal"], proof["different"]) == (1, 1, [])


def test_the_credential_is_shown_to_the_provider_alone(
    client: openai.OpenAI, provider: TurnServer, model: str, key: str, traffic: Traffic
) -> None:
    scene = provider.scene(TURNS["one piece"])
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": scene.mark}])
    (received,) = scene.requests
    sent = f"{received.path}{received.headers}{received.body!r}"
    assert key not in sent
    assert CREDENTIAL not in f"{traffic.last.headers}{traffic.last.text}"
    assert CREDENTIAL not in f"{received.path}{received.body!r}", "only headers may hold it"


def test_a_call_without_arguments(client: openai.OpenAI, provider: TurnServer, model: str) -> None:
    """Clients parse them: they must be an object all the same."""
    scene = provider.scene(Turn(calls=(Call("marktraffic", ("{}",), id="call_x"),), end="tool_calls"))
    for streams in (False, True):
        reply = answered(client, streams=streams, model=model, messages=said(scene.mark), tools=[TRAFFIC])
        assert [json.loads(call.function.arguments) for call in calls_of(reply)] == [{}]
