"""What Anthropic would find wrong with a request: written from its documents, apart from the code that makes requests.

Unknown members are refused everywhere, as Anthropic does it.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

VERSIONS = ("2023-06-01", "2026-10-21")
SAMPLING_GONE = "2026-10-21"
"""The version that takes no temperature, top_p and top_k."""

SYSTEM_ROLE_MODELS = ("claude-opus-4-8",)
"""Those that take messages of the role ``system``."""

ADAPTIVE_ONLY_MODELS = ("claude-opus-4-8",)
BUDGET_ONLY_MODELS = ("claude-haiku-4-5",)

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")

_MEMBERS = {
    "model", "max_tokens", "messages", "system", "stop_sequences", "temperature", "top_p", "top_k", "tools",
    "tool_choice", "metadata", "stream", "thinking", "output_config", "cache_control",
}  # fmt: skip
_BLOCKS: Mapping[str, tuple[set[str], set[str]]] = {
    "text": ({"text"}, {"cache_control", "citations"}),
    "image": ({"source"}, {"cache_control"}),
    "document": ({"source"}, {"cache_control", "title", "context", "citations"}),
    "tool_use": ({"id", "name", "input"}, {"cache_control"}),
    "tool_result": ({"tool_use_id"}, {"content", "is_error", "cache_control"}),
    "thinking": ({"thinking", "signature"}, set()),
    "redacted_thinking": ({"data"}, set()),
}
"""Members that a block has to have, and may have, beside its type."""

_ROLES = {
    "user": {"text", "image", "document", "tool_result"},
    "assistant": {"text", "tool_use", "thinking", "redacted_thinking"},
    "system": {"text"},
}


@dataclass
class WrongError(Exception):
    """What is wrong, in Anthropic's words or close to them."""

    message: str


def fault_of_body(body: Any, version: str) -> str | None:
    """What is wrong with a request's body; None if nothing is."""
    try:
        _check(body, version)
    except WrongError as wrong:
        return wrong.message
    return None


def _must(condition: object, message: str) -> None:
    if not condition:
        raise WrongError(message)


def _check(body: Any, version: str) -> None:
    _must(isinstance(body, dict), "The request body is not valid JSON")
    for member in body:
        _must(member in _MEMBERS, f"{member}: Extra inputs are not permitted")
    for member, kind in (("model", str), ("max_tokens", int), ("messages", list)):
        _must(member in body, f"{member}: Field required")
        _must(type(body[member]) is kind, f"{member}: Input should be a valid {kind.__name__}")
    _must(body["max_tokens"] >= 1, "max_tokens: Input should be greater than or equal to 1")
    _must(type(body.get("stream", False)) is bool, "stream: Input should be a valid boolean")
    system = body.get("system", "-")
    if isinstance(system, list):
        _check_blocks(system, "system", {"text"})
    else:
        _must(isinstance(system, str) and system, "system: text content blocks must be non-empty")
    if "cache_control" in body:
        _check_cache_control(body["cache_control"], "cache_control")
    _check_sampling(body, version)
    _check_tools(body)
    turns = _check_messages(body)
    _check_thinking(body, turns)
    _check_output(body.get("output_config", {}))
    marks = sum(1 for each in _objects(body) if "cache_control" in each)
    _must(marks <= 4, f"A maximum of 4 blocks with cache_control may be provided. Found {marks}.")


def _check_sampling(body: dict[str, Any], version: str) -> None:
    for member in ("temperature", "top_p", "top_k"):
        if member in body:
            _must(version != SAMPLING_GONE, f"{member}: Extra inputs are not permitted")
            _must(body["model"] not in ADAPTIVE_ONLY_MODELS, f"`{member}` is not supported for this model.")
            _must(type(body[member]) in (int, float), f"{member}: Input should be a valid number")
    _must(0 <= body.get("temperature", 1) <= 1, "temperature: range: 0..1")
    _must(0 <= body.get("top_p", 1) <= 1, "top_p: range: 0..1")
    _must(body.get("top_k", 0) >= 0, "top_k: Input should be greater than or equal to 0")
    stops = body.get("stop_sequences", [])
    _must(isinstance(stops, list), "stop_sequences: Input should be a valid list")
    for stop in stops:
        _must(
            isinstance(stop, str) and stop.strip(),
            "stop_sequences: each stop sequence must contain non-whitespace",
        )
    metadata = body.get("metadata", {})
    _must(not metadata.keys() - {"user_id"}, "metadata: Extra inputs are not permitted")
    _must(isinstance(metadata.get("user_id", ""), str), "metadata.user_id: Input should be a valid string")


def _check_tools(body: dict[str, Any]) -> None:
    tools = body.get("tools", [])
    names = set()
    for index, tool in enumerate(tools):
        place = f"tools.{index}.custom"
        for member in tool.keys() - {
            "name",
            "description",
            "input_schema",
            "strict",
            "cache_control",
            "type",
        }:
            raise WrongError(f"{place}.{member}: Extra inputs are not permitted")
        _must(_NAME.fullmatch(tool.get("name", "")), f"{place}.name: String should match pattern")
        _must(tool["name"] not in names, "tools: Tool names must be unique.")
        names.add(tool["name"])
        schema = tool.get("input_schema")
        _must(isinstance(schema, dict), f"{place}.input_schema: Field required")
        _must(schema.get("type") == "object", f"{place}.input_schema.type: Input should be 'object'")
        _must(
            isinstance(tool.get("description", ""), str),
            f"{place}.description: Input should be a valid string",
        )
        if "cache_control" in tool:
            _check_cache_control(tool["cache_control"], f"{place}.cache_control")
        if tool.get("strict"):
            _check_schema(schema, f"{place}.input_schema")
    choice = body.get("tool_choice")
    if choice is None:
        return
    _must(tools, "tool_choice: tool_choice may only be specified while providing tools")
    allowed = {
        "auto": {"disable_parallel_tool_use"},
        "any": {"disable_parallel_tool_use"},
        "tool": {"name", "disable_parallel_tool_use"},
        "none": set(),
    }.get(choice.get("type"))
    _must(allowed is not None and choice.keys() - {"type"} <= allowed, "tool_choice: Input tag is not valid")
    if choice["type"] == "tool":
        _must(choice.get("name") in names, f"Tool '{choice.get('name')}' not found in provided tools")


def _check_messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Check each message and their order; give back the turns, those of one role that follow each other made one."""
    _must(body["messages"], "messages: at least one message is required")
    turns: list[dict[str, Any]] = []
    for index, message in enumerate(body["messages"]):
        place = f"messages.{index}"
        _must(message.keys() == {"role", "content"}, f"{place}: Extra inputs are not permitted")
        role, content = message["role"], message["content"]
        _must(role in _ROLES, f"{place}.role: Input should be 'user' or 'assistant'")
        if role == "system":
            _must(
                body["model"] in SYSTEM_ROLE_MODELS, f"{place}: role 'system' is not supported on this model"
            )
            _must(turns and turns[-1]["role"] == "user", f"{place}: role 'system' must follow a user turn")
        elif role == "user" and turns:
            _must(turns[-1]["role"] != "system", f"{place}: role 'system' must precede an assistant turn")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        _must(blocks, f"{place}: all messages must have non-empty content")
        _check_blocks(blocks, f"{place}.content", _ROLES[role])
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] = turns[-1]["content"] + blocks
        else:
            turns.append({"role": role, "content": blocks})
    _must(turns[0]["role"] == "user", 'messages: first message must use the "user" role')
    _check_pairs(turns, has_tools=bool(body.get("tools")))
    last = turns[-1]
    if last["role"] == "assistant" and last["content"][-1]["type"] == "text":
        text = last["content"][-1]["text"]
        _must(text == text.rstrip(), "messages: final assistant content cannot end with trailing whitespace")
    return turns


def _check_pairs(turns: list[dict[str, Any]], *, has_tools: bool) -> None:
    seen: set[str] = set()
    open_ids: list[str] = []
    for index, turn in enumerate(turns):
        ids = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        results = [block["tool_use_id"] for block in turn["content"] if block["type"] == "tool_result"]
        _must(
            has_tools or not ids,
            "Requests which include `tool_use` or `tool_result` blocks must define tools",
        )
        first = [block.get("tool_use_id") for block in turn["content"][: len(results)]]
        _must(first == results, f"messages.{index}: tool_result blocks must come first")
        missing = [each for each in open_ids if each not in results]
        _must(
            not missing,
            f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {missing}",
        )
        extra = [each for each in results if each not in open_ids]
        _must(not extra, f"messages.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {extra}")
        _must(len(set(results)) == len(results), f"messages.{index}: each tool_use must have a single result")
        _must(not seen & set(ids) and len(set(ids)) == len(ids), "messages: `tool_use` ids must be unique")
        seen |= set(ids)
        open_ids = ids
    _must(not open_ids, f"messages: `tool_use` ids were found without `tool_result` blocks: {open_ids}")


def _check_blocks(blocks: Any, place: str, kinds: set[str]) -> None:
    _must(isinstance(blocks, list), f"{place}: Input should be a valid list")
    for index, block in enumerate(blocks):
        here = f"{place}.{index}"
        kind = block.get("type")
        _must(
            kind in kinds,
            f"{here}: Input tag '{kind}' found using 'type' does not match any of the expected tags",
        )
        required, optional = _BLOCKS[kind]
        for member in required - block.keys():
            raise WrongError(f"{here}.{kind}.{member}: Field required")
        for member in block.keys() - required - optional - {"type"}:
            raise WrongError(f"{here}.{kind}.{member}: Extra inputs are not permitted")
        if "cache_control" in block:
            _check_cache_control(block["cache_control"], f"{here}.cache_control")
        _CHECKS.get(kind, _nothing)(block, here)


def _nothing(block: dict[str, Any], here: str) -> None:
    pass


def _check_text(block: dict[str, Any], here: str) -> None:
    _must(isinstance(block["text"], str), f"{here}.text.text: Input should be a valid string")
    _must(block["text"], f"{here}: text content blocks must be non-empty")
    _must(block["text"].strip(), f"{here}: text content blocks must contain non-whitespace text")


def _check_image(block: dict[str, Any], here: str) -> None:
    match block["source"]:
        case {"type": "base64", "media_type": str(kind), "data": str(data), **rest} if not rest:
            _must(kind in _IMAGES, f"{here}.image.source.base64.media_type: Input should be one of {_IMAGES}")
            _check_base64(data, here)
        case {"type": "url", "url": str(url), **rest} if not rest:
            _must(url.startswith(("http://", "https://")), f"{here}: Only HTTP and HTTPS URLs are supported")
        case _:
            raise WrongError(f"{here}.image.source: Input tag is not valid")


def _check_document(block: dict[str, Any], here: str) -> None:
    match block["source"]:
        case {"type": "base64", "media_type": "application/pdf", "data": str(data), **rest} if not rest:
            _check_base64(data, here)
        case {"type": "text", "media_type": "text/plain", "data": str(), **rest} if not rest:
            pass
        case _:
            raise WrongError(f"{here}.document.source: Input tag is not valid")


def _check_base64(data: str, here: str) -> None:
    try:
        base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise WrongError(f"{here}: invalid base64 data") from error


def _check_tool_use(block: dict[str, Any], here: str) -> None:
    _must(_ID.fullmatch(block["id"]), f"{here}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    _must(_NAME.fullmatch(block["name"]), f"{here}.tool_use.name: String should match pattern")
    _must(isinstance(block["input"], dict), f"{here}.tool_use.input: Input should be a valid dictionary")


def _check_tool_result(block: dict[str, Any], here: str) -> None:
    content = block.get("content", "")
    if not isinstance(content, str):
        _check_blocks(content, f"{here}.tool_result.content", {"text", "image", "document"})


def _check_thought(block: dict[str, Any], here: str) -> None:
    _must(isinstance(block["thinking"], str), f"{here}.thinking.thinking: Input should be a valid string")
    _must(
        isinstance(block["signature"], str) and block["signature"],
        f"{here}: Invalid `signature` in `thinking` block",
    )


_CHECKS: Mapping[str, Callable[[dict[str, Any], str], None]] = {
    "text": _check_text,
    "image": _check_image,
    "document": _check_document,
    "tool_use": _check_tool_use,
    "tool_result": _check_tool_result,
    "thinking": _check_thought,
}


def _check_cache_control(mark: Any, place: str) -> None:
    is_one = isinstance(mark, dict) and mark.get("type") == "ephemeral" and not mark.keys() - {"type", "ttl"}
    _must(is_one and mark.get("ttl", "5m") in ("5m", "1h"), f"{place}: Input tag is not valid")


def _check_thinking(body: dict[str, Any], turns: list[dict[str, Any]]) -> None:
    thinking = body.get("thinking", {"type": "disabled"})
    match thinking:
        case {"type": "disabled", **rest}:
            _must(not rest, "thinking.disabled: Extra inputs are not permitted")
            return
        case {"type": "enabled", "budget_tokens": int(budget), **rest}:
            _must(rest.keys() <= {"display"}, "thinking.enabled: Extra inputs are not permitted")
            _must(
                body["model"] not in ADAPTIVE_ONLY_MODELS,
                '"thinking.type.enabled" is not supported for this model.',
            )
            _must(
                budget >= 1024,
                "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
            )
            _must(budget < body["max_tokens"], "`max_tokens` must be greater than `thinking.budget_tokens`.")
            _check_first_thought(turns)
        case {"type": "adaptive", **rest}:
            _must(rest.keys() <= {"display"}, "thinking.adaptive: Extra inputs are not permitted")
            _must(body["model"] not in BUDGET_ONLY_MODELS, "adaptive thinking is not supported on this model")
        case _:
            raise WrongError("thinking: Input tag is not valid")
    _must(body.get("temperature", 1) == 1, "`temperature` may only be set to 1 when thinking is enabled.")
    _must(
        body.get("top_p", 1) >= 0.95,
        "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.",
    )
    _must("top_k" not in body, "`top_k` must be unset when thinking is enabled.")
    forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    _must(not forced, "Thinking may not be enabled when tool_choice forces tool use.")
    _must(turns[-1]["role"] != "assistant", "Prefilling is not supported when thinking is enabled.")


def _check_first_thought(turns: list[dict[str, Any]]) -> None:
    answers = [turn["content"] for turn in turns if turn["role"] == "assistant"]
    if answers and any(block["type"] == "tool_use" for block in answers[-1]):
        _must(
            answers[-1][0]["type"] in ("thinking", "redacted_thinking"),
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final "
            "`assistant` message must start with a thinking block",
        )


def _check_output(config: dict[str, Any]) -> None:
    _must(config.keys() <= {"effort", "format"}, "output_config: Extra inputs are not permitted")
    _must(config.get("effort", "low") in _EFFORTS, f"output_config.effort: Input should be one of {_EFFORTS}")
    match config.get("format"):
        case None:
            pass
        case {"type": "json_schema", "schema": dict(schema), **rest} if not rest:
            _check_schema(schema, "output_config.format.schema")
        case _:
            raise WrongError("output_config.format: Input tag is not valid")


def _check_schema(schema: Any, place: str) -> None:
    for each in _objects(schema):
        if each.get("type") == "object":
            _must(
                each.get("additionalProperties") is False,
                f"{place}: For 'object' type, 'additionalProperties' must be explicitly set to false",
            )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    match value:
        case dict():
            yield value
            for part in value.values():
                yield from _objects(part)
        case list():
            for part in value:
                yield from _objects(part)
