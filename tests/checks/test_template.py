"""What checkov finds is mended or suppressed with a reason, and nothing is suppressed for nothing."""

import json
import subprocess
from pathlib import Path

import pytest

from checks.template import (
    CHECKOV,
    FOR_ALL,
    REGION,
    TEMPLATE,
    Finding,
    ask_checkov,
    checkov_complaints,
    complaints,
    source_of,
    suppressed_in,
)
from local_stack import ROOT
from sluice.local.blueprint import read_template, transformed

NAMES = {"CKV_AWS_1": "Lock it", "CKV_AWS_2": "Log it"}
CHAT = Finding("CKV_AWS_1", "Chat")
DOCS = Finding("CKV_AWS_1", "Docs")


def test_what_is_not_suppressed_is_said() -> None:
    assert complaints([CHAT, DOCS], {CHAT: "why"}, NAMES) == ["Docs: CKV_AWS_1 Lock it"]


def test_what_is_suppressed_for_all_holds_for_all() -> None:
    assert complaints([CHAT, DOCS], {Finding("CKV_AWS_1"): "why"}, NAMES) == []


@pytest.mark.parametrize(
    ("suppression", "where"),
    [(Finding("CKV_AWS_2"), ".checkov.yaml"), (Finding("CKV_AWS_1", "Docs"), "Docs")],
)
def test_what_suppresses_nothing_is_refused(suppression: Finding, where: str) -> None:
    assert complaints([CHAT], {CHAT: "why", suppression: "why"}, NAMES) == [
        f"{where}: {suppression.check} is suppressed, but finds nothing any more"
    ]


def test_what_is_suppressed_without_a_reason_is_refused() -> None:
    assert complaints([CHAT], {CHAT: ""}, NAMES) == ["Chat: CKV_AWS_1 is suppressed without a reason"]


def test_suppressions_are_read_from_where_checkov_reads_them() -> None:
    skips = [{"id": "CKV_AWS_2", "comment": "so"}, {"id": "CKV_AWS_3"}]
    template = {"Resources": {"Chat": {"Metadata": {"checkov": {"skip": skips}}}, "Docs": {}}}
    for_all = "skip-check:\n  - CKV_AWS_4 # so\n  - CKV2_AWS_5\n  - CKV_AWS_6 #\n"
    found = suppressed_in(template, for_all)
    assert {each: bool(reason) for each, reason in found.items()} == {
        Finding("CKV_AWS_2", "Chat"): True,
        Finding("CKV_AWS_3", "Chat"): False,
        Finding("CKV_AWS_4"): True,
        Finding("CKV2_AWS_5"): False,
        Finding("CKV_AWS_6"): False,
    }


def test_what_sam_makes_is_held_against_the_resource_that_it_is_made_of() -> None:
    written = ["Api", "ApiLogs", "ChatFunction"]
    assert source_of("ApiliveStage", written) == "Api"
    assert source_of("ApiLogs", written) == "ApiLogs"
    assert source_of("ChatFunctionRole", written) == "ChatFunction"
    assert source_of("Other", written) == "Other"


def test_a_fault_in_the_template_is_found_once_and_nothing_else_is_held_against_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    faulty = json.loads(json.dumps(read_template(TEMPLATE)))
    faulty["Resources"]["KeysTable"]["Properties"].pop("PointInTimeRecoverySpecification")
    sent = json.loads(json.dumps(transformed(faulty, ROOT)))
    (complaint,) = checkov_complaints(faulty, sent)
    assert complaint.startswith("KeysTable: CKV_AWS_28 ")


def test_a_template_that_checkov_cannot_read_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text('{"Resources": {"a": [')
    with pytest.raises(RuntimeError, match="checkov"):
        ask_checkov(tmp_path, [file])


def test_checkov_by_itself_has_nothing_to_say() -> None:
    """As somebody would run it, in this folder, with the configuration that it finds there."""
    done = subprocess.run([CHECKOV, "--output=json"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert FOR_ALL.exists()
