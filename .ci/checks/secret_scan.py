"""Looks for credentials in files, by default in all that git tracks, and says where each one stands.

It runs in an environment of its own, with the patterns of detect-secrets beside ours, and asks nobody whether what it
finds is in use. A line that only looks like a credential says so with detect-secrets's allowlist pragma, followed by a
dash and the reason. A mark without a reason is refused, and so is one on a line where nothing is found.

    PYTHONPATH=.ci .lint-venv/bin/python -m checks.secret_scan [FILE …]
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

from checks.credential_kinds import KINDS

GUESSES = {"Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector", "AzureStorageKeyDetector"}
"""Detectors without a form to go by: each hash in a lock and each picture in base64 would be a find."""

REPLACED = {"PrivateKeyDetector"}
"""It wants the key on the line of its heading; ours takes the heading."""

MARK = re.compile(r"pragma:\s+allowlist\s+secret(?P<reason>.*)")
REASON = re.compile(r"\s+-\s+\w+")


def known_patterns() -> dict[str, tuple[re.Pattern[str], ...]]:
    """The patterns of each kind of credential, ours and detect-secrets's."""
    theirs = {
        kind: tuple(detector.denylist)
        for kind, detector in get_mapping_from_secret_type_to_class().items()
        if detector.__name__ not in GUESSES | REPLACED
    }
    return theirs | {kind: (pattern,) for kind, pattern in KINDS.items()}


def complaints(text: str, patterns: Mapping[str, Iterable[re.Pattern[str]]]) -> Iterator[tuple[int, str]]:
    """What is wrong with a file: the number of each line, from 1 on, and what is said of it.

    Args:
        text: the file's.
        patterns: of each kind of credential.
    """
    # Of most files no kind occurs at all, and to see that takes no look at each line.
    likely = {kind: [pattern for pattern in each if pattern.search(text)] for kind, each in patterns.items()}
    likely = {kind: each for kind, each in likely.items() if each}
    if not likely and not MARK.search(text):
        return
    for number, line in enumerate(text.splitlines(), start=1):
        found = [kind for kind, each in likely.items() if any(pattern.search(line) for pattern in each)]
        mark = MARK.search(line)
        if mark is None:
            yield from ((number, kind) for kind in found)
        elif not found:
            yield number, "is marked as no secret, but nothing is found there"
        elif not REASON.match(mark["reason"]):
            yield number, "is marked as no secret without a reason"


def tracked_files() -> list[Path]:
    """All files that git tracks below the current folder."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True).stdout  # noqa: S607 - the caller's git
    return [path for name in listed.decode().split("\0") if name and (path := Path(name)).is_file()]


def main(names: list[str]) -> int:
    """Scans the files of these names, or those that git tracks; returns the exit status."""
    patterns = known_patterns()
    files = [Path(name) for name in names] or tracked_files()
    status = 0
    for file in files:
        for number, complaint in complaints(file.read_bytes().decode(errors="replace"), patterns):
            print(f"{file}:{number}: {complaint}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
