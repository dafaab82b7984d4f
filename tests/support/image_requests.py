"""Requests for pictures as their endpoint understands them, calls with them, and what becomes of these."""

import struct
import zlib
from typing import Any

from pydantic_core import from_json

from sluice.api.images_request import ImagesRequest
from sluice.api.validation import validate
from sluice.catalog import ModelRow
from sluice.providers.contract import ImageOperation, Inline, ProviderCall, Target
from sluice.providers.media_features import check_media

TARGET = Target("openai", "https://api.example/v1/", "upstream-model", "sk-upstream", {"X-Team": "blue"})
ANY_ROW = ModelRow.model_validate({"id": "m", "kind": "image", "retired": "2026-01-01"})


def images_request(prompt: str = "a cat", **members: Any) -> ImagesRequest:
    """To make pictures."""
    return validate(ImagesRequest, {"model": "asked-for", "prompt": prompt, **members})


def images_call(prompt: str = "a cat", to: Target = TARGET, **members: Any) -> ProviderCall[ImagesRequest]:
    """The same, on its way to a provider."""
    return ProviderCall(images_request(prompt, **members), to, id="image_ours", now=1_700_000_000.5)


def asked(operation: ImageOperation, call: ProviderCall[ImagesRequest], index: int = 0) -> Any:
    """The body that a provider gets, after it was checked what it can express."""
    check_media(operation.FEATURES, call.request, ANY_ROW)
    return from_json(operation.upstream_request(call, index).body)


def inline(operation: ImageOperation, body: bytes, call: ProviderCall[ImagesRequest] | None = None) -> bytes:
    """The picture that stands in a reply."""
    media = operation.picture(body, call or images_call())
    assert isinstance(media, Inline)
    return media.content


def png_pixels(picture: bytes) -> tuple[int, int, int, bytes]:
    """Width, height, bytes of a pixel and the rows of a PNG, after all of its checksums were compared."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: dict[bytes, bytes] = {}
    rest = picture[8:]
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        name, content = rest[4:8], rest[8 : 8 + length]
        assert struct.unpack(">I", rest[8 + length : 12 + length]) == (zlib.crc32(name + content),)
        chunks[name] = content
        rest = rest[12 + length :]
    assert next(iter(chunks)) == b"IHDR"
    assert list(chunks)[-1] == b"IEND"
    width, height, depth, colours = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert depth == 8
    size = {3: 1, 2: 3}[colours]
    assert colours != 3 or len(chunks[b"PLTE"]) % 3 == 0
    pixels = zlib.decompress(chunks[b"IDAT"])
    assert len(pixels) == height * (1 + size * width)
    return width, height, size, pixels
