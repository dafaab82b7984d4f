"""Requests that are wrong: an enveloped 4xx that names what is wrong, never a 5xx, never a hang."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from chat_bodies import MODEL, chat_body, city_tool
from mock_provider import Case
from openai_schemas import check_error

PATH = "/v1/chat/completions"
USER = {"role": "user", "content": "Hello"}


def check_refused(reply: httpx.Response, status: int = 400, code: str | None = None) -> dict[str, Any]:
    """An enveloped refusal; its error object."""
    assert reply.status_code == status, reply.text
    check_error(reply.json())
    assert reply.headers["x-request-id"]
    assert reply.headers["content-type"].partition(";")[0] == "application/json"
    error: dict[str, Any] = reply.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["code"] == code
    assert error["message"]
    return error


OUT_OF_RANGE: list[tuple[str, Any, str]] = [
    ("temperature", 3, "temperature"),
    ("temperature", -0.1, "temperature"),
    ("temperature", "hot", "temperature"),
    ("top_p", 1.5, "top_p"),
    ("n", 0, "n"),
    ("n", 129, "n"),
    ("n", 1.5, "n"),
    ("stop", ["a", "b", "c", "d", "e"], "stop"),
    ("stop", 7, "stop"),
    ("stop", [1], "stop"),
    ("max_tokens", 0, "max_tokens"),
    ("max_tokens", -5, "max_tokens"),
    ("max_completion_tokens", "many", "max_completion_tokens"),
    ("presence_penalty", 2.1, "presence_penalty"),
    ("frequency_penalty", -2.1, "frequency_penalty"),
    ("logit_bias", {"50256": 101}, "logit_bias"),
    ("logit_bias", {"50256": -101}, "logit_bias"),
    ("logit_bias", [1], "logit_bias"),
    ("top_logprobs", 21, "top_logprobs"),
    ("seed", 2**63, "seed"),
    ("seed", "lucky", "seed"),
    ("stream", "maybe", "stream"),
    ("stream_options", "usage", "stream_options"),
    ("stream_options", {"include_usage": "often"}, "stream_options.include_usage"),
    ("user", 5, "user"),
    ("reasoning_effort", "heroic", "reasoning_effort"),
    ("response_format", {"type": "poem"}, "response_format"),
    ("response_format", {"type": "json_schema"}, "response_format.json_schema"),
    ("tools", {"type": "function"}, "tools"),
    ("tools", [{"type": "function"}], "tools[0].function"),
    ("tools", [{"type": "hammer"}], "tools[0]"),
    ("tool_choice", 5, "tool_choice"),
    ("tool_choice", {"type": "function"}, "tool_choice"),
    ("messages", [], "messages"),
    ("messages", "Hello", "messages"),
    ("messages", [5], "messages[0]"),
    ("messages", [{"content": "Hello"}], "messages[0]"),
    ("messages", [USER, {"role": "wizard", "content": "Hello"}], "messages[1].role"),
    ("messages", [{"role": "user"}], "messages[0].content"),
    ("messages", [{"role": "user", "content": 5}], "messages[0].content"),
    ("messages", [{"role": "user", "content": [{"type": "smell"}]}], "messages[0].content[0]"),
    ("messages", [{"role": "user", "content": [{"type": "image_url"}]}], "messages[0].content[0].image_url"),
    ("messages", [{"role": "tool", "content": "fine"}], "messages[0].tool_call_id"),
    ("model", 5, "model"),
    ("model", None, "model"),
    ("model", ["gpt-4o-mini"], "model"),
]


@pytest.mark.parametrize(("member", "value", "param"), OUT_OF_RANGE)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v1/chat"])
def test_out_of_range(http: httpx.Client, case: Case, path: str, member: str, value: Any, param: str) -> None:
    if path.startswith("/api") and member == "model" and value is None:
        param = ""  # it has a default there
    reply = http.post(path, json=chat_body(case) | {member: value})
    if param:
        error = check_refused(reply)
        assert (error["param"] or "").startswith(param), error
        assert case.requests == []
    else:
        assert reply.status_code == 200


@pytest.mark.parametrize("member", ["model", "messages"])
def test_a_required_member_is_missing(http: httpx.Client, case: Case, member: str) -> None:
    body = chat_body(case)
    del body[member]
    assert check_refused(http.post(PATH, json=body))["param"] == member


@pytest.mark.parametrize(
    "name", ["gpt-9", "", "../../etc/passwd", "gpt-4o-mini ", "GPT-4O-MINI", "a" * 5000, "\u2028"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model(http: httpx.Client, case: Case, name: str, stream: bool) -> None:
    reply = http.post(PATH, json=chat_body(case, model=name, stream=stream))
    if name:
        assert check_refused(reply, 404, "model_not_found")["param"] == "model"
    else:
        assert check_refused(reply)["param"] == "model"


def good(**members: Any) -> str:
    return json.dumps({"model": MODEL, "messages": [USER], **members})


NOT_JSON: dict[str, bytes] = {
    "empty": b"",
    "blank": b"  \n",
    "text": b"Hello",
    "cut": good()[:-1].encode(),
    "two objects": (good() * 2).encode(),
    "trailing comma": b'{"model": "gpt-4o-mini",}',
    "single quotes": b"{'model': 'gpt-4o-mini'}",
    "comment": b"// hello\n" + good().encode(),
    "form": b"model=gpt-4o-mini&messages=Hello",
    "NaN": good(temperature=0).replace("0}", "NaN}").encode(),
    "Infinity": good(temperature=0).replace("0}", "-Infinity}").encode(),
    "array": b"[" + good().encode() + b"]",
    "string": b'"Hello"',
    "number": b"5",
    "null": b"null",
    "true": b"true",
    "invalid UTF-8": good().encode().replace(b"Hello", b"\xff\xfe"),
    "overlong UTF-8": good().encode().replace(b"Hello", b"\xc0\xaf"),
    "surrogate as UTF-8": good().encode().replace(b"Hello", b"\xed\xa0\x80"),
    "UTF-16": good().encode("utf-16"),
    "raw control character": good().encode().replace(b"Hello", b"a\x01b"),
    "nested deeply": b'{"messages":' + b"[" * 100_000,
    "binary": bytes(range(256)) * 20,
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_not_a_json_object(http: httpx.Client, name: str) -> None:
    reply = http.post(PATH, content=NOT_JSON[name], headers={"content-type": "application/json"})
    check_refused(reply, code="invalid_json")


def nested(depth: int) -> Any:
    return json.loads("[" * depth + "]" * depth)


# JSON, but nothing a provider must be bothered with; some of it may pass.
ODD: dict[str, str] = {
    "nested 1000 deep": good().replace('"Hello"', "[" * 1000 + "]" * 1000),
    "nested 1000 deep in an unknown member": good(extra=0).replace("0}", "[" * 1000 + "]" * 1000 + "}"),
    "nested schema": good(tools=[city_tool("a") | {"x": nested(150)}]),
    "NUL": good().replace("Hello", "a\\u0000b"),
    "NUL in a member's name": good(**{"a\x00b": 1}),
    "lone surrogate": good().replace("Hello", "\\ud800"),
    "reversed surrogates": good().replace("Hello", "\\udc00\\ud800"),
    "lone surrogate in a member's name": good().replace('"model"', '"\\udfff": 1, "model"'),
    "1e400": good(temperature=0).replace("0}", "1e400}"),
    "1e400 in an unknown member": good(extra=0).replace("0}", "1e400}"),
    "a huge integer": good(seed=0).replace("0}", "9" * 400 + "}"),
    "a huge integer in an unknown member": good(extra=0).replace("0}", "9" * 400 + "}"),
    "an integer of 5000 digits": good(extra=0).replace("0}", "9" * 5000 + "}"),
    "a long fraction": good(temperature=0).replace("0}", "0." + "1" * 5000 + "}"),
    "the same member twice": good().replace("{", '{"model": "gpt-9", ', 1),
    "a member with an empty name": good(**{"": 1}),
    "byte order mark": "\ufeff" + good(),
    "__proto__": good(__proto__={"x": 1}, constructor={"prototype": 1}),
    "10,000 unknown members": good(**{f"m{number}": number for number in range(10_000)}),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("stream", [False, True])
def test_odd_json(http: httpx.Client, name: str, stream: bool) -> None:
    content = ODD[name].replace('"model"', '"stream": true, "model"', 1) if stream else ODD[name]
    reply = http.post(PATH, content=content.encode(), headers={"content-type": "application/json"})
    assert reply.headers["x-request-id"]
    if reply.status_code != 200:
        assert 400 <= reply.status_code < 500, reply.text
        check_error(reply.json())


@pytest.mark.parametrize("name", ["lone surrogate", "1e400", "a huge integer", "nested 1000 deep"])
def test_odd_json_that_no_provider_can_take(http: httpx.Client, name: str) -> None:
    reply = http.post(PATH, content=ODD[name].encode(), headers={"content-type": "application/json"})
    assert reply.status_code == 400
    check_error(reply.json())


def test_a_thousand_messages(http: httpx.Client, case: Case) -> None:
    reply = http.post(PATH, json=chat_body(case, messages=[USER] * 1000))
    assert reply.status_code == 200, reply.text
    assert len(case.arrived().json["messages"]) == 1000


TEN_MEGABYTES = good(messages=[{"role": "user", "content": "a" * 10_000_000}]).encode()


def in_pieces() -> Iterator[bytes]:
    for start in range(0, len(TEN_MEGABYTES), 65536):
        yield TEN_MEGABYTES[start : start + 65536]


@pytest.mark.parametrize("announced", [True, False])
def test_ten_megabytes(http: httpx.Client, announced: bool) -> None:
    """With a length in its head and without one."""
    reply = http.post(
        PATH,
        content=TEN_MEGABYTES if announced else in_pieces(),
        headers={"content-type": "application/json"},
    )
    check_refused(reply, 413, "request_too_large")


def test_an_upload_without_a_length(http: httpx.Client, case: Case) -> None:
    content = json.dumps(chat_body(case)).encode()
    reply = http.post(
        PATH, content=iter([content[:10], content[10:]]), headers={"content-type": "application/json"}
    )
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "nonsense;;;"]
)
def test_another_content_type(http: httpx.Client, case: Case, content_type: str | None) -> None:
    """curl sends forms by default: the body decides."""
    headers = {} if content_type is None else {"content-type": content_type}
    reply = http.post(PATH, content=json.dumps(chat_body(case)).encode(), headers=headers)
    assert reply.status_code in {200, 400, 415}, reply.text
    if reply.status_code != 200:
        check_error(reply.json())
