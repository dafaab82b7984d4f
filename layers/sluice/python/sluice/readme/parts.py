"""Puts made parts into a page that is otherwise written by hand."""

from collections.abc import Mapping


def with_parts(text: str, parts: Mapping[str, str]) -> str:
    """A page with each part between its two marks.

    Raises:
        ValueError: a part has no place in it.
    """
    for name, part in parts.items():
        text = _with_part(text, name, part)
    return text


def _with_part(text: str, name: str, part: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"the page has no place for the part '{name}'")
    return f"{before}{begin}{part}\n{end}{after}"
