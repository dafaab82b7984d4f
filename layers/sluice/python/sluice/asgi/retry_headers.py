"""When to try again, in terms that the client at hand honours.

openai-node, told to wait for more than a minute, tries again within a second or two. What is used up of a minute may
take 68 s (``accounting.windows``), so it is told a minute, and the rest when it is back. For more than two minutes
openai-python does not try again at all, and no more should openai-node.
"""

from typing import Final

from sluice import errors
from sluice.errors import SluiceError

LANGUAGE_HEADER: Final = "x-stainless-lang"
"""In what the OpenAI SDKs are written."""

JAVASCRIPT: Final = "js"
JAVASCRIPT_WAITS: Final = 60
PYTHON_WAITS: Final = 120
"""The longest waits in seconds that the SDKs honour."""


def retry_headers(error: SluiceError, language: str | None) -> dict[str, str]:
    """The headers of ``errors.headers``, for a client whose ``LANGUAGE_HEADER`` says ``language``."""
    found = errors.headers(error)
    if language != JAVASCRIPT or error.retry_after is None or error.retry_after <= JAVASCRIPT_WAITS:
        return found
    if error.retry_after > PYTHON_WAITS:
        return found | {"x-should-retry": "false"}
    return found | {"retry-after": str(JAVASCRIPT_WAITS), "retry-after-ms": str(JAVASCRIPT_WAITS * 1000)}
