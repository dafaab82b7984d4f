"""Which packages lie in a folder, and which they say that they need."""

import re
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement

LAMBDA = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.0",
    "python_version": "3.13",
    "sys_platform": "linux",
    "extra": "",
}
"""What markers are read against."""


def needed(folder: Path) -> tuple[set[str], set[str]]:
    """The names of the packages that are there, and of those that they need on Lambda."""
    present: set[str] = set()
    wanted: set[str] = set()
    for about in folder.glob("*.dist-info"):
        distribution = Distribution.at(about)
        present.add(_normalized(distribution.metadata["Name"]))
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(LAMBDA):
                wanted.add(_normalized(requirement.name))
    return present, wanted


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
