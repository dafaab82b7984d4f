"""pip-audit and npm, asked for known vulnerabilities, and what their answers say.

Both end with the same status whether they found something or could not ask, so what they print decides: a report, or
the account of a failed connection. Anything else is an error.
"""

import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)", re.MULTILINE)
UNREACHABLE = re.compile(
    r"^(?:(?:requests\.exceptions|urllib3\.exceptions|pip_audit\._service\.interface)\.\w+"
    r"|ERROR:pip_audit\._cli:Tip: your network)",
    re.MULTILINE,
)
"""How pip-audit ends where the index does not answer, answers with an error, or answers with something else."""

TIMEOUT_SECONDS = 120
NO_ANSWER = f"no answer within {TIMEOUT_SECONDS} s"
PYTHON = "Python packages"
SUMMARY_LENGTH = 200


@dataclass(frozen=True, slots=True, order=True)
class Vulnerability:
    """A known vulnerability: whose, all the names that it has, and one line about it."""

    package: str
    version: str
    ids: tuple[str, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of some dependencies.

    Attributes:
        subject: of which.
        found: the vulnerabilities.
        unanswered: why all or some of them were not looked at; empty if all were.
    """

    subject: str
    found: tuple[Vulnerability, ...] = ()
    unanswered: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command printed before it ended."""

    output: str
    errors: str


def pins_of(lock: str) -> set[tuple[str, str]]:
    """The names and versions that a lock's text pins, on whatever platform."""
    return {(match["name"], match["version"]) for match in PIN.finditer(lock)}


def ask_pip_audit(command: Path, pins: Iterable[tuple[str, str]], folder: Path) -> Answer:
    """Asks the Python index.

    Args:
        command: pip-audit's path.
        pins: names and versions. A name may come with several versions, for which pip-audit is asked again.
        folder: an empty one.
    """
    rounds: list[list[str]] = []
    for _, versions in groupby(sorted(pins), key=itemgetter(0)):
        for place, (name, version) in enumerate(versions):
            if place == len(rounds):
                rounds.append([])
            rounds[place].append(f"{name}=={version}\n")
    options = ["--format=json", "--progress-spinner=off", "--disable-pip", "--no-deps"]
    ends = []
    for place, lines in enumerate(rounds):
        file = folder / f"{place}.txt"
        file.write_text("".join(lines))
        ends.append(_run([str(command), *options, f"--cache-dir={folder}", f"--requirement={file}"]))
    return read_pip_audit(ends)


def read_pip_audit(ends: Iterable[Ended | None]) -> Answer:
    """What the ends of pip-audit say; ``None`` stands for one that did not come in time.

    Raises:
        RuntimeError: if one neither reported nor failed to reach the index.
    """
    dependencies: list[dict[str, Any]] = []
    for ended in ends:
        if ended is None:
            return Answer(PYTHON, unanswered=NO_ANSWER)
        try:
            dependencies += json.loads(ended.output)["dependencies"]
        except (ValueError, KeyError, TypeError) as error:
            if UNREACHABLE.search(ended.errors):
                return Answer(PYTHON, unanswered=ended.errors.strip().splitlines()[-1])
            raise RuntimeError(f"pip-audit did not report: {ended.output}{ended.errors}") from error
    found = tuple(_python_vulnerabilities(dependencies))
    skipped = sorted({each["name"] for each in dependencies if "skip_reason" in each})
    if not skipped:
        return Answer(PYTHON, found)
    if all("skip_reason" in each for each in dependencies):
        return Answer(PYTHON, unanswered="the index that answers has no advisories")
    return Answer(PYTHON, found, f"the index has no advisories of {', '.join(skipped)}")


def ask_npm(folder: Path) -> Answer:
    """Asks npm's registry for the lock in a folder."""
    subject = f"npm packages of {folder.parent.name}/{folder.name}"
    ended = _run(["npm", "audit", "--json", "--package-lock-only", f"--prefix={folder}"])
    return read_npm(subject, ended) if ended else Answer(subject, unanswered=NO_ANSWER)


def read_npm(subject: str, ended: Ended) -> Answer:
    """What npm's end says of a subject.

    Raises:
        RuntimeError: if it neither reported nor failed to reach the registry.
    """
    try:
        report: dict[str, Any] = json.loads(ended.output)
    except ValueError as error:
        raise RuntimeError(f"npm did not report: {ended.output}{ended.errors}") from error
    if "auditReportVersion" in report:
        return Answer(subject, tuple(_npm_vulnerabilities(report)))
    if "message" in report:  # what became of the request; of a bad lock npm tells a code instead
        return Answer(subject, unanswered=report["message"])
    raise RuntimeError(f"npm did not report: {ended.output}{ended.errors}")


def _python_vulnerabilities(dependencies: list[dict[str, Any]]) -> Iterable[Vulnerability]:
    for each in dependencies:
        for one in each.get("vulns", ()):
            ids = (one["id"], *sorted(one["aliases"]))
            yield Vulnerability(each["name"], each["version"], ids, one["description"][:SUMMARY_LENGTH])


def _npm_vulnerabilities(report: dict[str, Any]) -> Iterable[Vulnerability]:
    for name, package in sorted(report["vulnerabilities"].items()):
        for cause in package["via"]:
            if isinstance(cause, dict):  # a text names the dependency that has it, which is listed itself
                ids = (cause["url"].rpartition("/")[2],)
                yield Vulnerability(name, package["range"], ids, f"{cause['severity']}: {cause['title']}")


def _run(command: list[str]) -> Ended | None:
    try:
        done = subprocess.run(  # noqa: S603 - commands of this module's callers, no shell
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    return Ended(done.stdout, done.stderr)
