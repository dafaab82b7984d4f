"""What fits a request's schema is what its shape takes, and nothing else is."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from random_requests import REQUESTS, Sent
from sluice.api.chat_reply import ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.images_request import ImagesRequest
from sluice.api.shapes import ReplyShape, RequestShape
from sluice.api.validation import validate
from sluice.api.videos_request import VideosRequest
from sluice.errors import InvalidRequestError
from sluice.openapi.endpoints import ENDPOINTS
from sluice.openapi.schemas import schemas_of
from sluice.openapi.shapes import ApiChatCompletionRequest

CHATS = (ChatCompletionRequest, ApiChatCompletionRequest)
SHAPES: tuple[type[RequestShape], ...] = (
    *CHATS,
    CompletionRequest,
    EmbeddingsRequest,
    ImagesRequest,
    VideosRequest,
)
SCHEMAS = schemas_of(SHAPES)
VALIDATORS = {
    shape: Draft202012Validator(
        {"$ref": f"#/components/schemas/{shape.__name__}", "components": {"schemas": SCHEMAS}}
    )
    for shape in SHAPES
}

SCALARS: tuple[Any, ...] = (
    1.0,
    2.0**40,
    None,
    True,
    False,
    -1,
    0,
    1,
    2,
    3.5,
    21,
    129,
    300,
    2**63,
    "",
    "x",
    "text",
    "auto",
    601,
    1001,
    [],
    {},
)
SPECIAL: tuple[Any, ...] = (
    *(-2.1, 0.5, 2.1, 100, [""] * 4, ["x"] * 5, {"a": 101}, {"a": 1}, {"type": "text"}),
    *(
        [0, 1],
        [1, "x"],
        ["x", 1],
        [True],
        [[]],
        [[1], [2]],
        [[1], []],
        [[1], 2],
        [1, [2]],
        [-1],
        [2**31],
        [None],
    ),
    *(
        "4",
        "0600",
        "601",
        "0",
        "10x10",
        "9x9",
        "1024x1024",
        "1024x",
        "\u0664",
        {"image_url": ""},
        {"image_url": "x"},
    ),
    *([""], [[True]], [["x"]], [1.5], [5.0, 6], [7, 8.0], [[9.0]], [1.0, 2.5], [[1.0], [2.5]], ["x"] * 2049),
)
STRANGE = st.sampled_from(SCALARS) | st.text(max_size=300) | st.lists(st.sampled_from(SCALARS), max_size=5)


EXAMPLES = [
    pytest.param(endpoint.request, json.dumps(example.body), id=f"{endpoint.id} {name}")
    for endpoint in ENDPOINTS
    for name, example in endpoint.examples.items()
    if endpoint.request is not None
]


def agree(shape: type[RequestShape], body: dict[str, Any]) -> None:
    validator = VALIDATORS[shape]
    try:
        validate(shape, body)
    except InvalidRequestError as error:
        assert not validator.is_valid(body), f"refused, but of the schema: {error.message}"
    else:
        assert validator.is_valid(body), next(validator.iter_errors(body))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value may be replaced."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, part in members:
        yield (*path, name)
        yield from places(part, (*path, name))


def replaced(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of a body with another value at a place; without the place, where there is no value."""
    copy = json.loads(json.dumps(body))
    part = copy
    for name in path[:-1]:
        part = part[name]
    if value is ...:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return copy


@settings(max_examples=150)
@given(REQUESTS, st.sampled_from(CHATS))
def test_random_requests(sent: Sent, shape: type[RequestShape]) -> None:
    agree(shape, sent.members)


@settings(max_examples=300)
@given(st.data(), st.sampled_from(CHATS))
def test_random_requests_with_something_strange_in_them(
    data: st.DataObject, shape: type[RequestShape]
) -> None:
    body = data.draw(REQUESTS).members
    path = data.draw(st.sampled_from(list(places(body))))
    agree(shape, replaced(body, path, data.draw(STRANGE | st.just(...))))


@pytest.mark.parametrize(("shape", "body"), EXAMPLES)
def test_examples_with_something_strange_everywhere(shape: type[RequestShape], body: str) -> None:
    for path in places(json.loads(body)):
        for value in (..., *SCALARS):
            agree(shape, replaced(json.loads(body), path, value))


@pytest.mark.parametrize(("shape", "body"), EXAMPLES)
def test_every_member_with_something_strange_in_it(shape: type[RequestShape], body: str) -> None:
    for member in shape.model_fields:
        for value in (*SCALARS, *SPECIAL):
            agree(shape, {**json.loads(body), member: value})


def test_every_shape_of_a_request_is_looked_at() -> None:
    assert {endpoint.request for endpoint in ENDPOINTS} == {None, *SHAPES}


class Made(ReplyShape):
    """A shape that is built here, so that its schema holds all that a chunk may have."""

    chunk: ChatCompletionChunk


def test_a_reply_has_all_but_what_is_left_out_and_no_null_where_none_is_sent() -> None:
    found = schemas_of([Made])
    chunk, choice = found["ChatCompletionChunk"], found["ChunkChoice"]
    assert chunk["required"] == ["id", "object", "created", "model", "choices"]
    assert choice["required"] == ["index", "delta", "logprobs", "finish_reason"]
    assert chunk["properties"]["service_tier"] == {"type": "string"}
    assert {"type": "null"} in choice["properties"]["finish_reason"]["anyOf"]


def one_twin() -> type[ReplyShape]:
    class Twin(ReplyShape):
        one: int

    return Twin


def another_twin() -> type[ReplyShape]:
    class Twin(ReplyShape):
        another: int

    return Twin


def test_two_shapes_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="share a name"):
        schemas_of([one_twin(), another_twin()])
