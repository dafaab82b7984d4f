"""A stand-in for AWS's base image of the Python runtime, for machines that cannot pull it.

    python tests/sam_local/base_image.py <tag>

gives the image that tag, by ``docker import``. It is made in seconds, of what this machine has and of nothing that is
fetched: the interpreter that runs this, as Lambda has it at /var/lang; the runtime's own client, as the
project's lock pins it, at /var/runtime; the few commands that SAM's builder and a start need; and of the system's
libraries those that these are linked with. There is no more of an operating system in it, so what a function takes from
one is seen. SAM adds the runtime's emulator and the layers.
"""

import argparse
import importlib.util
import io
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
LANGUAGE = Path("/var/lang")
RUNTIME = Path("/var/runtime")
TASK = Path("/var/task")

COMMANDS = ("sh", "cat", "chmod", "cp", "mkdir", "mv", "rm")
"""What SAM's Dockerfile runs, and what a wrapper of a start is written in."""

CLIENT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
"""The packages of the runtime's client: two of them are what it needs, and one is its binary."""

SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
"""Where the loader looks by itself. What lies elsewhere is put beside the interpreter's own library."""

LEFT_OUT = frozenset(
    {"ensurepip", "idlelib", "lib2to3", "site-packages", "dist-packages", "test", "tkinter", "turtledemo"}
)
"""Of the standard library: what no function imports, and half of its size."""

C_LIBRARY = "libc.so.6"
BESIDE_IT = ("dl", "m", "nss_dns", "nss_files", "pthread", "resolv", "rt", "util", "gcc_s", "stdc++")
"""What wheels may count on wherever there is a C library, by PEP 599, and what it loads itself."""

ENVIRONMENT = {
    "LAMBDA_RUNTIME_DIR": str(RUNTIME),
    "LAMBDA_TASK_ROOT": str(TASK),
    "LANG": "en_US.UTF-8",
    "LD_LIBRARY_PATH": f"{LANGUAGE}/lib:/lib64:/usr/lib64:{RUNTIME}:{RUNTIME}/lib:{TASK}:{TASK}/lib:/opt/lib",
    "PATH": f"{LANGUAGE}/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
    "TZ": ":UTC",
}
"""What AWS's image sets."""

BOOTSTRAP = f"""\
#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_{PYTHON}
set -- {LANGUAGE}/bin/{PYTHON} {RUNTIME}/bootstrap.py
if [ -n "${{AWS_LAMBDA_EXEC_WRAPPER-}}" ]; then
    if [ ! -x "$AWS_LAMBDA_EXEC_WRAPPER" ]; then
        echo "$AWS_LAMBDA_EXEC_WRAPPER: does not exist, or is not executable" >&2
        exit 127
    fi
    set -- "$AWS_LAMBDA_EXEC_WRAPPER" "$@"
fi
exec "$@"
"""
"""How a start goes. Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper"""

START = """\
import os
import sys

task = os.environ["LAMBDA_TASK_ROOT"]
version = f"python{sys.version_info.major}.{sys.version_info.minor}"
sys.path[:1] = [task, f"/opt/python/lib/{version}/site-packages", "/opt/python", os.environ["LAMBDA_RUNTIME_DIR"]]

from awslambdaric.__main__ import main

main([sys.argv[0], os.environ["_HANDLER"]])
"""

FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nsbx_user1051:x:993:990::/home/sbx_user1051:/bin/sh\n",
    "/etc/group": "root:x:0:\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
    f"{RUNTIME}/bootstrap.py": START,
}
FOLDERS = ("/opt", "/tmp", "/var/rapid", str(TASK))  # noqa: S108 - the image's, not this machine's


def make(tag: str) -> None:
    """Make the image.

    Raises:
        SystemExit: this machine lacks something that belongs into it, or Docker does not take it.
    """
    changes = [*(f"ENV {name}={value}" for name, value in ENVIRONMENT.items()), f"WORKDIR {TASK}"]
    told = [argument for change in changes for argument in ("--change", change)]
    with tempfile.TemporaryFile() as archive:
        write(archive)
        archive.seek(0)
        done = subprocess.run(["docker", "import", *told, "-", tag], stdin=archive, check=False)
    if done.returncode != 0:
        raise SystemExit(f"docker import ended with {done.returncode}")


def write(archive: IO[bytes]) -> None:
    """Write the root of the image's file system as a tar archive.

    Raises:
        SystemExit: this machine lacks something that belongs into it.
    """
    with tarfile.open(fileobj=archive, mode="w", dereference=True) as root:
        for folder in FOLDERS:
            _folder(root, folder)
        for path, text in FILES.items():
            _file(root, path, text, 0o644)
        _file(root, f"{RUNTIME}/bootstrap", BOOTSTRAP, 0o755)
        binaries = [*_commands(root), *_language(root), *_client(root)]
        for source, target in sorted(_libraries(binaries)):
            root.add(source, str(target))


def _folder(root: tarfile.TarFile, path: str) -> None:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if path == "/tmp" else 0o755  # noqa: S108 - see FOLDERS
    root.addfile(entry)


def _file(root: tarfile.TarFile, path: str, text: str, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(text.encode()), mode
    root.addfile(entry, io.BytesIO(text.encode()))


def _commands(root: tarfile.TarFile) -> Iterator[Path]:
    for name in COMMANDS:
        found = shutil.which(name)
        if found is None:
            raise SystemExit(f"{name} was not found, which the image is to have")
        root.add(found, f"/bin/{name}")
        yield Path(found)


def _language(root: tarfile.TarFile) -> Iterator[Path]:
    """The interpreter and its standard library; gives the binaries of both."""
    interpreter = Path(sys._base_executable)  # type: ignore[attr-defined] # outside the environment, and not documented
    root.add(interpreter, f"{LANGUAGE}/bin/{PYTHON}")
    yield interpreter
    libraries = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    for path in sorted(libraries.rglob("*")):
        inside = path.relative_to(libraries)
        if path.is_file() and LEFT_OUT.isdisjoint(inside.parts) and not inside.parts[0].startswith("config-"):
            root.add(path, str(LANGUAGE / "lib" / PYTHON / inside))
            if path.suffix == ".so":
                yield path


def _client(root: tarfile.TarFile) -> Iterator[Path]:
    for name in CLIENT:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise SystemExit(f"the package {name} is not installed beside this interpreter")
        origin = Path(spec.origin)
        found = origin.parent.rglob("*") if spec.submodule_search_locations else [origin]
        top = origin.parents[1] if spec.submodule_search_locations else origin.parent
        for path in sorted(found):
            if path.is_file():
                root.add(path, str(RUNTIME / path.relative_to(top)))
                if path.suffix == ".so":
                    yield path


def _libraries(binaries: Iterable[Path]) -> set[tuple[Path, Path]]:
    """What these are linked with, each with its place in the image.

    Raises:
        SystemExit: something is linked with what is not there.
    """
    done = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False)
    if missing := re.findall(r"(\S+) => not found", done.stdout):
        raise SystemExit(f"not found: {', '.join(sorted(set(missing)))}")
    found = {Path(path) for path in re.findall(r"(?:=>\s|^\s+)(/\S+) \(0x", done.stdout, re.MULTILINE)}
    (folder,) = {path.parent for path in found if path.name == C_LIBRARY}
    found |= {path for name in BESIDE_IT for path in folder.glob(f"lib{name}.so.?")}
    return {(path, path if str(path).startswith(SYSTEM) else LANGUAGE / "lib" / path.name) for path in found}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tag", help="of the image, such as the one that sam local looks for")
    make(parser.parse_args().tag)
