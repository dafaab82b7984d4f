"""What engines tell of pages, as plain text: on one line, without markup and without what cannot be seen."""

import html
import re

from sluice.search.visible import visible

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


def plain_text(raw: object) -> str:
    """The text of an engine's HTML or text; empty if it is no string."""
    if not isinstance(raw, str):
        return ""
    marked = _BREAKS.sub(lambda tag: " " + tag[0], raw[:MOST_RAW_CHARACTERS])
    return visible(html.unescape(_MARKUP.sub("", marked)))
