"""Members that messages bring back from earlier turns: a reply or a client's SDK has put them there.

They ask for nothing, so that a provider that has no place for them goes without. ``parsed`` and ``parsed_arguments``
are what OpenAI's SDKs have read of an answer or of arguments, which stand beside them in full; ``reasoning`` is other
hosts' name for ``reasoning_content``. What asks for something is ``reasoning_details``: to be given back.
"""

from collections.abc import Mapping
from typing import Any

from sluice.errors import InvalidRequestError

MESSAGE_MEMBERS = frozenset({"annotations", "parsed", "reasoning"})
"""Of an assistant's message."""

CALL_MEMBERS = frozenset({"extra_content", "index"})
"""Of a tool call: another provider's, and its place in the stream that it came in."""

FUNCTION_MEMBERS = frozenset({"parsed_arguments"})
"""Of the function in a call."""

RESULT_MEMBERS = frozenset({"name"})
"""Of a tool's answer: the function's name, which the call that it answers has as well."""


def text_of_detail(detail: Mapping[str, Any], member: str, place: str) -> str:
    """A text in one of the objects of ``reasoning_details``, whose path in the request ``place`` is.

    Raises:
        InvalidRequestError: there is none.
    """
    value = detail.get(member)
    if not isinstance(value, str):
        raise InvalidRequestError(f"'{place}.{member}' should be a string.", param=f"{place}.{member}")
    return value
