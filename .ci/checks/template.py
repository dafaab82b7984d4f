"""Whether template.yaml keeps the rules of cfn-lint and of checkov, as it is written and as CloudFormation gets it.

The SAM transform makes roles, stages and permissions that the template does not show, and checkov does not make them,
so both tools get both forms. A finding is mended, or it is suppressed with a reason: in the resource's
``Metadata.checkov.skip`` or, where it holds for all resources, in ``.checkov.yaml``. What suppresses nothing any more
is refused, so checkov is asked here without suppressions and the two are compared.

    PYTHONPATH=.ci .venv/bin/python -m checks.template
"""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluice.local.blueprint import read_template, transformed

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
FOR_ALL = ROOT / ".checkov.yaml"
CFN_LINT = ROOT / ".venv" / "bin" / "cfn-lint"
CHECKOV = ROOT / ".lint-venv" / "bin" / "checkov"
REGION = "us-east-1"
"""The transform asks for one; nothing is sent there."""

SKIPPED = re.compile(r"^ *- *(?P<check>CKV2?_\w+)(?P<comment>.*)$", re.MULTILINE)
COMMENT = re.compile(r"\s+#\s*\w+")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What checkov holds against a resource, or what is suppressed; ``resource`` is empty where all are meant."""

    check: str
    resource: str = ""


def suppressed_in(template: Mapping[str, Any], for_all: str) -> dict[Finding, str]:
    """What is suppressed, and each one's reason; an empty text where there is none.

    Args:
        template: as it is written.
        for_all: the text of checkov's own configuration.
    """
    found = {
        Finding(match["check"]): match["comment"].strip() if COMMENT.match(match["comment"]) else ""
        for match in SKIPPED.finditer(for_all)
    }
    for name, resource in template["Resources"].items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
            found[Finding(skip["id"], name)] = skip.get("comment", "").strip()
    return found


def source_of(resource: str, written: Iterable[str]) -> str:
    """The resource of the template that made one that CloudFormation gets: SAM puts more behind its name."""
    return max((name for name in written if resource.startswith(name)), key=len, default=resource)


def complaints(
    found: Iterable[Finding], suppressed: Mapping[Finding, str], names: Mapping[str, str]
) -> list[str]:
    """What is not suppressed, what is suppressed for nothing, and what is suppressed without a reason.

    Args:
        found: by checkov, in the template's own resources.
        suppressed: with the reasons.
        names: of the checks that found something.
    """
    held = set(found)
    used = {each: held & {each} if each.resource else _of_check(each.check, held) for each in suppressed}
    left = held.difference(*used.values())
    return [
        *(f"{each.resource}: {each.check} {names[each.check]}" for each in sorted(left)),
        *(
            f"{each.resource or FOR_ALL.name}: {each.check} is suppressed, but finds nothing any more"
            for each in sorted(used)
            if not used[each]
        ),
        *(
            f"{each.resource or FOR_ALL.name}: {each.check} is suppressed without a reason"
            for each in sorted(suppressed)
            if not suppressed[each]
        ),
    ]


def _of_check(check: str, found: Iterable[Finding]) -> set[Finding]:
    return {finding for finding in found if finding.check == check}


def bare(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template without its suppressions for checkov."""
    stripped: dict[str, Any] = copy.deepcopy(dict(template))
    for resource in stripped["Resources"].values():
        resource.get("Metadata", {}).pop("checkov", None)
    return stripped


def ask_checkov(folder: Path, files: Iterable[Path]) -> list[dict[str, Any]]:
    """The failed checks of some templates; without a word to anybody, and without this project's configuration.

    Args:
        folder: an empty one.
        files: the templates.

    Raises:
        RuntimeError: if checkov does not report, or cannot read a template.
    """
    options = ["--framework=cloudformation", "--skip-download", "--quiet", "--compact", "--output=json"]
    done = subprocess.run(  # noqa: S603 - this environment's checkov and files of our own
        [str(CHECKOV), *options, *(f"--file={file}" for file in files)],
        cwd=folder,
        env=os.environ | {"CKV_SKIP_PACKAGE_UPDATE_CHECK": "true", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(done.stdout)
        unread = report["summary"]["parsing_errors"]
        failed: list[dict[str, Any]] = report["results"]["failed_checks"]
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeError(f"checkov did not report: {done.stdout}{done.stderr}") from error
    if unread:
        raise RuntimeError(f"checkov could not read {unread} templates: {done.stderr}")
    return failed


def checkov_complaints(written: dict[str, Any], sent: dict[str, Any]) -> list[str]:
    """What checkov and our suppressions of it leave to say of a template in its two forms."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "written.json", Path(folder) / "sent.json"]
        for file, template in zip(files, (written, sent), strict=True):
            file.write_text(json.dumps(bare(template), indent=1))
        failed = ask_checkov(Path(folder), files)
    resources = written["Resources"]
    found = [
        Finding(check["check_id"], source_of(check["resource"].rpartition(".")[2], resources))
        for check in failed
    ]
    names = {check["check_id"]: check["check_name"] for check in failed}
    return complaints(found, suppressed_in(written, FOR_ALL.read_text()), names)


def cfn_lint_status(sent: dict[str, Any]) -> int:
    """Lets cfn-lint say what it finds in both forms; returns its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "as-cloudformation-gets-it.json"
        file.write_text(json.dumps(sent, indent=1))
        return subprocess.run([CFN_LINT, TEMPLATE, file], cwd=ROOT, check=False).returncode  # noqa: S603 - our own


def main() -> int:
    """Prints what is wrong; returns the exit status."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    written = json.loads(json.dumps(read_template(TEMPLATE)))
    sent = json.loads(json.dumps(transformed(written, ROOT)))
    found = checkov_complaints(written, sent)
    for complaint in found:
        print(f"{TEMPLATE.name}: {complaint}")
    return cfn_lint_status(sent) or bool(found)


if __name__ == "__main__":
    sys.exit(main())
