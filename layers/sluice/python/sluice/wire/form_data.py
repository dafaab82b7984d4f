"""Writes bodies of the type ``multipart/form-data``.

Source: RFC 7578; how names are quoted is as browsers do it, https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

_QUOTED = str.maketrans({"\n": "%0A", "\r": "%0D", '"': "%22"})


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a form; one with a ``filename`` is a file."""

    name: str
    content: bytes = field(repr=False)
    filename: str | None = None
    content_type: str | None = None


def content_type_of(boundary: str) -> str:
    """What the request's header says."""
    return f"multipart/form-data; boundary={boundary}"


def form_data(parts: Iterable[Part], boundary: str) -> bytes:
    """The body. The boundary must not be in any part: it is to be one that nobody can guess."""
    lines: list[bytes] = []
    for part in parts:
        head = f'--{boundary}\r\ncontent-disposition: form-data; name="{part.name.translate(_QUOTED)}"'
        if part.filename is not None:
            head += f'; filename="{part.filename.translate(_QUOTED)}"'
        if part.content_type is not None:
            head += f"\r\ncontent-type: {part.content_type}"
        lines += [head.encode(), b"\r\n\r\n", part.content, b"\r\n"]
    return b"".join([*lines, f"--{boundary}--\r\n".encode()])
