"""OpenAI itself.

Source: https://developers.openai.com/api/docs. It never shows what a model thought, and refuses members of messages
that it does not know: a conversation that another host has begun must not bring it any.
"""

from sluice.providers.openai.dialect import KEPT_BACK, Dialect
from sluice.providers.openai.host import host

DIALECT = Dialect(thoughts=KEPT_BACK)

PROVIDER = host(DIALECT, "https://api.openai.com/v1")
