"""Packs a layer: its requirements for both of Lambda's processors, its own sources, and the byte code of all.

A function that brings packages of its own is packed the same way.

SAM's own builder packs for one processor and ships no byte code, and a layer is mounted read-only: each cold start
would compile every module anew, which takes three times as long as all the rest of it. Binaries of the two processors
have different names, so one layer can carry both.

Called by their Makefiles, which ``sam build`` runs:  pack <the folder> <where it is to lie> <where Lambda has it>
"""

import compileall
import filecmp
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROCESSORS = ("aarch64", "x86_64")
GLIBC = ("2014", "_2_17", "_2_28")
"""Wheels of these tags run on the runtime's Amazon Linux 2023."""
BOTOCORE_SERVICES = frozenset({"sso", "sso-oidc", "sts"})
"""What botocore itself may ask for credentials."""
UNUSED = ("*.map", "redoc", "swagger-ui-standalone-preset.js")
"""Of the documentation page's library: most of its size."""
TESTS = frozenset({"test", "tests"})
"""Folders of packages' own tests, which some wheels carry."""
TOLD = re.compile(
    r"METADATA|entry_points\.txt|(?:.*/)?(?:LICEN[CS]E|NOTICE|COPYING|AUTHORS)[^/]*", re.IGNORECASE
)
"""Of what tells of a package: its version and what it finds by name, and its licence. The rest is the installer's."""
NOT_DEPLOYED = (
    "__pycache__",
    "*.pyc",
    "requirements.txt",
    "Makefile",
    "local",
    "openapi",
    "readme",
    "cli",
    "*.egg-info",
)


def main(source: Path, target: Path, mounted: str) -> None:
    """Pack ``source`` into ``target``, which Lambda will have at ``mounted``."""
    if sys.version_info[:2] != (3, 13):
        raise SystemExit("byte code for Lambda's Python 3.13 can only be made by a Python 3.13")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for processor in PROCESSORS:
            packages = Path(scratch) / processor
            install(source / "requirements.txt", processor, packages)
            merge(packages, target)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*NOT_DEPLOYED), dirs_exist_ok=True)
    compiled = compileall.compile_dir(
        target,
        quiet=1,
        stripdir=str(target),
        prependdir=mounted,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        raise SystemExit("a module cannot be compiled")


def install(requirements: Path, processor: str, target: Path) -> None:
    """Unpack the pinned wheels for one processor."""
    platforms = [f"--platform=manylinux{glibc}_{processor}" for glibc in GLIBC]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *(
                "--no-deps",
                "--no-compile",
                "--only-binary=:all:",
                "--implementation=cp",
                "--python-version=3.13",
            ),
            *platforms,
            f"--target={target}",
            f"--requirement={requirements}",
        ],
        check=True,
    )
    shutil.rmtree(target / "bin", ignore_errors=True)
    prune(target)


def merge(packages: Path, target: Path) -> None:
    """Lay packages over those that are there; what both have has to be the same."""
    for path in packages.rglob("*"):
        place = target / path.relative_to(packages)
        if path.is_dir():
            place.mkdir(exist_ok=True)
        elif not place.exists():
            shutil.copy2(path, place)
        elif not filecmp.cmp(path, place, shallow=False):
            raise SystemExit(f"{path.relative_to(packages)} differs between the processors")


def prune(packages: Path) -> None:
    """Leave out what nothing here uses.

    These are the descriptions of AWS services that no function calls through botocore, nearly all of its size, a part
    of the page's library, the packages' tests, and what only an installer reads.
    """
    for folder in [folder for folder in packages.rglob("*") if folder.name in TESTS and folder.is_dir()]:
        shutil.rmtree(folder, ignore_errors=True)
    for about in packages.glob("*.dist-info"):
        for path in [path for path in about.rglob("*") if path.is_file()]:
            if not TOLD.fullmatch(path.relative_to(about).as_posix()):
                path.unlink()
    data = packages / "botocore" / "data"
    for service in data.iterdir() if data.exists() else ():
        if service.is_dir() and service.name not in BOTOCORE_SERVICES:
            shutil.rmtree(service)
    library = packages / "drf_spectacular_sidecar" / "static"
    for path in [path for name in UNUSED for path in library.rglob(name)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
