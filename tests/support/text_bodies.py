"""Request bodies of text completions and embeddings, as tests send them."""

from typing import Any

from mock_provider import EMBEDDING_MODEL, TEXT_MODEL, Case

Input = str | list[str] | list[int] | list[list[int]]

INPUTS: dict[str, Input] = {
    "text": "Say hello",
    "texts": ["Say hello", "Say bye"],
    "tokens": [1, 2],
    "lists of tokens": [[1, 2], [3]],
}
"""What both endpoints read, in each of its forms."""


def completion_body(case: Case, **members: Any) -> dict[str, Any]:
    """The smallest body of a text completion that belongs to a case, with what the test adds or replaces."""
    return {"model": TEXT_MODEL, "prompt": "Say hello", "user": case.user} | members


def embeddings_body(case: Case, **members: Any) -> dict[str, Any]:
    """The same of embeddings."""
    return {"model": EMBEDDING_MODEL, "input": "Say hello", "user": case.user} | members
