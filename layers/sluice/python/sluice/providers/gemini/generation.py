"""How the answer is to be made: Gemini's ``generationConfig`` and ``safetySettings``.

``maxOutputTokens`` bounds thoughts and answer together, as OpenAI's ``max_completion_tokens`` does.

Source: https://ai.google.dev/api/generate-content#generationconfig.
"""

from typing import Any, assert_never

from sluice.api.chat_request import ChatCompletionRequest, JSONObjectFormat, JSONSchemaFormat, TextFormat
from sluice.api.messages import ImagePart, UserMessage
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.contract import Target
from sluice.providers.extra_members import check_members
from sluice.providers.gemini.thinking import thinking_config

MOST_CANDIDATES = 8
_JSON = "application/json"
_RESOLUTIONS = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}


def generation_config(request: ChatCompletionRequest, target: Target) -> dict[str, Any]:
    """The config; members that the client does not give stay out.

    Raises:
        UnsupportedParameterError: Gemini has no way to say it.
        InvalidRequestError: a member of Gemini's own is malformed.
    """
    config = {
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": _top_k(request),
        "candidateCount": _candidates(request),
        "maxOutputTokens": request.output_limit,
        "stopSequences": [request.stop] if isinstance(request.stop, str) else request.stop,
        "seed": _seed(request),
        "presencePenalty": request.presence_penalty,
        "frequencyPenalty": request.frequency_penalty,
        "responseLogprobs": request.logprobs or None,
        "logprobs": request.top_logprobs or None,
        "mediaResolution": _resolution(request),
        "thinkingConfig": thinking_config(request, target),
        **_format(request),
    }
    return {name: value for name, value in config.items() if value is not None}


def safety_settings(request: ChatCompletionRequest) -> list[Any] | None:
    """Google's own ``safety_settings``, each with ``category`` and ``threshold``.

    Raises:
        InvalidRequestError: they are no list of objects.
    """
    settings = (request.model_extra or {}).get("safety_settings")
    if not settings:
        return None
    if not isinstance(settings, list) or not all(isinstance(setting, dict) for setting in settings):
        raise InvalidRequestError("This should be an array of objects.", param="safety_settings")
    return settings


def _top_k(request: ChatCompletionRequest) -> int | None:
    value = (request.model_extra or {}).get("top_k")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
        raise InvalidRequestError("This should be a positive integer.", param="top_k")
    return value


def _candidates(request: ChatCompletionRequest) -> int | None:
    if request.n is None or request.n == 1:
        return None
    if request.n > MOST_CANDIDATES:
        raise UnsupportedParameterError(f"Gemini gives {MOST_CANDIDATES} answers at most.", param="n")
    return request.n


def _seed(request: ChatCompletionRequest) -> int | None:
    if request.seed is not None and not -(2**31) <= request.seed < 2**31:
        raise UnsupportedParameterError("Gemini takes seeds of 32 bits.", param="seed")
    return request.seed


def _format(request: ChatCompletionRequest) -> dict[str, Any]:
    form = request.response_format
    if form is None:
        return {}
    check_members(form, "response_format")
    match form:
        case TextFormat():
            return {}
        case JSONObjectFormat():
            return {"responseMimeType": _JSON}
        case JSONSchemaFormat(json_schema=wanted):
            check_members(wanted, "response_format.json_schema")
            schema = wanted.definition
            if schema is not None and wanted.description:
                schema = {"description": wanted.description, **schema}
            return {"responseMimeType": _JSON, "responseJsonSchema": schema}
        case _:
            assert_never(form)


def _resolution(request: ChatCompletionRequest) -> str | None:
    """How closely pictures are looked at: Gemini has one resolution for all.

    Raises:
        UnsupportedParameterError: they are to be looked at in different ways.
    """
    details: dict[str, str] = {}
    for number, message in enumerate(request.messages):
        if isinstance(message, UserMessage) and not isinstance(message.content, str):
            for position, part in enumerate(message.content):
                if isinstance(part, ImagePart):
                    place = f"messages[{number}].content[{position}].image_url.detail"
                    details.setdefault(part.image_url.detail or "auto", place)
    if len(details) > 1:
        raise UnsupportedParameterError(
            "Gemini looks at all pictures of a request with the same 'detail'.",
            param=list(details.values())[-1],
        )
    for detail, place in details.items():
        if detail not in (*_RESOLUTIONS, "auto"):
            raise UnsupportedParameterError(f"Gemini has no detail '{detail:.100}'.", param=place)
    return next((_RESOLUTIONS.get(detail) for detail in details), None)
