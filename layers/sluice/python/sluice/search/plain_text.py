"""What engines tell of pages, as plain text: on one line, without markup and without what cannot be seen."""

import html
import re
import unicodedata

MOST_RAW_CHARACTERS = 20_000
"""Of a title or an extract, before anything is made of it; only the beginning is ever shown."""

_TAGS = (
    "a|abbr|article|b|big|blockquote|body|br|center|cite|code|dd|del|div|dl|dt|em|font|footer|h[1-6]|head|header|hr|html|"
    "i|iframe|img|input|ins|kbd|li|link|main|mark|meta|nav|object|ol|p|pre|q|s|samp|script|section|small|span|strike|"
    "strong|style|sub|sup|svg|table|tbody|td|th|thead|time|tr|u|ul|var|wbr"
)
_MARKUP = re.compile(rf"</?(?:{_TAGS})(?:[\s/][^<>]*)?>|<!--[^<>]*-->", re.IGNORECASE)
"""HTML's own tags alone: ``List<int>`` and ``a < b`` are text."""

_BREAKS = re.compile(r"<(?:br|p|div|li|tr|h[1-6])\b", re.IGNORECASE)

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
"""Control, format (bidirectional overrides, zero widths, tags), unassigned, private and lone halves of characters:
nobody sees them, but a model reads them."""

_JOINERS = frozenset("\u200c\u200d")
"""Format characters that scripts and emojis need."""

_VARIATIONS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""Variation selectors: any bytes can be written in them behind a single visible character."""


def plain_text(raw: object) -> str:
    """The text of an engine's HTML or text; empty if it is no string."""
    if not isinstance(raw, str):
        return ""
    marked = _BREAKS.sub(lambda tag: " " + tag[0], raw[:MOST_RAW_CHARACTERS])
    return visible(html.unescape(_MARKUP.sub("", marked)))


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
