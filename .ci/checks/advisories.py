"""Whether a dependency has a known vulnerability: of every lock, Python's and npm's.

The answers come from the registries' advisories. Where those cannot be reached this says so and why, and is no failure;
a vulnerability is one, unless ``accepted_advisories.toml`` accepts it, with a reason and until a day.

    PYTHONPATH=.ci .venv/bin/python -m checks.advisories
"""

import datetime as dt
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.advisory_sources import Answer, Vulnerability, ask_npm, ask_pip_audit, pins_of

ROOT = Path(__file__).parents[2]
ACCEPTED = Path(__file__).parent / "accepted_advisories.toml"
PIP_AUDIT = ROOT / ".lint-venv" / "bin" / "pip-audit"
PYTHON_LOCKS = (
    "requirements.lock",
    "layers/sluice/python/requirements.txt",
    "layers/streaming/requirements.txt",
    "functions/docs/requirements.txt",
    "tests/template/sam-cli.lock",
    ".ci/checks/requirements.lock",
)
NPM_FOLDERS = ("tests/contract/node", "tests/engines")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A vulnerability that is accepted, why, and up to and including which day."""

    id: str
    package: str
    reason: str
    until: dt.date

    def covers(self, found: Vulnerability) -> bool:
        """Whether this is about a vulnerability."""
        return self.package == found.package and self.id in found.ids


def read_accepted(document: Mapping[str, Any]) -> list[Acceptance]:
    """The acceptances of the file's document.

    Raises:
        TypeError: if one lacks a member or has one too many.
        ValueError: if one gives no reason or no day.
    """
    found = [Acceptance(**each) for each in document["accepted"]]
    for each in found:
        if not each.reason.strip() or not isinstance(each.until, dt.date):
            raise ValueError(f"{ACCEPTED.name}: {each.id} needs a reason and a day")
    return found


def complaints(answers: Sequence[Answer], accepted: Iterable[Acceptance], today: dt.date) -> list[str]:
    """What has to be mended: vulnerabilities, and acceptances that are over or of no use any more.

    Args:
        answers: of everybody who was asked. If one did not answer, no acceptance counts as useless.
        accepted: what is accepted.
        today: the day.
    """
    valid = [each for each in accepted if each.until >= today]
    found = {vulnerability for answer in answers for vulnerability in answer.found}
    said = [
        f"{each.package} {each.version}: {' '.join(each.ids)} {each.summary}"
        for each in sorted(found)
        if not any(acceptance.covers(each) for acceptance in valid)
    ]
    said += [
        f"{ACCEPTED.name}: {each.id} was accepted until {each.until}"
        for each in accepted
        if each not in valid
    ]
    if not any(answer.unanswered for answer in answers):
        said += [
            f"{ACCEPTED.name}: {each.id} is accepted, but {each.package} does not have it"
            for each in valid
            if not any(each.covers(vulnerability) for vulnerability in found)
        ]
    return said


def ask() -> list[Answer]:
    """The answers for every lock."""
    pins = {pin for lock in PYTHON_LOCKS for pin in pins_of((ROOT / lock).read_text())}
    with tempfile.TemporaryDirectory() as folder:
        python = ask_pip_audit(PIP_AUDIT, pins, Path(folder))
    return [python, *(ask_npm(ROOT / folder) for folder in NPM_FOLDERS)]


def main() -> int:
    """Prints what was found and what was not looked at; returns the exit status."""
    accepted = read_accepted(tomllib.loads(ACCEPTED.read_text()))
    answers = ask()
    for answer in answers:
        if answer.unanswered:
            print(f"not looked at for known vulnerabilities: {answer.subject}: {answer.unanswered}")
    found = complaints(answers, accepted, dt.datetime.now(dt.UTC).date())
    for complaint in found:
        print(complaint)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
