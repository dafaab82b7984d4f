"""SECURITY.md names code and tests that are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from handbook import spans_of, text_of
from local_stack import ROOT
from sluice.local.blueprint import read_template
from sluice.local.server import TEMPLATE

PAGE = "SECURITY.md"
PACKAGE = ROOT / "layers" / "sluice" / "python" / "sluice"
PATH = re.compile(r"[\w./-]+\.(?:py|yaml|toml|lock|html|js|md)(?:::\w+)?")
COLUMNS = ["Threat", "What stops it", "Code", "Test", "What is left"]
CODE, TEST, LEFT = 2, 3, 4


def paths() -> list[str]:
    return sorted({span for span in spans_of(PAGE) if PATH.fullmatch(span)})


def found(path: str) -> Path | None:
    """A file of the repository, or of the package."""
    return next((each for each in (ROOT / path, PACKAGE / path) if each.is_file()), None)


@pytest.mark.parametrize("named", paths())
def test_each_file_and_each_test_that_is_named_is_there(named: str) -> None:
    path, _, name = named.partition("::")
    file = found(path)
    assert file is not None
    assert not name or re.search(rf"\bdef {name}\(", file.read_text(encoding="utf-8"))


def rows() -> Iterator[list[str]]:
    """The cells of each threat's row."""
    lines = text_of(PAGE).splitlines()
    for number, line in enumerate(lines):
        if line.startswith("| Threat |"):
            assert [cell.strip() for cell in line.strip("|").split("|")] == COLUMNS
            for row in lines[number + 2 :]:
                if not row.startswith("|"):
                    break
                yield [cell.strip() for cell in row.strip("|").split("|")]


def test_each_threat_has_code_that_stops_it_a_test_and_what_is_left() -> None:
    found_rows = list(rows())
    assert len(found_rows) >= 25
    for row in found_rows:
        assert len(row) == len(COLUMNS), row
        assert "`" in row[CODE], row[0]
        assert all(named.startswith("tests/") for named in re.findall(r"`([^`]+)`", row[TEST])), row[0]
        assert "`tests/" in row[TEST], row[0]
        assert row[LEFT], row[0]


def test_the_tables_that_are_named_are_the_templates() -> None:
    named = {span for span in spans_of(PAGE) if span.endswith("Table")}
    assert named
    assert named <= read_template(TEMPLATE)["Resources"].keys()
