"""A check of CloudWatch's embedded metric format, written from its specification and not from what writes it here.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_RATES = ("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes")
_BITS = ("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits")
UNITS = {"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"} | {
    f"{unit}{each}" for unit in (*_RATES, *_BITS) for each in ("", "/Second")
}
MOST_METRICS = MOST_VALUES = 100
MOST_DIMENSIONS = 30
TWO_WEEKS_MS = 14 * 24 * 3600 * 1000
TWO_HOURS_MS = 2 * 3600 * 1000


@dataclass(frozen=True)
class Measured:
    """What CloudWatch makes of a line: the values and units of its metrics, and the dimensions that they have."""

    namespace: str
    dimensions: dict[str, str]
    values: dict[str, float]
    units: dict[str, str]
    document: dict[str, Any]


def measured(line: str) -> Measured:
    """Check a line with one directive, one set of dimensions and one value a metric, and read it."""
    document = json.loads(line)
    metadata = document["_aws"]
    assert set(metadata) == {"Timestamp", "CloudWatchMetrics"}
    now = datetime.now(UTC).timestamp() * 1000  # some tests have a time.time() of their own
    assert isinstance(metadata["Timestamp"], int)
    assert now - TWO_WEEKS_MS < metadata["Timestamp"] < now + TWO_HOURS_MS
    (directive,) = metadata["CloudWatchMetrics"]
    assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
    namespace = directive["Namespace"]
    assert re.fullmatch(r"(?!AWS/)[A-Za-z0-9._#:/-]{1,255}", namespace)
    (names,) = directive["Dimensions"]
    assert len(set(names)) == len(names) <= MOST_DIMENSIONS
    dimensions = {name: document[name] for name in names}
    for value in dimensions.values():
        assert isinstance(value, str)
        assert 1 <= len(value) <= 1024
    assert 1 <= len(directive["Metrics"]) <= MOST_METRICS
    units: dict[str, str] = {}
    values: dict[str, float] = {}
    for metric in directive["Metrics"]:
        assert {"Name"} <= set(metric) <= {"Name", "Unit", "StorageResolution"}
        name = metric["Name"]
        assert 1 <= len(name) <= 1024
        assert name not in {*units, *dimensions, "_aws"}
        units[name] = metric["Unit"]
        assert units[name] in UNITS
        assert metric.get("StorageResolution", 60) in {1, 60}
        values[name] = _value(document[name])
    return Measured(namespace, dimensions, values, units, document)


def all_measured(output: str) -> list[Measured]:
    """Those lines of what a function has written that are of metrics."""
    return [measured(line) for line in output.splitlines() if line.startswith('{"_aws"')]


def _value(target: Any) -> float:
    (value,) = target if isinstance(target, list) else [target]
    assert isinstance(value, int | float)
    assert not isinstance(value, bool)
    return float(value)
