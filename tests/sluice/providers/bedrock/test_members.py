"""What else Converse can express, and what not."""

import json
from typing import Any

import pytest

from bedrock_calls import call, sent, target
from mock_bedrock import CLAUDE, NOVA
from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.bedrock import PROVIDER, chat
from sluice.providers.features import Feature, check_supported

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False}


def wanted(**members: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, **members}}


def test_a_bare_conversation_has_nothing_else() -> None:
    assert sent().keys() == {"messages"}


def test_limits_and_sampling() -> None:
    body = sent(max_tokens=100, temperature=0.5, top_p=0.9, stop="END", user="u", metadata={"a": "b"})
    assert body["inferenceConfig"] == {
        "maxTokens": 100,
        "temperature": 0.5,
        "topP": 0.9,
        "stopSequences": ["END"],
    }
    assert sent(max_completion_tokens=7, stop=["a", "b"], temperature=0)["inferenceConfig"] == {
        "maxTokens": 7,
        "temperature": 0,
        "stopSequences": ["a", "b"],
    }


def test_a_temperature_above_one_is_refused() -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        chat.upstream_request(call(temperature=1.1))
    assert caught.value.param == "temperature"


def test_a_schema_is_passed_on_as_text() -> None:
    form = sent(response_format=wanted(description="Where."))["outputConfig"]["textFormat"]
    definition = form["structure"]["jsonSchema"]
    assert form["type"] == "json_schema"
    assert (definition["name"], definition["description"]) == ("place", "Where.")
    assert json.loads(definition["schema"]) == SCHEMA
    assert "outputConfig" not in sent(response_format={"type": "text"})


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"type": "json_object"}, "response_format"),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, "response_format.json_schema.schema"),
    ],
)
def test_any_json_is_not_to_be_had(form: Any, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat.upstream_request(call(response_format=form))
    assert caught.value.param == param


def test_bedrocks_own_members_are_passed_on() -> None:
    own: dict[str, Any] = {
        "guardrailConfig": {"guardrailIdentifier": "abc123", "guardrailVersion": "1"},
        "performanceConfig": {"latency": "optimized"},
        "requestMetadata": {"team": "blue"},
        "additionalModelRequestFields": {"anthropic_beta": ["x"]},
    }
    body = sent(**own)
    assert {name: body[name] for name in own} == own
    assert sent(**dict.fromkeys(own)).keys() == {"messages"}


@pytest.mark.parametrize("name", ["guardrailConfig", "requestMetadata", "additionalModelRequestFields"])
def test_and_are_objects(name: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat.upstream_request(call(None, **{name: "x"}))
    assert caught.value.param == name


def test_a_guardrails_trace_has_no_place_in_a_reply() -> None:
    guardrail = {"guardrailIdentifier": "abc123", "guardrailVersion": "1", "trace": "enabled"}
    with pytest.raises(UnsupportedParameterError) as caught:
        chat.upstream_request(call(guardrailConfig=guardrail))
    assert caught.value.param == "guardrailConfig.trace"


@pytest.mark.parametrize(
    ("model", "fields"), [(CLAUDE, {"top_k": 5}), (NOVA, {"inferenceConfig": {"topK": 5}})]
)
def test_top_k_is_each_models_own(model: str, fields: Any) -> None:
    assert sent(target(model), top_k=5)["additionalModelRequestFields"] == fields


def test_what_the_client_says_for_the_model_counts_for_more() -> None:
    fields = {"top_k": 9, "x": 1}
    assert sent(top_k=5, additionalModelRequestFields=fields)["additionalModelRequestFields"] == fields


@pytest.mark.parametrize("value", [0, -1, 1.5, "5", True])
def test_top_k_is_a_number_of_tokens(value: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat.upstream_request(call(top_k=value))
    assert caught.value.param == "top_k"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"n": 2}, "n"),
        ({"seed": 1}, "seed"),
        ({"presence_penalty": 1}, "presence_penalty"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"promptVariables": {"a": {"text": "b"}}}, "promptVariables"),
    ],
)
def test_the_rest_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    request: ChatCompletionRequest = call(**members).request
    with pytest.raises(UnsupportedParameterError) as caught:
        check_supported(request, PROVIDER.features)
    assert caught.value.param == param


def test_what_is_declared_is_what_there_is() -> None:
    assert Feature.TOOLS in PROVIDER.features.known
    assert Feature.REMOTE_IMAGES not in PROVIDER.features.known
    assert PROVIDER.models is None
