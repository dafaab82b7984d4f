"""Well-formed replies of OpenAI's images: real pictures, which depend on the prompt and the seed and on nothing else.

Two kinds of models: OpenAI's own, which refuse what they do not know and always send base64, and those of compatible
hosts, which take ``response_format`` and send addresses unless they are told otherwise.

Source: https://platform.openai.com/docs/api-reference/images/create, and the gateway's reference implementations.
"""

import base64
import hashlib
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from mock_completions import CREATED

OWN_MODEL = "gpt-image-2.5-flare"
HOSTED_MODEL = "black-forest-labs/FLUX.1-dev"
IMAGE_MODELS = (OWN_MODEL, HOSTED_MODEL)
PICTURES = "/pictures/"
"""Where pictures lie, for whoever has the address and shows no credential."""

FORBIDDEN = "#forbidden"
"""In a prompt: what a filter does not let pass."""

UNSHOWN = "#unshown"
"""In a prompt: what is made, and not shown."""

SIDE = 8
_OWN_MEMBERS = frozenset(
    {
        *("model", "prompt", "n", "size", "quality", "user"),
        *("background", "output_format", "output_compression", "moderation"),
    }
)
_WORDS = {
    "quality": {"auto", "low", "medium", "high", "xhigh", "max"},
    "background": {"auto", "opaque", "transparent"},
    "output_format": {"png", "jpeg", "webp"},
    "moderation": {"auto", "low"},
}
_SIZE = re.compile(r"auto|\d+x\d+")


@dataclass(frozen=True)
class ImageRefusedError(Exception):
    """A request that the provider does not take, with the error object that it answers."""

    message: str
    param: str | None = None
    code: str | None = None
    type: str = "invalid_request_error"

    @property
    def body(self) -> dict[str, Any]:
        """As it is sent, with status 400."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": error}


def picture_of(prompt: str, seed: int | None = None) -> bytes:
    """The PNG that is made of a prompt and a seed: one colour, their digest's."""
    colour = hashlib.sha256(f"{seed}/{prompt}".encode()).digest()[:3]
    rows = (b"\0" + colour * SIDE) * SIDE
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def images(request: dict[str, Any], host: str) -> dict[str, Any]:
    """The reply to a request; ``host`` is the server's own, for addresses.

    Raises:
        ImageRefusedError: OpenAI, or the host, would not take it.
    """
    _check(request)
    number = request.get("n", 1)
    if request["model"] == OWN_MODEL:
        usage = {"input_tokens": 5, "output_tokens": 439, "total_tokens": 444}
        data = [{"b64_json": _encoded(request)} for _ in range(number)]
        return {"created": CREATED, "data": data, "output_format": "png", "usage": usage}
    if request.get("response_format", "url") == "b64_json":
        rows: list[dict[str, Any]] = [{"b64_json": _encoded(request)}] * number
    else:
        name = base64.urlsafe_b64encode(_picture(request)).decode()
        rows = [{"url": f"http://{host}{PICTURES}{name}"}] * number
    data = [row | {"index": index} for index, row in enumerate(rows)]
    return {"created": CREATED, "model": request["model"], "object": "list", "data": data}


def stored(path: str) -> bytes:
    """The picture at an address."""
    return base64.urlsafe_b64decode(path.removeprefix(PICTURES))


def _picture(request: dict[str, Any]) -> bytes:
    return picture_of(request["prompt"], request.get("seed"))


def _encoded(request: dict[str, Any]) -> str:
    return base64.b64encode(_picture(request)).decode()


def _check(request: dict[str, Any]) -> None:
    if request.get("model") not in IMAGE_MODELS:
        raise ImageRefusedError("Invalid value for 'model'", "model", "invalid_value")
    prompt, number = request.get("prompt"), request.get("n", 1)
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= 32_000:
        raise ImageRefusedError(
            "Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter"
        )
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 10:
        raise ImageRefusedError("Invalid value for 'n'", "n", "invalid_value")
    size = request.get("size", "auto")
    if not isinstance(size, str) or not _SIZE.fullmatch(size):
        raise ImageRefusedError(f"Invalid size {size!r}", "size", "invalid_value")
    if request["model"] == OWN_MODEL:
        _check_own(request)
    elif request.get("response_format", "url") not in ("url", "b64_json"):
        raise ImageRefusedError("Invalid value for 'response_format'", "response_format", "invalid_value")
    if FORBIDDEN in prompt:
        raise ImageRefusedError(
            "Your request was rejected by the safety system.",
            code="moderation_blocked",
            type="image_generation_user_error",
        )


def _check_own(request: dict[str, Any]) -> None:
    for name in request.keys() - _OWN_MEMBERS:
        raise ImageRefusedError(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    for name, words in _WORDS.items():
        if request.get(name, "auto" if "auto" in words else "png") not in words:
            raise ImageRefusedError(f"Invalid value for '{name}'", name, "invalid_value")
    compression = request.get("output_compression", 100)
    if not isinstance(compression, int) or not 0 <= compression <= 100:
        raise ImageRefusedError("Invalid value", "output_compression", "invalid_value")
