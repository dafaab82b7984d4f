"""The mock of Bedrock, by AWS's official client: what is proven with the mock is worth as much as it is."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from botocore.httpsession import ConnectionClosedError, ReadTimeoutError
from urllib3.exceptions import ProtocolError

from mock_bedrock import (
    CLAUDE,
    COHERE,
    FAILURES,
    KEY,
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

USER: list[Any] = [{"role": "user", "content": [{"text": "What is the weather in Paris?"}]}]
CITY: dict[str, Any] = {
    "toolSpec": {
        "name": "weather",
        "description": "The weather of a city.",
        "inputSchema": {
            "json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        },
    }
}
PARALLEL = Turn(
    text=("I ", "look."),
    reasoning=("Which ", "city?"),
    signature="c2lnbmF0dXJl",
    calls=[Call("weather", ['{"ci', 'ty": "Paris"}'], "tooluse_1"), Call("now", [], "tooluse_2")],
    end="tool_calls",
    usage=Count(prompt=30, completion=12, cached=5, cache_written=7),
)
CALLED: dict[str, Any] = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Paris"}}}
ANSWERED: dict[str, Any] = {"toolResult": {"toolUseId": "t1", "content": [{"text": "sunny"}]}}


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


def bare(mock: MockBedrock, body: Any, model: str = CLAUDE, **headers: str) -> httpx.Response:
    """A request that the official client would not even send."""
    given = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **headers}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{mock.url}/model/{model.replace(':', '%3A').replace('/', '%2F')}/converse"
    return httpx.post(url, content=content, headers=given, trust_env=False)


def turn(role: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(content)}


PICTURE = {"image": {"format": "png", "source": {"bytes": base64.b64encode(b"png").decode()}}}


@pytest.mark.parametrize(("key", "status"), [(KEY, 200), ("other", 403)])
def test_an_api_key_is_let_in_and_no_other(mock: MockBedrock, key: str, status: int) -> None:
    # Without the official client, which sends keys over TLS only.
    assert bare(mock, {"messages": USER}, authorization=f"Bearer {key}").status_code == status


def test_bytes_are_taken_in_base64(mock: MockBedrock) -> None:
    document = {"document": {"format": "pdf", "name": "document-1", "source": {"bytes": "JVBERg=="}}}
    reply = bare(mock, {"messages": [turn("user", {"text": "Read."}, PICTURE, document)]})
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "at least one message"),
        ({"messages": []}, "at least one message"),
        ({"messages": USER, "user": "x"}, ".user is not known"),
        ({"messages": [turn("user")]}, "is empty"),
        ({"messages": [turn("user", {"text": " "})]}, "is blank"),
        ({"messages": [turn("user", {"text": "a", "image": {}})]}, "2 members of a union"),
        ({"messages": [turn("user", {"text": 5})]}, "is no text"),
        (
            {"messages": [turn("user", {"image": {"format": "bmp", "source": {"bytes": "AAAA"}}})]},
            "is none of",
        ),
        (
            {"messages": [turn("user", {"image": {"format": "png", "source": {"bytes": "?"}}})]},
            "is no base64",
        ),
        ({"messages": [turn("robot", {"text": "a"})]}, "is none of"),
        ({"messages": [*USER, *USER]}, "roles must alternate"),
        ({"messages": USER, "system": [{"text": ""}]}, "out of range"),
        ({"messages": USER, "inferenceConfig": {"temperature": 1.5}}, "out of range"),
        ({"messages": USER, "inferenceConfig": {"maxTokens": 0}}, "out of range"),
        ({"messages": USER, "inferenceConfig": {"topK": 1}}, "is not known"),
        ({"messages": USER, "toolConfig": {"tools": []}}, "out of range"),
        ({"messages": USER, "toolConfig": {"tools": [CITY, CITY]}}, "must be unique"),
        (
            {"messages": USER, "toolConfig": {"tools": [CITY], "toolChoice": {"tool": {"name": "x"}}}},
            "no such tool",
        ),
        ({"messages": USER, "toolConfig": {"tools": [CITY], "toolChoice": {"none": {}}}}, "is not known"),
        (
            {"messages": [*USER, turn("assistant", CALLED), turn("user", ANSWERED)]},
            "toolConfig field must be",
        ),
        (
            {"messages": [*USER, turn("assistant", CALLED), turn("user", {"text": "a"})]},
            "Expected toolResult",
        ),
        ({"messages": [turn("user", ANSWERED)], "toolConfig": {"tools": [CITY]}}, "Expected toolResult"),
        ({"messages": [*USER, turn("assistant", PICTURE)]}, "not in a turn of the assistant"),
        (
            {
                "messages": [
                    turn("user", {"document": {"name": "a", "format": "pdf", "source": {"bytes": "AAAA"}}})
                ]
            },
            "needs a text",
        ),
        (
            {
                "messages": [
                    turn(
                        "user",
                        {"text": "a"},
                        {"document": {"name": "a.pdf", "format": "pdf", "source": {"bytes": "AAAA"}}},
                    )
                ]
            },
            "the name a.pdf",
        ),
        ([], "JSON object"),
        (b"{", "JSON object"),
    ],
)
def test_it_is_as_strict_as_bedrock(mock: MockBedrock, body: Any, told: str) -> None:
    reply = bare(mock, body)
    assert reply.status_code == 400
    assert told in reply.json()["message"]


def test_claude_lets_the_assistant_begin_and_nova_does_not(mock: MockBedrock) -> None:
    body = {"messages": [turn("assistant", {"text": "Hello."}), *USER]}
    assert bare(mock, body).status_code == 200
    assert "must start with a user" in bare(mock, body, NOVA).json()["message"]


def test_other_ways_to_fail(mock: MockBedrock) -> None:
    assert bare(mock, {"messages": USER}, "unknown.model-v1:0").json()["message"].endswith("is invalid.")
    assert bare(mock, {"messages": USER}, **{"content-type": "text/plain"}).status_code == 415
    assert bare(mock, {"messages": USER}, authorization="").status_code == 403
    assert bare(mock, {"messages": USER}, authorization="AWS4-HMAC-SHA256 forged").status_code == 403
