"""The path from top to bottom: in which order things are refused, what is filled in, and what comes after."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785

from fake_upstream import FakeUpstream
from key_records import FakeKeys, key_record
from made_settings import made_settings
from sluice.catalog import Catalog
from sluice.errors import SluiceError
from sluice.keys import new_secret
from sluice.observability import RequestRecord
from sluice.pipeline import hashes
from sluice.pipeline.chat import ChatCall, ChatDefaults, StreamedReply, WholeReply, chat
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.last_used import LastUse
from sluice.stores.aws import AWS
from sluice.stores.credentials import CredentialStore
from sluice.stores.keys import KeyRecord

SECRET = new_secret("key")
CATALOG = Catalog.model_validate(
    {
        "providers": {"far": {"kind": "openai", "base_url": "http://127.0.0.1:1"}},
        "models": [
            {"id": "one", "aliases": ["uno"], "candidates": [{"provider": "far", "model": "up"}]},
            {"id": "vectors", "kind": "embedding", "candidates": [{"provider": "far", "model": "up"}]},
        ],
    }
)
REPLY = json.dumps(
    {
        "id": "1",
        "created": 1,
        "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
).encode()


class Uses:
    """Counts the uses that are written."""

    def __init__(self) -> None:
        self.written: list[str] = []

    async def touch(self, digest: str, now: int, interval: float) -> bool:
        self.written.append(digest)
        return True


class World:
    """A gateway with a key and a provider of the test's own."""

    def __init__(self, upstream: FakeUpstream, record: KeyRecord | None = None) -> None:
        settings = made_settings()
        aws = AWS()
        self.uses = Uses()
        self.upstream = upstream
        self.record = RequestRecord("req_1", "POST", "/v1/chat/completions")
        self.gateway = Gateway(
            settings=settings,
            catalog=CATALOG,
            keys=FakeKeys(record or key_record(SECRET)).cache(),
            last_use=LastUse(self.uses, 300),
            credentials=CredentialStore(settings, aws),
            upstream=upstream,
            aws=aws,
        )

    async def ask(
        self,
        body: Any,
        *,
        authorization: str | None = f"Bearer {SECRET}",
        defaults: ChatDefaults | None = None,
    ) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with chat(self.gateway, ChatCall(authorization, raw, self.record, defaults)) as reply:
            assert self.uses.written == []  # the client does not wait for it
            match reply:
                case WholeReply(data):
                    return json.loads(data)
                case StreamedReply(frames):
                    return b"".join([frame.data async for frame in frames])


def body(**members: Any) -> dict[str, Any]:
    return {"model": "one", "messages": [{"role": "user", "content": "Hi"}], **members}


def sent(world: World) -> Any:
    return json.loads(world.upstream.requests[0].body)


@pytest.fixture
def world() -> World:
    return World(FakeUpstream(REPLY, content_type="application/json"))


async def test_a_whole_reply_has_its_hashes_and_is_taken_down(world: World) -> None:
    asked = body(seed=7)
    reply = await world.ask(asked)
    assert reply.pop("requestHash") == hashlib.sha256(rfc8785.dumps(asked)).hexdigest()
    assert reply.pop("responseHash") == hashlib.sha256(rfc8785.dumps(reply)).hexdigest()
    record = world.record
    assert (record.key_id, record.model, record.provider, record.stream) == ("key_test", "one", "far", False)
    assert (record.prompt_tokens, record.completion_tokens) == (3, 4)
    assert world.uses.written == [key_record(SECRET).digest]


async def test_the_log_has_the_models_own_name_and_the_reply_the_one_asked_for(world: World) -> None:
    assert (await world.ask(body(model="uno")))["model"] == "uno"
    assert world.record.model == "one"
    assert sent(world)["model"] == "up"


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"not json", 400, "invalid_json"),
        (body(model=5), 400, None),
        (body(seed=1e400), 400, None),
        (body(extra=[1e400]), 400, "invalid_json"),
        (body(search_enabled=True), 400, "unsupported_parameter"),
        (body(model="none"), 404, "model_not_found"),
        (body(model="vectors"), 404, "model_not_found"),
    ],
)
async def test_what_is_refused_reaches_no_provider(
    world: World, raw: Any, status: int, code: str | None
) -> None:
    with pytest.raises(SluiceError) as caught:
        await world.ask(
            raw if isinstance(raw, bytes) else json.dumps(raw).replace("Infinity", "1e400").encode()
        )
    assert (caught.value.status, caught.value.code) == (status, code)
    assert world.upstream.requests == []
    assert world.uses.written == []


async def test_who_has_no_key_learns_nothing_of_the_body(world: World) -> None:
    with pytest.raises(SluiceError) as caught:
        await world.ask(b"not json", authorization="Bearer sk-unknown")
    assert caught.value.status == 401
    assert world.record.key_id is None


async def test_a_model_that_the_key_may_not_use_is_forbidden() -> None:
    world = World(FakeUpstream(REPLY), key_record(SECRET, models=("other",)))
    with pytest.raises(SluiceError) as caught:
        await world.ask(body())
    assert (caught.value.status, caught.value.code) == (403, "model_not_allowed")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"max_tokens": 9}),
        ({"max_tokens": None}, {"max_tokens": 9}),
        ({"max_tokens": 3}, {"max_tokens": 3}),
        ({"max_completion_tokens": 3}, {"max_completion_tokens": 3}),
    ],
)
async def test_an_alias_fills_in_what_the_client_left_out(
    world: World, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    asked = {"messages": [{"role": "user", "content": "Hi"}], **given}
    reply = await world.ask(asked, defaults=ChatDefaults("one", 9))
    limits = {
        name: value for name, value in sent(world).items() if name.startswith("max_") and value is not None
    }
    assert limits == expected
    assert reply["requestHash"] == hashlib.sha256(rfc8785.dumps(asked)).hexdigest()  # of the body as received


async def test_a_large_body_has_the_same_hash(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "LARGE_BODY", 10)
    asked = body()
    assert (await world.ask(asked))["requestHash"] == hashlib.sha256(rfc8785.dumps(asked)).hexdigest()


async def test_a_stream_that_fails_before_its_first_chunk_is_an_error_and_no_stream() -> None:
    world = World(FakeUpstream(b'data: {"error": {"message": "busy", "type": "overloaded_error"}}\n\n'))
    with pytest.raises(SluiceError) as caught:
        await world.ask(body(stream=True))
    assert caught.value.status == 503
    assert world.upstream.released


async def test_a_stream_is_taken_down_with_its_usage() -> None:
    choice = {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    events = [{"id": "1", "created": 1, "choices": [choice]}, {"choices": [], "usage": usage}]
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    world = World(FakeUpstream(data, b"data: [DONE]\n\n"))
    assert (await world.ask(body(stream=True))).endswith(b"data: [DONE]\n\n")
    assert (world.record.prompt_tokens, world.record.completion_tokens, world.record.stream) == (3, 4, True)
    assert world.uses.written == [key_record(SECRET).digest]
