"""What the Gemini API finds wrong with a request to a model, beyond unknown members.

Source: https://ai.google.dev/gemini-api/docs/function-calling, …/thought-signatures, …/thinking, and the messages that
Google answers with.
"""

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from gemini_members import members_of
from gemini_refusals import RefusedError

UNSIGNED = "skip_thought_signature_validator"
_KINDS = frozenset({"text", "inlineData", "fileData", "functionCall", "functionResponse"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_MODES = frozenset({"AUTO", "ANY", "NONE", "VALIDATED"})
_LEVELS = frozenset({"MINIMAL", "LOW", "MEDIUM", "HIGH"})
_MODALITIES = frozenset({"TEXT", "IMAGE", "AUDIO"})
_RATIOS = frozenset({"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"})
_RESOLUTIONS = frozenset({"1K", "2K", "4K"})
_REFUSED_IN_SCHEMAS = ("$schema", "additionalProperties", "const", "$ref", "$defs")

type Content = dict[str, Any]


def checked_request(given: Any, model: str) -> dict[str, Any]:
    """The body of a request for content, its members by their JSON names.

    Raises:
        RefusedError: Gemini would not take it.
    """
    body = members_of(given, "request")
    contents = body.get("contents") or []
    if not contents:
        raise RefusedError("* GenerateContentRequest.contents: contents is not specified")
    for index, content in enumerate(contents):
        _check_content(content, f"contents[{index}]")
    if "systemInstruction" in body and not body["systemInstruction"].get("parts"):
        raise RefusedError("* GenerateContentRequest.system_instruction: must not be empty")
    _check_order(contents)
    if series_of(model) >= (3, 0):
        _check_signatures(contents)
    _check_tools(body)
    _check_config(body.get("generationConfig") or {}, model)
    return body


def series_of(model: str) -> tuple[int, int]:
    """The version of a model's series."""
    found = re.match(r"gemini-(\d+)(?:\.(\d+))?", model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def _check_content(content: Content, place: str) -> None:
    if content.get("role") not in (None, "user", "model"):
        raise RefusedError("Please use a valid role: user, model.")
    parts = content.get("parts")
    if not parts:
        raise RefusedError(f"* GenerateContentRequest.{place}.parts: contents.parts must not be empty.")
    for index, part in enumerate(parts):
        _check_part(part, f"{place}.parts[{index}]")


def _check_part(part: dict[str, Any], place: str) -> None:
    kinds = part.keys() & _KINDS
    if len(kinds) != 1:
        raise RefusedError(
            f"* GenerateContentRequest.{place}.data: required oneof field 'data' must have one initialized field"
        )
    match part:
        case {"inlineData": {"mimeType": str(mime), "data": str(data)}} if mime and data:
            pass
        case {"inlineData": _}:
            raise RefusedError(f"* GenerateContentRequest.{place}.inline_data.mime_type: must not be empty")
        case {"fileData": {"fileUri": str(uri), "mimeType": str(mime)}} if (
            uri.lower().startswith("https://") and mime
        ):
            pass
        case {"fileData": _}:
            raise RefusedError("Invalid or unsupported file uri")
        case {"functionCall": call}:
            _check_name(call.get("name"), f"{place}.function_call.name")
        case {"functionResponse": response}:
            _check_name(response.get("name"), f"{place}.function_response.name")
            if "response" not in response:
                raise RefusedError(f"* GenerateContentRequest.{place}.function_response.response: required")


def _check_name(name: Any, place: str) -> None:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise RefusedError(f"* GenerateContentRequest.{place}: Invalid function name.")


def _calls(content: Content, kind: str = "functionCall") -> list[dict[str, Any]]:
    return [part[kind] for part in content["parts"] if kind in part]


def _check_order(contents: Sequence[Content]) -> None:
    """Each step's calls are answered, all of them, in the turn after it."""
    turns = [{"role": "user", "parts": []}, *contents, {"role": "user", "parts": []}]
    for before, after in pairwise(turns):
        calls, answers = _calls(before), _calls(after, "functionResponse")
        if calls and before.get("role") != "model":
            raise RefusedError("Please ensure that function call turns are of the role model.")
        if answers and after.get("role") == "model":
            raise RefusedError("Please ensure that function response turns are not of the role model.")
        if _calls(after) and before.get("role") == "model":
            raise RefusedError(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        if len(calls) != len(answers):
            raise RefusedError(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        if sorted(call["name"] for call in calls) != sorted(answer["name"] for answer in answers):
            raise RefusedError("Please ensure that function responses have the names of their calls.")
        given = {call.get("id") for call in calls}
        if {answer.get("id") for answer in answers} != given:
            raise RefusedError("Please ensure that function responses have the ids of their calls.")


def _check_signatures(contents: Sequence[Content]) -> None:
    """Gemini 3: the first call of each step since the user's last words has its signature."""
    for index in reversed(range(len(contents))):
        content = contents[index]
        if content.get("role") != "model":
            if any("functionResponse" not in part for part in content["parts"]):
                return
            continue
        first = next((part for part in content["parts"] if "functionCall" in part), None)
        if first is not None and not first.get("thoughtSignature"):
            name = first["functionCall"]["name"]
            raise RefusedError(
                f"Function call `{name}` in the `{index + 1}.` content block is missing a `thought_signature`."
            )


def _check_tools(body: dict[str, Any]) -> None:
    names = set()
    for tool in body.get("tools") or ():
        for function in tool.get("functionDeclarations") or ():
            _check_name(function.get("name"), "tools.function_declarations.name")
            names.add(function["name"])
            if "parameters" in function:
                _check_schema(function["parameters"])
            if "parameters" in function and "parametersJsonSchema" in function:
                raise RefusedError("parameters and parameters_json_schema are mutually exclusive.")
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode, allowed = config.get("mode", "AUTO"), config.get("allowedFunctionNames") or []
    if mode not in _MODES:
        raise RefusedError(f"Invalid value at 'tool_config.function_calling_config.mode': {mode!r}")
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise RefusedError("Function calling mode must be ANY if allowed_function_names is set.")
    if mode in ("ANY", "VALIDATED") and not names:
        raise RefusedError("Function calling config is set without function_declarations.")
    if not set(allowed) <= names:
        raise RefusedError("allowed_function_names should be a subset of the function declarations.")


def _check_schema(schema: Any) -> None:
    """The older of the two forms takes a part of OpenAPI's schemas only."""
    text = json.dumps(schema)
    for word in _REFUSED_IN_SCHEMAS:
        if f'"{word}":' in text:
            raise RefusedError(f'Invalid JSON payload received. Unknown name "{word}": Cannot find field.')
    if '"type": [' in text:
        raise RefusedError("Invalid value: Proto field is not repeating, cannot start list.")


def _check_config(config: dict[str, Any], model: str) -> None:
    ranges = {
        "temperature": (0, 2),
        "topP": (0, 1),
        "candidateCount": (1, 8),
        "maxOutputTokens": (1, 65536),
        "presencePenalty": (-2, 2),
        "frequencyPenalty": (-2, 2),
        "seed": (-(2**31), 2**31 - 1),
        "logprobs": (0, 20),
    }
    for name, (least, most) in ranges.items():
        if name in config and not least <= config[name] <= most:
            raise RefusedError(f"* GenerateContentRequest.generation_config.{name}: out of range")
    if len(config.get("stopSequences") or ()) > 5:
        raise RefusedError("The number of stop_sequences exceeds the limit of 5.")
    if config.get("logprobs") is not None and not config.get("responseLogprobs"):
        raise RefusedError("logprobs requires response_logprobs to be true.")
    if config.get("responseLogprobs") and series_of(model) >= (2, 5):
        raise RefusedError(f"Logprobs is not enabled for models/{model}")
    if "responseJsonSchema" in config and config.get("responseMimeType") != "application/json":
        raise RefusedError("response_json_schema requires the response_mime_type application/json.")
    if "thinkingConfig" in config:
        _check_thinking(config["thinkingConfig"], model)
    _check_pictures(config, model)


def _check_pictures(config: dict[str, Any], model: str) -> None:
    """What is said of pictures, to a model that makes them."""
    modalities, form = config.get("responseModalities", []), config.get("imageConfig", {})
    if not set(modalities) <= _MODALITIES:
        raise RefusedError(
            "* GenerateContentRequest.generation_config.response_modalities: unknown enum value"
        )
    if "IMAGE" in modalities and "-image" not in model:
        raise RefusedError("Image generation is not available for this model.")
    if form and "-image" not in model:
        raise RefusedError("Image config is not enabled for this model.")
    if form.get("aspectRatio", "1:1") not in _RATIOS or form.get("imageSize", "1K") not in _RESOLUTIONS:
        raise RefusedError("* GenerateContentRequest.generation_config.image_config: invalid value")


def _check_thinking(config: dict[str, Any], model: str) -> None:
    series = series_of(model)
    if series < (2, 5):
        raise RefusedError("Thinking is not enabled for this model.")
    if "thinkingLevel" in config:
        if series < (3, 0):
            raise RefusedError("Thinking level is not supported for this model.")
        if config["thinkingLevel"] not in _LEVELS:
            raise RefusedError("Invalid value at 'generation_config.thinking_config.thinking_level'")
        if "thinkingBudget" in config:
            raise RefusedError("You can only set only one of thinking budget and thinking level.")
    if "thinkingBudget" in config:
        least, most = (128, 32768) if "pro" in model else (0, 24576)
        if config["thinkingBudget"] != -1 and not least <= config["thinkingBudget"] <= most:
            raise RefusedError(
                f"The thinking budget {config['thinkingBudget']} is invalid. Please choose a value between "
                f"{least} and {most}."
            )
