"""What state CloudWatch puts an alarm into, for the part of its rules that the template's alarms use.

Each period has a value or none; of the last ``EvaluationPeriods`` so many have to breach as ``DatapointsToAlarm`` says.
What is missing breaches, or does not, or leaves all as it was, where nothing else is there to decide; of DynamoDB's
metrics it does the last whatever an alarm says, and they are missing where nothing has happened.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
}

type Period = Mapping[str, float]
"""Values by the names of metrics, or by the ids of those of an expression."""


def state(alarm: Mapping[str, Any], series: Sequence[Period], before: str = "OK") -> str:
    """The state of an alarm after some periods."""
    count = alarm["EvaluationPeriods"]
    needed = alarm.get("DatapointsToAlarm", count)
    values = [_value(alarm, period) for period in series[-count:]]
    values += [None] * (count - len(values))
    missing = "ignore" if _of_dynamodb(alarm) else alarm["TreatMissingData"]
    compare, threshold = OPERATORS[alarm["ComparisonOperator"]], alarm["Threshold"]
    breaching = sum(
        missing == "breaching" if value is None else compare(value, threshold) for value in values
    )
    if breaching >= needed:
        return "ALARM"
    return before if missing == "ignore" and None in values else "OK"


def _of_dynamodb(alarm: Mapping[str, Any]) -> bool:
    metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
    return any(each["Namespace"] == "AWS/DynamoDB" for each in (metrics or [alarm]))


def _value(alarm: Mapping[str, Any], period: Period) -> float | None:
    if "MetricName" in alarm:
        value = period.get(alarm["MetricName"])
        return 1.0 if alarm["Statistic"] == "SampleCount" and value is not None else value
    (expression,) = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    ids = [each["Id"] for each in alarm["Metrics"] if "MetricStat" in each]
    assert period.keys() <= set(ids)
    if not period and _of_dynamodb(alarm):
        return None  # FILL fills gaps between values
    return _evaluated(expression, ids, period)


def _evaluated(expression: str, ids: Sequence[str], period: Period) -> float | None:
    match expression:
        case "SUM(FILL(METRICS(), 0))":
            return sum(period.get(each, 0) for each in ids)
        case "MAX(METRICS())":
            return max((period[each] for each in ids if each in period), default=None)
    rate = re.fullmatch(r"IF\(FILL\((\w+), 0\) >= (\d+), 100 \* FILL\((\w+), 0\) / (\w+), 0\)", expression)
    assert rate is not None, expression
    assert rate[1] == rate[4]
    if (requests := period.get(rate[1], 0)) < int(rate[2]):
        return 0
    return 100 * period.get(rate[3], 0) / requests
