"""What is common to all requests: a model's name, and whether and how the reply streams."""

from typing import Any

import pytest

from sluice.api.model_request import ModelRequest, StreamableRequest
from sluice.api.validation import validate
from sluice.errors import InvalidRequestError


@pytest.mark.parametrize("members", [{}, {"model": None}, {"model": ""}, {"model": 7}, {"model": ["m"]}])
def test_a_request_names_a_model(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validate(ModelRequest, members)
    assert caught.value.param == "model"


@pytest.mark.parametrize(("stream", "streams"), [(True, True), (False, False), (None, False)])
def test_what_can_stream_streams_when_told(*, stream: bool | None, streams: bool) -> None:
    assert validate(StreamableRequest, {"model": "m", "stream": stream}).streams is streams


def test_what_cannot_stream_never_does_whatever_is_sent() -> None:
    request = validate(ModelRequest, {"model": "m", "stream": True})
    assert request.streams is False


@pytest.mark.parametrize(
    ("options", "wanted"),
    [(None, False), ({}, False), ({"include_usage": None}, False), ({"include_usage": True, "x": 1}, True)],
)
def test_usage_is_wanted_where_it_is_asked_for(options: Any, *, wanted: bool) -> None:
    request = validate(StreamableRequest, {"model": "m", "stream_options": options})
    assert request.wants_usage_chunk is wanted
