"""What a process takes of the machine, as Linux tells it."""

from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Its memory that is not on disk."""
    return int(_status(pid)["VmRSS"].split()[0]) * 1024


def threads(pid: int) -> int:
    """How many it has."""
    return int(_status(pid)["Threads"])


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
