"""What this process takes of the machine."""

import resource
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_KILOBYTES_PER_MEGABYTE = 1024


def memory_megabytes() -> dict[str, int]:
    """Resident memory (``rss``) and the private part of it that holds the process's data (``heap``), in MB.

    From the kernel's account of the process; where there is none (macOS), the peak of the resident memory stands in
    for both.
    """
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _KILOBYTES_PER_MEGABYTE
        return {"rss": peak, "heap": peak}
    kilobytes = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS", "RssAnon")))
    return {
        name: int(kilobytes[field].split()[0]) // _KILOBYTES_PER_MEGABYTE
        for name, field in (("rss", "VmRSS"), ("heap", "RssAnon"))
    }
