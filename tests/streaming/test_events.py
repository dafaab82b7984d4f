"""API Gateway's events as requests, and ordinary responses to them."""

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_events import HOSTILE_HEADERS, proxy_event
from runtime_process import Platform
from sluice_streaming import events

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=5,
)


def read(event: Any, state: dict[str, Any] | None = None) -> events.HTTPRequest:
    return events.read(json.dumps(event).encode(), "context", state or {})


def test_a_request_as_asgi_has_it() -> None:
    event = proxy_event("/v1/chat%20s", method="PUT", body='{"a": "ä"}')
    request = read(event)
    assert request.body == '{"a": "ä"}'.encode()
    scope = request.scope
    assert (scope["type"], scope["method"], scope["path"]) == ("http", "PUT", "/v1/chat s")
    assert (scope["scheme"], scope["server"]) == ("https", None)
    assert scope["client"] == ("192.0.2.7", 0)
    assert scope["query_string"] == b""
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert (scope["aws.event"], scope["aws.context"]) == (event, "context")


def test_repeated_headers_and_query_parameters_are_all_there() -> None:
    request = read(
        proxy_event(
            headers={"Accept": "b"},
            multiValueHeaders={"Accept": ["a", "b"], "X-One": ["1"]},
            queryStringParameters={"tag": "y"},
            multiValueQueryStringParameters={"tag": ["x", "y"], "q": ["a b&c"]},
        )
    )
    assert [tuple(line) for line in request.scope["headers"]] == [(b"accept", b"a, b"), (b"x-one", b"1")]
    assert request.scope["query_string"] == b"tag=x&tag=y&q=a+b%26c"


@pytest.mark.parametrize("lines", HOSTILE_HEADERS, ids=lambda lines: next(iter(lines)) or "empty")
def test_nothing_that_a_client_says_of_its_way_counts(lines: dict[str, list[str]]) -> None:
    scope = read(
        proxy_event(
            headers={name: values[-1] for name, values in lines.items()}, multiValueHeaders=lines, body="hello"
        )
    ).scope
    assert (scope["method"], scope["path"], scope["client"]) == ("POST", "/v1/echo", ("192.0.2.7", 0))
    assert (scope["scheme"], scope["server"]) == ("https", None)
    names = {name for name, _ in scope["headers"]}
    assert not names & {b"host", b"x-forwarded-port", b"x-forwarded-proto"}


def test_a_binary_body_comes_in_base64() -> None:
    data = bytes(range(256))
    assert read(proxy_event(body=base64.b64encode(data).decode(), isBase64Encoded=True)).body == data


def test_each_request_has_a_state_of_its_own() -> None:
    shared = {"client": object()}
    scope = read(proxy_event(), shared).scope
    scope["state"]["own"] = 1
    assert list(shared) == ["client"]
    assert scope["state"]["client"] is shared["client"]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP"])
def test_the_client_is_who_api_gateway_saw_whatever_it_calls_itself(name: str) -> None:
    event = proxy_event(headers={name: "198.51.100.1"}, multiValueHeaders={name: ["198.51.100.1", "::1"]})
    assert read(event).scope["client"] == ("192.0.2.7", 0)


def test_a_request_from_nowhere_has_no_client() -> None:
    """The console's test button sends no address."""
    assert read(proxy_event(requestContext={"stage": "test"})).scope["client"] is None


@given(JSON_VALUES)
def test_whatever_comes_is_read_or_named_unknown(event: Any) -> None:
    with pytest.raises(events.UnknownEventError):
        read(event)


@given(st.sampled_from(sorted(proxy_event())), JSON_VALUES)
def test_a_damaged_request_is_read_or_named_unknown(member: str, value: Any) -> None:
    with contextlib.suppress(events.UnknownEventError):
        read({**proxy_event(), member: value})


def test_an_unknown_event_is_described_without_its_values() -> None:
    with pytest.raises(events.UnknownEventError, match=r"^an object of \['password'\]$"):
        read({"password": "secret"})


def test_an_ordinary_response() -> None:
    headers = [(b"Content-Type", b"text/event-stream"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    assert json.loads(events.render(read(proxy_event()).gateway, 201, headers, b"data: x\n\n")) == {
        "statusCode": 201,
        "headers": {"content-type": "text/event-stream"},
        "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]},
        "body": "data: x\n\n",
        "isBase64Encoded": False,
    }


def test_an_ordinary_response_carries_other_types_in_base64() -> None:
    response = json.loads(
        events.render(read(proxy_event()).gateway, 200, [(b"content-type", b"image/png")], b"\x89PNG")
    )
    assert (response["isBase64Encoded"], base64.b64decode(response["body"])) == (True, b"\x89PNG")


async def test_the_whole_way(platform: Platform) -> None:
    await platform.start("""
        @http_only
        async def app(scope, receive, send):
            request = await receive()
            await send(start(headers=[(b"Content-Type", b"application/json")]))
            await send(body(json.dumps({
                "body": list(request["body"]), "more": request["more_body"],
                "query": scope["query_string"].decode(), "client": scope["client"],
                "remaining": scope["aws.context"].get_remaining_time_in_millis() > 1000,
                "arn": scope["aws.context"].invoked_function_arn, "stage": scope["aws.event"]["requestContext"]["stage"],
            }).encode()))
    """)
    event = proxy_event(body="AP8=", isBase64Encoded=True, multiValueQueryStringParameters={"a": ["1", "2"]})
    call = platform.api.invoke(event)
    await platform.api.completed(call)
    assert json.loads(call.body) == {
        "body": [0, 255], "more": False, "query": "a=1&a=2", "client": ["192.0.2.7", 0], "remaining": True,
        "arn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "stage": "prod",
    }  # fmt: skip
