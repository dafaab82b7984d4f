"""The mock of Bedrock, by AWS's official client: what is proven with the mock is worth as much as it is."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from botocore.httpsession import ConnectionClosedError, ReadTimeoutError
from urllib3.exceptions import ProtocolError

from bedrock_members import CITY, USER
from mock_bedrock import (
    CLAUDE,
    COHERE,
    FAILURES,
    LLAMA,
    NOVA,
    OLD_COHERE,
    ROLE,
    SIGNATURE,
    THOUGHT,
    TITAN,
    MockBedrock,
    vector_of,
)
from mock_bedrock_images import ALL_BLOCKED, CANVAS, STABLE
from mock_completions import TEXT
from mock_images import FORBIDDEN, UNSHOWN, picture_of
from mock_turns import Call, Count, Turn
from sluice.credentials import AWSCredentials

PARALLEL = Turn(
    text=("I ", "look."),
    reasoning=("Which ", "city?"),
    signature="c2lnbmF0dXJl",
    calls=[Call("weather", ['{"ci', 'ty": "Paris"}'], "tooluse_1"), Call("now", [], "tooluse_2")],
    end="tool_calls",
    usage=Count(prompt=30, completion=12, cached=5, cache_written=7),
)


@pytest.fixture(scope="module")
def mock() -> Iterator[MockBedrock]:
    with MockBedrock() as serving:
        yield serving


def official(mock: MockBedrock, role: AWSCredentials = ROLE) -> Any:
    session = boto3.Session(role.access_key, role.secret_key, role.token, role.region)
    config = Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=30)
    return session.client("bedrock-runtime", endpoint_url=mock.url, config=config)


@pytest.fixture(scope="module")
def client(mock: MockBedrock) -> Iterator[Any]:
    patch = pytest.MonkeyPatch()
    patch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    patch.delenv("AWS_ENDPOINT_URL", raising=False)
    found = official(mock)
    yield found
    found.close()
    patch.undo()


def ask(client: Any, tag: str = "none", *, model: str = CLAUDE, streams: bool = False, **members: Any) -> Any:
    """The message, its reason and its usage, whole or put together of a stream's events."""
    asked = {"modelId": model, "messages": USER, "requestMetadata": {"tag": tag}, **members}
    if not streams:
        found = client.converse(**asked)
        return found["output"]["message"]["content"], found["stopReason"], found["usage"]
    with closing(client.converse_stream(**asked)["stream"]) as stream:
        return put_together(stream)


def put_together(stream: Any) -> Any:
    blocks: dict[int, dict[str, Any]] = {}
    reason, usage = None, None
    for each in stream:
        match each:
            case {"contentBlockStart": {"contentBlockIndex": index, "start": {"toolUse": start}}}:
                blocks[index] = {"toolUse": {**start, "input": ""}}
            case {"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}}:
                add(blocks.setdefault(index, {}), delta)
            case {"messageStop": {"stopReason": found}}:
                reason = found
            case {"metadata": {"usage": found}}:
                usage = found
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return [blocks[index] for index in sorted(blocks)], reason, usage


def add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    match delta:
        case {"text": text}:
            block["text"] = block.get("text", "") + text
        case {"toolUse": {"input": piece}}:
            block["toolUse"]["input"] += piece
        case {"reasoningContent": piece}:
            thought = block.setdefault("reasoningContent", {"reasoningText": {}})["reasoningText"]
            for name, text in piece.items():
                thought[name] = thought.get(name, "") + text


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("model", [CLAUDE, LLAMA, NOVA])
def test_it_answers_in_text(client: Any, model: str, streams: bool) -> None:
    content, reason, usage = ask(client, model=model, streams=streams, system=[{"text": "Be brief."}])
    assert (content, reason) == ([{"text": TEXT}], "end_turn")
    assert usage["totalTokens"] == 29
    assert usage["inputTokens"] + usage["cacheReadInputTokens"] + usage["cacheWriteInputTokens"] == 20


@pytest.mark.parametrize("streams", [False, True])
def test_it_says_a_turn(client: Any, mock: MockBedrock, streams: bool) -> None:
    content, reason, usage = ask(client, mock.says(PARALLEL), streams=streams)
    assert content == [
        {"reasoningContent": {"reasoningText": {"text": "Which city?", "signature": "c2lnbmF0dXJl"}}},
        {"text": "I look."},
        {"toolUse": {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "Paris"}}},
        {"toolUse": {"toolUseId": "tooluse_2", "name": "now", "input": {}}},
    ]
    assert reason == "tool_use"
    assert {name: usage[name] for name in ("inputTokens", "outputTokens", "totalTokens")} == {
        "inputTokens": 18,
        "outputTokens": 12,
        "totalTokens": 42,
    }
    assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (5, 7)


@pytest.mark.parametrize("streams", [False, True])
def test_it_calls_tools_and_takes_their_answers(client: Any, streams: bool) -> None:
    content, reason, _ = ask(client, streams=streams, toolConfig={"tools": [CITY], "toolChoice": {"any": {}}})
    assert reason == "tool_use"
    call = content[1]["toolUse"]
    answer = {"toolUseId": call["toolUseId"], "content": [{"text": "sunny"}], "status": "success"}
    messages = [
        *USER,
        {"role": "assistant", "content": content},
        {"role": "user", "content": [{"toolResult": answer}]},
    ]
    content, reason, _ = ask(client, streams=streams, messages=messages, toolConfig={"tools": [CITY]})
    assert (content, reason) == ([{"text": TEXT}], "end_turn")


def test_it_thinks_where_it_may(client: Any) -> None:
    fields = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    content, _, _ = ask(client, additionalModelRequestFields=fields, inferenceConfig={"maxTokens": 2000})
    assert content[0]["reasoningContent"]["reasoningText"] == {"text": THOUGHT, "signature": SIGNATURE}


def test_it_fills_a_schema(client: Any) -> None:
    schema = json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema, "name": "x"}}}
    content, _, _ = ask(client, outputConfig={"textFormat": form})
    assert isinstance(json.loads(content[0]["text"])["n"], int)


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("streams", [False, True])
def test_it_fails_as_bedrock_does(client: Any, name: str, streams: bool) -> None:
    with pytest.raises(ClientError) as caught:
        ask(client, f"{name}/1", streams=streams)
    assert caught.value.response["Error"]["Code"] == FAILURES[name].name
    assert caught.value.response["Error"]["Message"] == FAILURES[name].message
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == FAILURES[name].status


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ("throttled_at_once", "throttlingException"),
        ("throttled_in_the_middle", "throttlingException"),
        ("model_error_in_the_middle", "modelStreamErrorException"),
    ],
)
def test_a_stream_fails_in_its_middle(client: Any, behaviour: str, code: str) -> None:
    with pytest.raises(EventStreamError) as caught:
        ask(client, f"{behaviour}/1", streams=True)
    assert caught.value.response["Error"]["Code"] == code


def test_a_stream_is_cut_and_damaged(client: Any) -> None:
    with pytest.raises((ConnectionClosedError, ReadTimeoutError, ProtocolError)):
        ask(client, "cut/1", streams=True)
    with pytest.raises(Exception, match="Checksum mismatch"):
        ask(client, "damaged/1", streams=True)
    _, reason, _ = ask(client, "no_stop/1", streams=True)
    assert reason is None


def invoke(client: Any, model: str, **body: Any) -> Any:
    reply = client.invoke_model(modelId=model, body=json.dumps(body), contentType="application/json")
    return json.loads(reply["body"].read())


def test_it_embeds(client: Any) -> None:
    found = invoke(client, TITAN, inputText="one two", dimensions=256)
    assert (found["embedding"], found["inputTextTokenCount"]) == (vector_of("one two", 256), 2)
    many = {"texts": ["a", "b"], "input_type": "search_query"}
    found = invoke(client, COHERE, **many, embedding_types=["float"], output_dimension=256)
    assert found["embeddings"] == {"float": [vector_of("a", 256), vector_of("b", 256)]}
    assert invoke(client, OLD_COHERE, **many)["embeddings"] == [vector_of("a", 1024), vector_of("b", 1024)]
    for model, body in (
        (TITAN, {"inputText": ""}),
        (COHERE, {"texts": ["a"]}),
        (OLD_COHERE, many | {"more": 1}),
    ):
        with pytest.raises(ClientError, match="Malformed"):
            invoke(client, model, **body)


def canvas(text: str, **config: Any) -> dict[str, Any]:
    return {
        "taskType": "TEXT_IMAGE",
        "textToImageParams": {"text": text},
        "imageGenerationConfig": {"numberOfImages": 1, **config},
    }


def test_it_paints(client: Any) -> None:
    found = invoke(client, CANVAS, **canvas("a cat", seed=3, quality="premium", width=512, height=768))
    assert [base64.b64decode(each) for each in found["images"]] == [picture_of("a cat", 3)]
    found = invoke(client, STABLE, prompt="a cat", seed=3, aspect_ratio="21:9", mode="text-to-image")
    assert found["finish_reasons"] == [None]
    assert base64.b64decode(found["images"][0]) == picture_of("a cat", 3)


def test_what_is_not_let_pass_has_a_reason(client: Any) -> None:
    with pytest.raises(ClientError, match="content filters"):
        invoke(client, CANVAS, **canvas(FORBIDDEN))
    assert invoke(client, CANVAS, **canvas(UNSHOWN)) == {"images": [], "error": ALL_BLOCKED}
    assert invoke(client, STABLE, prompt=FORBIDDEN)["finish_reasons"] == ["Filter reason: prompt"]
    assert invoke(client, STABLE, prompt=UNSHOWN)["finish_reasons"] == ["Filter reason: output image"]


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (CANVAS, canvas("a cat", width=1000)),
        (CANVAS, canvas("a cat", width=2048, height=2048)),
        (CANVAS, canvas("a cat", seed=858_993_460)),
        (CANVAS, canvas("a cat", quality="hd")),
        (CANVAS, canvas("x" * 1025)),
        (CANVAS, canvas("a cat", steps=5)),
        (CANVAS, {"taskType": "TEXT_IMAGE"}),
        (CANVAS, canvas("a cat") | {"prompt": "a cat"}),
        (STABLE, {"prompt": "a cat", "aspect_ratio": "7:1"}),
        (STABLE, {"prompt": "a cat", "width": 512}),
        (STABLE, {"prompt": "a cat", "seed": -1}),
        (STABLE, {}),
    ],
)
def test_what_cannot_be_painted_is_refused(client: Any, model: str, body: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="Malformed"):
        invoke(client, model, **body)


@pytest.mark.parametrize(
    "role",
    [
        ROLE._replace(secret_key="other"),
        ROLE._replace(access_key="AKIAOTHER"),
        ROLE._replace(token="other"),
        ROLE._replace(token=None),
        ROLE._replace(region="us-east-1"),
    ],
)
def test_no_other_signature_is_let_in(mock: MockBedrock, client: Any, role: AWSCredentials) -> None:
    stranger = official(mock, role)
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        ask(stranger)
    stranger.close()
