"""One way to have a request answered."""

from dataclasses import dataclass

from sluice.accounting.demand import Demand
from sluice.api.model_request import ModelRequest
from sluice.catalog import Candidate, ModelRow
from sluice.providers.contract import Provider, Target


@dataclass(frozen=True, slots=True)
class Leg[Request: ModelRequest]:
    """A candidate that may answer a request.

    Attributes:
        row: the model's, as the candidate has it.
        candidate: the provider by its name, and the model's id there.
        provider: its modules.
        target: its address and credential.
        request: what is asked of it, under the name that its reply goes by.
        demand: what it can use at most.
    """

    row: ModelRow
    candidate: Candidate
    provider: Provider
    target: Target
    request: Request
    demand: Demand

    @property
    def name(self) -> str:
        """What its circuit and its latency go by: the provider, and the model there."""
        return f"{self.candidate.provider}/{self.candidate.model}"
