"""Members that messages bring back from earlier turns: a reply or a client's SDK has put them there.

They ask for nothing, so that a provider that has no place for them goes without. ``parsed`` and ``parsed_arguments``
are what OpenAI's SDKs have read of an answer or of arguments, which stand beside them in full; ``reasoning`` is other
hosts' name for ``reasoning_content``.
"""

MESSAGE_MEMBERS = frozenset({"annotations", "parsed", "reasoning"})
"""Of an assistant's message."""

CALL_MEMBERS = frozenset({"extra_content", "index"})
"""Of a tool call: another provider's, and its place in the stream that it came in."""

FUNCTION_MEMBERS = frozenset({"parsed_arguments"})
"""Of the function in a call."""

RESULT_MEMBERS = frozenset({"name"})
"""Of a tool's answer: the function's name, which the call that it answers has as well."""
