"""Text as a person sees it."""

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
"""Control, format (bidirectional overrides, zero widths, tags), unassigned, private and lone halves of characters:
nobody sees them, but a model reads them."""

_JOINERS = frozenset("\u200c\u200d")
"""Format characters that scripts and emojis need."""

_VARIATIONS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""Variation selectors: any bytes can be written in them behind a single visible character."""


def visible(text: str) -> str:
    """The text on one line, without characters that are not seen."""
    spaced = "".join(" " if each.isspace() else each for each in text)
    return " ".join("".join(filter(_is_seen, spaced)).split())


def _is_seen(character: str) -> bool:
    if character.isascii():
        return character >= " " and character != "\x7f"
    if character in _VARIATIONS:
        return False
    return character in _JOINERS or unicodedata.category(character) not in _UNSEEN
