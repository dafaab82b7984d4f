"""What may be embedded, and in which form the vectors are wanted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.validation import validate
from sluice.errors import InvalidRequestError
from text_requests import embeddings_request


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": ""}, "input"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"encoding_format": 1}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "256"}, "dimensions"),
        ({"dimensions": 1.5}, "dimensions"),
        ({"user": 7}, "user"),
        ({"model": ""}, "model"),
    ],
)
def test_the_member_at_fault_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validate(EmbeddingsRequest, {"model": "m", "input": "a"} | members)
    assert caught.value.param == param


@pytest.mark.parametrize(("form", "encoding"), [(None, "float"), ("float", "float"), ("base64", "base64")])
def test_floats_are_what_is_sent_unless_base64_is_asked_for(form: str | None, encoding: str) -> None:
    assert embeddings_request(encoding_format=form).encoding == encoding
    assert embeddings_request().encoding == "float"


def test_it_never_streams() -> None:
    assert not embeddings_request(stream=True).streams


@given(
    st.dictionaries(
        st.sampled_from(list(EmbeddingsRequest.model_fields)),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers() | st.text()),
    )
)
def test_no_value_of_a_member_does_worse_than_a_named_error(members: dict[str, Any]) -> None:
    sent = {"model": "m", "input": "a"} | members
    try:
        request = validate(EmbeddingsRequest, sent)
    except InvalidRequestError as error:
        assert error.param
    else:
        assert request.model_dump(mode="json", by_alias=True, exclude_unset=True) == sent
