"""Services that no package knows: what they offer is declared in the provider's row of the catalogue.

The registry gives a row's ``videos`` to a provider of any kind, in place of what its package has; the kind
``declared`` has nothing else. Its failures are read as those of OpenAI's format, and of the many hosts near it.
"""

from typing import Final

from sluice.providers.contract import Provider
from sluice.providers.features import Features
from sluice.providers.openai import failures

PROVIDER: Final = Provider(
    address=None,
    failure=failures.failure,
    chat=None,
    features=Features(frozenset(), members=frozenset()),
)
