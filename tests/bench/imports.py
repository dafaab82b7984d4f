"""What a cold start and a warm request cost in CPU time: ``make bench-import``.

Figures are CPU milliseconds of this machine, medians over fresh processes; the first run of each, which writes the
byte code, is not counted. Nothing of the development environment is importable in them.
"""

import re
import statistics
import subprocess
from collections import Counter
from collections.abc import Sequence

from tests.bench.site import run
from tests.bench.warm import measure

RUNS = 9
OTHERS = (
    *("completions", "embeddings", "models"),
    *("images", "videos", "jobs", "end_jobs", "deliver_webhook"),
)
COLD = """
import time, resource
start = time.process_time()
import app
imported = time.process_time()
parts = app.app.parts if hasattr(app, "app") else app.handler._open_parts()
opened = time.process_time()
print(start * 1e3, (imported - start) * 1e3, (opened - imported) * 1e3, opened * 1e3,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
_IMPORT = re.compile(r"import time: +(\d+) \| +(\d+) \| ( *)(\S+)")


def cold() -> None:
    """Import the chat function and open its clients, in processes that know nothing yet."""
    interpreter, imports, clients, total, memory = medians("chat")
    print("cold start of the chat function, CPU ms (median of", RUNS, "processes)")
    print(f"  interpreter        {interpreter:7.1f}")
    print(f"  import             {imports:7.1f}")
    print(f"  first clients      {clients:7.1f}   (DynamoDB, httpx with its TLS context, catalogue)")
    print(f"  import + clients   {imports + clients:7.1f}")
    print(f"  in all             {total:7.1f}   at {memory:.0f} MB")
    compiling = [float(figure) for figure in without_byte_code().stdout.split()]
    bare = compiling[1] + compiling[2]
    print(
        f"  without byte code  {bare:7.1f}   import + clients, {bare / (imports + clients):.1f} times as much"
    )


def others() -> None:
    """The same of other functions, in short."""
    print("cold starts of others, CPU ms (median of", RUNS, "processes)")
    print("                     import  clients  in all    MB")
    for function in OTHERS:
        _, imports, clients, total, memory = medians(function)
        print(f"  {function:17} {imports:8.1f} {clients:8.1f} {total:7.1f} {memory:5.0f}")


def medians(function: str) -> Sequence[float]:
    """Of a function's figures, as ``COLD`` prints them."""
    run(COLD, function=function)
    rows = [[float(figure) for figure in run(COLD, function=function).stdout.split()] for _ in range(RUNS)]
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def without_byte_code() -> subprocess.CompletedProcess[str]:
    """As from a layer that holds sources only, where none can be written."""
    return run(COLD, "-X", "pycache_prefix=/nonexistent", PYTHONDONTWRITEBYTECODE="1")


def dearest() -> None:
    """The ten packages whose modules take longest to import, each without what it imports itself."""
    trace = run("import app; app.app.parts", "-X", "importtime").stderr
    spent: Counter[str] = Counter()
    for own, _, _, module in _IMPORT.findall(trace):
        spent[module.split(".")[0]] += int(own)
    print("the ten dearest imports, own ms by package (measured with -X importtime, which slows them down)")
    for package, microseconds in spent.most_common(10):
        print(f"  {package:24} {microseconds / 1000:6.1f}")


if __name__ == "__main__":
    cold()
    others()
    dearest()
    measure()
