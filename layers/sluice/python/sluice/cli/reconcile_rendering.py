"""What reconciling found, as the command prints it: as JSON for scripts, as text for a person."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self, assert_never

from sluice.money import format_usd
from sluice.pipeline.reconcile import Balance, Busy, Different, Equal, Finding


@dataclass(frozen=True, slots=True)
class Report:
    """Findings, by what they are."""

    equal: int
    different: tuple[Different, ...]
    busy: tuple[Busy, ...]
    expired_holds: int
    over_budget: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Self:
        """Sort findings."""
        equal = expired_holds = 0
        different: list[Different] = []
        busy: list[Busy] = []
        over_budget: list[Finding] = []
        for finding in findings:
            expired_holds += finding.expired_holds
            if finding.over_budget:
                over_budget.append(finding)
            match finding:
                case Equal():
                    equal += 1
                case Different():
                    different.append(finding)
                case Busy():
                    busy.append(finding)
                case unknown:
                    assert_never(unknown)
        return cls(equal, tuple(different), tuple(busy), expired_holds, tuple(over_budget))

    @property
    def keys(self) -> int:
        """How many keys were looked at."""
        return self.equal + len(self.different) + len(self.busy)

    @property
    def repaired(self) -> int:
        """How many counters were set right."""
        return sum(finding.repaired for finding in self.different)

    @property
    def all_right(self) -> bool:
        """Whether every counter is proved, or repaired, and no budget exceeded."""
        return not self.busy and not self.over_budget and self.repaired == len(self.different)


def report_object(report: Report) -> dict[str, Any]:
    """A report as a JSON object."""
    return {
        "keys": report.keys,
        "equal": report.equal,
        "different": [_difference(finding) for finding in report.different],
        "busy": [finding.key_id for finding in report.busy],
        "over_budget": [
            {
                "key_id": finding.key_id,
                "over_budget": format_usd(finding.over_budget),
                "over_budget_nano_usd": finding.over_budget,
            }
            for finding in report.over_budget
        ],
        "expired_holds": report.expired_holds,
        "repaired": report.repaired,
    }


def report_lines(report: Report) -> Iterator[str]:
    """A report for a person: a line for each key that is not as it should be, and one that sums up."""
    for different in report.different:
        yield f"{different.key_id}  {_sentence(different)}"
    for over in report.over_budget:
        yield f"{over.key_id}  has spent and holds {format_usd(over.over_budget)} USD more than its budget"
    for busy in report.busy:
        yield f"{busy.key_id}  is busy: it was used each time it was read. Try again."
    repaired = f" ({report.repaired} repaired)" if report.repaired else ""
    yield (
        f"keys: {report.keys}; equal: {report.equal}; different: {len(report.different)}{repaired}; "
        f"busy: {len(report.busy)}; expired holds: {report.expired_holds}"
    )


def _difference(finding: Different) -> dict[str, Any]:
    """Each amount as a decimal string of USD, and in whole nano-USD."""
    balance = finding.balance
    amounts = {
        "counted": balance.counted,
        "settled": balance.settled,
        "held": balance.held,
        "excess": balance.excess,
    }
    shown: dict[str, Any] = {"key_id": finding.key_id, "period": balance.period}
    for name, amount in amounts.items():
        shown[name] = None if amount is None else format_usd(amount)
        shown[f"{name}_nano_usd"] = amount
    return shown | {"repaired": finding.repaired}


def _sentence(finding: Different) -> str:
    balance = finding.balance
    counter = "has no counter" if balance.counted is None else f"counts {format_usd(balance.counted)} USD"
    repaired = "; repaired" if finding.repaired else ""
    return (
        f"{counter} in {balance.period}, but its ledger has {format_usd(balance.settled)} USD and its holds "
        f"{format_usd(balance.held)} USD: {_excess(balance)}{repaired}"
    )


def _excess(balance: Balance) -> str:
    amount = format_usd(abs(balance.excess))
    return f"{amount} USD too {'much' if balance.excess > 0 else 'little'}"
