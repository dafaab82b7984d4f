"""What Bedrock's Converse can express, and members of its own that it takes.

What only some of its models can (tools, pictures, a schema, an effort) the catalogue says of those that cannot.
"""

from typing import Any, Final, assert_never

from pydantic_core import to_json

from sluice.api.chat_request import ChatCompletionRequest, JSONObjectFormat, JSONSchemaFormat, TextFormat
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.extra_members import check_members
from sluice.providers.features import Feature, Features

MODEL_FIELDS: Final = "additionalModelRequestFields"
PASSED_ON: Final = (MODEL_FIELDS, "guardrailConfig", "performanceConfig", "requestMetadata")
"""Converse's own members, taken as they are."""
TOP_K: Final = "top_k"

FEATURES: Final = Features(
    known=frozenset(
        {
            Feature.TOOLS,
            Feature.TOOL_CHOICE,
            Feature.ALLOWED_TOOLS,
            Feature.SERIAL_TOOLS,  # kept by the gateway: see providers.one_call
            Feature.IMAGES,
            Feature.AUDIO,
            Feature.FILES,
            Feature.JSON_SCHEMA,
            Feature.TEMPERATURE,
            Feature.TOP_P,
            Feature.STOP,
            Feature.REASONING_EFFORT,
        }
    ),
    members=frozenset({*PASSED_ON, TOP_K}),
)

MAX_TEMPERATURE = 1.0

_NOVA = "amazon.nova"


def inference_config(request: ChatCompletionRequest) -> dict[str, Any]:
    """The limits and the sampling that all models have.

    Raises:
        UnsupportedParameterError: the temperature is above what Bedrock knows.
    """
    config: dict[str, Any] = {}
    limit = request.output_limit
    if limit is not None:
        config["maxTokens"] = limit
    if request.temperature is not None:
        if request.temperature > MAX_TEMPERATURE:
            raise UnsupportedParameterError("Bedrock takes temperatures from 0 to 1.", param="temperature")
        config["temperature"] = request.temperature
    if request.top_p is not None:
        config["topP"] = request.top_p
    if request.stop:
        config["stopSequences"] = [request.stop] if isinstance(request.stop, str) else request.stop
    return config


def output_config(request: ChatCompletionRequest) -> dict[str, Any] | None:
    """The schema that the answer obeys, which Converse takes as JSON text; None for free text.

    Raises:
        InvalidRequestError: there is no schema.
        UnsupportedParameterError: any JSON will do, for which there is no way to ask.
    """
    match request.response_format:
        case None | TextFormat():
            return None
        case JSONObjectFormat():
            raise UnsupportedParameterError(
                "Bedrock writes JSON of a given schema only.", param="response_format"
            )
        case JSONSchemaFormat(json_schema=wanted):
            check_members(request.response_format, "response_format")
            check_members(wanted, "response_format.json_schema")
            if wanted.definition is None:
                raise InvalidRequestError(
                    "The schema is missing.", param="response_format.json_schema.schema"
                )
            definition = {"schema": to_json(wanted.definition).decode(), "name": wanted.name}
            if wanted.description:
                definition["description"] = wanted.description
            return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}
        case _:
            assert_never(request.response_format)


def own_members(request: ChatCompletionRequest) -> dict[str, Any]:
    """Converse's own members, as the client gives them.

    Raises:
        InvalidRequestError: one is no object.
        UnsupportedParameterError: a guardrail's trace is asked for, for which a reply has no place.
    """
    extra = request.model_extra or {}
    members: dict[str, Any] = {}
    for name in PASSED_ON:
        value = extra.get(name)
        if value is None:
            continue
        if not isinstance(value, dict):
            raise InvalidRequestError(f"'{name}' should be an object.", param=name)
        members[name] = value
    if members.get("guardrailConfig", {}).get("trace", "disabled") != "disabled":
        raise UnsupportedParameterError(
            "The gateway's replies have no place for a guardrail's trace.", param="guardrailConfig.trace"
        )
    return members


def top_k_field(request: ChatCompletionRequest, model: str) -> dict[str, Any]:
    """``top_k`` as the model of this id has it, among what Converse leaves to each model.

    Raises:
        InvalidRequestError: ``top_k`` is no number of tokens.
    """
    top_k = (request.model_extra or {}).get(TOP_K)
    if top_k is None:
        return {}
    if not isinstance(top_k, int) or isinstance(top_k, bool) or top_k < 1:
        raise InvalidRequestError("'top_k' should be an integer above 0.", param=TOP_K)
    return {"inferenceConfig": {"topK": top_k}} if _NOVA in model else {TOP_K: top_k}
