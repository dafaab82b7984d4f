"""How the demo models cut texts into tokens."""

import re
from typing import Final

TOKEN: Final = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")
"""What counts as a token: a word or a sign, with the white space before it. Joined, they are the text again."""

MAX_PROMPT_CHARACTERS: Final = 500_000
MAX_REPLY_CHARACTERS: Final = 30_000
"""Of each choice. The demo models work inside the gateway, so what they are told and say has bounds of its own."""


def stopped(text: str, stop: str | list[str] | None) -> str:
    """A text up to the first stop sequence in it."""
    sequences = [stop] if isinstance(stop, str) else stop or []
    return text[: min((text.find(each) for each in sequences if each and each in text), default=len(text))]
