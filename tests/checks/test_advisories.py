"""A vulnerability is told from an index that cannot be reached, and accepted only for a while."""

import datetime as dt
import json
import subprocess

import pytest

from checks.advisories import NPM_FOLDERS, PYTHON_LOCKS, Acceptance, complaints, read_accepted
from checks.advisory_sources import (
    PYTHON,
    Answer,
    Ended,
    Vulnerability,
    pins_of,
    read_npm,
    read_pip_audit,
)
from local_stack import ROOT

TODAY = dt.date(2026, 11, 29)
FOUND = Vulnerability("h11", "0.14.0", ("PYSEC-1", "CVE-2025-43859"), "It reads too much.")
ACCEPTED = Acceptance("CVE-2025-43859", "h11", "behind API Gateway", TODAY)
REPORTED = {
    "name": "h11",
    "version": "0.14.0",
    "vulns": [
        {
            "id": "PYSEC-1",
            "fix_versions": ["0.16.0"],
            "aliases": ["CVE-2025-43859"],
            "description": "It reads too much.",
        }
    ],
}
CLEAN = {"name": "idna", "version": "3.20", "vulns": []}
SKIPPED = {
    "name": "sluice",
    "skip_reason": "Dependency not found on PyPI and could not be audited: sluice (0.1.0)",
}


def pip_audit(*dependencies: object) -> Ended:
    return Ended(json.dumps({"dependencies": dependencies, "fixes": []}), "")


def test_pip_audit_reports_a_vulnerability() -> None:
    assert read_pip_audit([pip_audit(REPORTED), pip_audit(CLEAN)]) == Answer(PYTHON, (FOUND,))


def test_an_index_that_knows_some_packages_only_still_tells_of_these() -> None:
    answer = read_pip_audit([pip_audit(REPORTED, SKIPPED)])
    assert answer.found == (FOUND,)
    assert "sluice" in answer.unanswered


def test_an_index_without_advisories_has_not_answered() -> None:
    answer = read_pip_audit([pip_audit(SKIPPED)])
    assert not answer.found
    assert "no advisories" in answer.unanswered


@pytest.mark.parametrize(
    "ends_with",
    [
        "requests.exceptions.ConnectionError: Max retries exceeded",
        "requests.exceptions.ReadTimeout: Read timed out",
        "requests.exceptions.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        "pip_audit._service.interface.ServiceError",
        "ERROR:pip_audit._cli:Could not connect\nERROR:pip_audit._cli:Tip: your network may be blocking this service.",
    ],
)
def test_an_index_that_cannot_be_reached_is_said_and_is_no_vulnerability(ends_with: str) -> None:
    answer = read_pip_audit([Ended("", f"Traceback (most recent call last):\n  …\n{ends_with}\n")])
    assert not answer.found
    assert answer.unanswered == ends_with.splitlines()[-1]
    assert complaints([answer], [], TODAY) == []


@pytest.mark.parametrize(
    "errors", ["ERROR:pip_audit._cli:invalid requirements input: x", "KeyError: 'dependencies'", ""]
)
def test_any_other_end_of_pip_audit_is_an_error(errors: str) -> None:
    with pytest.raises(RuntimeError, match="did not report"):
        read_pip_audit([Ended("", errors)])


def test_an_answer_that_does_not_come_in_time_is_none() -> None:
    assert "no answer within" in read_pip_audit([None]).unanswered


def test_npm_reports_a_vulnerability_at_the_package_that_has_it() -> None:
    advisory = {
        "source": 1,
        "name": "lodash",
        "title": "Prototype pollution",
        "url": "https://github.com/advisories/GHSA-x",
        "severity": "high",
    }
    report = {
        "auditReportVersion": 2,
        "vulnerabilities": {
            "lodash": {"name": "lodash", "range": "<4.17.21", "via": [advisory]},
            "async": {"name": "async", "range": "<3", "via": ["lodash"]},
        },
    }
    assert read_npm("npm", Ended(json.dumps(report), "")) == Answer(
        "npm", (Vulnerability("lodash", "<4.17.21", ("GHSA-x",), "high: Prototype pollution"),)
    )


@pytest.mark.parametrize(
    "report",
    [
        {"message": "405 Method Not Allowed", "statusCode": 405, "error": {"summary": "", "detail": ""}},
        {"message": "connect ECONNREFUSED 127.0.0.1:9", "error": {"summary": "", "detail": ""}},
    ],
)
def test_a_registry_that_cannot_be_asked_is_said(report: dict[str, object]) -> None:
    assert read_npm("npm", Ended(json.dumps(report), "")) == Answer("npm", unanswered=str(report["message"]))


@pytest.mark.parametrize(
    "output", ["", "[", json.dumps({"error": {"code": "ENOLOCK", "summary": "No lock."}})]
)
def test_any_other_end_of_npm_is_an_error(output: str) -> None:
    with pytest.raises(RuntimeError, match="did not report"):
        read_npm("npm", Ended(output, ""))


def test_an_acceptance_holds_until_its_day_and_by_any_of_the_names() -> None:
    answers = [Answer(PYTHON, (FOUND,))]
    assert complaints(answers, [ACCEPTED], TODAY) == []
    assert len(complaints(answers, [ACCEPTED], TODAY + dt.timedelta(days=1))) == 2
    assert complaints(answers, [], TODAY) == ["h11 0.14.0: PYSEC-1 CVE-2025-43859 It reads too much."]


def test_an_acceptance_of_nothing_is_refused_where_everybody_answered() -> None:
    assert len(complaints([Answer(PYTHON)], [ACCEPTED], TODAY)) == 1
    assert complaints([Answer(PYTHON, unanswered="no")], [ACCEPTED], TODAY) == []


def test_an_acceptance_needs_a_reason_and_a_day() -> None:
    row = {"id": "x", "package": "y", "reason": "z", "until": TODAY}
    assert read_accepted({"accepted": [row]}) == [Acceptance("x", "y", "z", TODAY)]
    for wrong in ({"reason": " "}, {"until": "2026-11-29"}):
        with pytest.raises(ValueError, match="needs a reason and a day"):
            read_accepted({"accepted": [row | wrong]})
    with pytest.raises(TypeError):
        read_accepted({"accepted": [{"id": "x"}]})


def test_pins_are_read_from_locks_with_and_without_hashes_and_markers() -> None:
    lock = "a-b==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:x\n    # via c==2\nd.e==2.0.post1\n"
    assert pins_of(lock) == {("a-b", "1.0"), ("d.e", "2.0.post1")}


def test_every_lock_is_asked_about() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = listed.stdout.splitlines()
    assert {name for name in tracked if name.endswith((".lock", "requirements.txt"))} == set(PYTHON_LOCKS)
    assert {name for name in tracked if name.endswith("package-lock.json")} == {
        f"{folder}/package-lock.json" for folder in NPM_FOLDERS
    }
