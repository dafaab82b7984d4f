"""Alarms look at metrics that are written, go off when they should, and cost what README says."""

import re
from typing import Any

import pytest

from alarm_states import Period, state
from local_stack import ROOT, TEMPLATE
from sluice.local.blueprint import read_template
from template_parts import functions
from watched_metrics import AWS_METRICS, STACK, alarms, missing_from_aws, watched_by, written_metrics

ALARMS = alarms(read_template(TEMPLATE))
MOST_METRICS = 10
"""That CloudWatch lets an alarm's expression have."""
TOLD = [
    {"Fn::If": ["TellAddress", {"Ref": "AlarmTopic"}, {"Ref": "AWS::NoValue"}]},
    {"Fn::If": ["TellTopic", {"Ref": "AlarmTopicArn"}, {"Ref": "AWS::NoValue"}]},
]


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_looks_at_what_is_written(
    name: str,
    template: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = written_metrics(capsys, monkeypatch)
    watched = watched_by(ALARMS[name])
    assert watched
    for each in watched:
        if each.namespace == STACK:
            assert each in written, f"{name} looks at {each}, which nothing writes"
        else:
            assert missing_from_aws(each, template) is None, name


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_somebody_and_is_there_only_where_it_can(name: str, template: dict[str, Any]) -> None:
    alarm = ALARMS[name]
    assert (alarm["AlarmActions"], alarm["OKActions"]) == (TOLD, TOLD)
    assert template["Resources"][name]["Condition"] in {"Watch", "WatchComparing"}
    assert len(alarm["AlarmDescription"]) > 20
    assert alarm["AlarmName"]["Fn::Sub"].startswith("${AWS::StackName}-")


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_one_that_cloudwatch_takes(name: str) -> None:
    alarm = ALARMS[name]
    periods = {each["MetricStat"]["Period"] for each in alarm.get("Metrics", ()) if "MetricStat" in each}
    (period,) = periods or {alarm["Period"]}
    most = 7 * 86_400 if period >= 3600 else 86_400
    assert period * alarm["EvaluationPeriods"] <= most
    assert alarm.get("DatapointsToAlarm", 1) <= alarm["EvaluationPeriods"]
    if "Metrics" in alarm:
        assert "MetricName" not in alarm
        assert len(watched_by(alarm)) <= MOST_METRICS
        (result,) = [each for each in alarm["Metrics"] if each.get("ReturnData", True)]
        assert "SEARCH" not in result["Expression"]
        used = set(re.findall(r"\b[a-z_]+\b", result["Expression"]))
        ids = {each["Id"] for each in alarm["Metrics"] if "MetricStat" in each}
        assert used in (ids, set())


def rate(errors: float, requests: float) -> Period:
    return {"errors": errors, "requests": requests}


QUIET: Period = {}
CASES: dict[str, tuple[list[list[Period]], list[list[Period]]]] = {
    "ApiFailing": (
        [[], [rate(0, 1000)] * 3, [rate(19, 19)] * 3, [rate(50, 1000)] * 3, [rate(900, 1000), QUIET, QUIET]],
        [[rate(51, 1000)] * 3, [rate(0, 1000), rate(20, 20), rate(2, 20)]],
    ),
    "StreamsFailing": (
        [[], [{"requests": 1000}] * 3, [rate(10, 10)] * 3, [rate(1, 20)] * 3],
        [[rate(2, 20)] * 3, [{"requests": 1000}, rate(100, 1000), rate(100, 1000)]],
    ),
    "SettlingFailed": ([[], [QUIET]], [[{"SettleFailures": 1}]]),
    "HoldsReclaimed": ([[], [{"HoldsReclaimed": 10}]], [[{"HoldsReclaimed": 11}]]),
    "BudgetExceeded": ([[], [{"BudgetsExceeded": 0}]], [[{"BudgetsExceeded": 1}]]),
    "CountersDiffer": ([[], [{"BudgetDifferences": 0}]], [[{"BudgetDifferences": 1}]]),
    "NothingCompared": (
        [[{"KeysReconciled": 0}], [{"KeysReconciled": 5}, QUIET], [QUIET, {"KeysReconciled": 5}]],
        [[], [QUIET, QUIET], [{"KeysReconciled": 5}, QUIET, QUIET]],
    ),
    "RunsFailing": (
        [[], [{"reclaim": 1}, QUIET, QUIET], [QUIET] * 3],
        [[{"reclaim": 1}, QUIET, {"reclaim": 1}], [{"check": 1}, {"end": 3}, QUIET]],
    ),
    "RareRunFailed": ([[], [{"sync": 0, "reconcile": 0}]], [[{"sync": 1}], [{"reconcile": 1}]]),
    "FunctionsThrottled": (
        [[], [{"Throttles": 0}] * 3, [{"Throttles": 9}, QUIET, QUIET]],
        [[{"Throttles": 1}, {"Throttles": 1}, QUIET]],
    ),
    "ExecutionsFailed": (
        [[], [{"images_failed": 0, "videos_late": 0}]],
        [
            [{f"{machine}_{end}": 1}]
            for machine in ("images", "videos", "webhooks")
            for end in ("failed", "late")
        ],
    ),
    "JobsSwept": ([[], [QUIET]], [[{"JobsSwept": 1}]]),
    "UsageBehind": (
        [[], [{"IteratorAge": 900_000}] * 3, [{"IteratorAge": 10**7}] * 2],
        [[{"IteratorAge": 900_001}] * 3],
    ),
    "QueuesFilled": ([[], [{"events": 0, "rows": 0}]], [[{"events": 1, "rows": 0}], [{"rows": 2}]]),
    "TablesThrottled": (
        [[], [{"counters_writes": 5}, QUIET, QUIET]],
        [[{"counters_writes": 5}, {"keys_reads": 1}, QUIET], [{"ledger_writes": 1}] * 3],
    ),
}
"""Of each alarm the series at which it is silent, and those at which it goes off."""


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_goes_off_when_it_should_and_not_before(name: str) -> None:
    healthy, unhealthy = CASES[name]
    assert [state(ALARMS[name], series) for series in healthy] == ["OK"] * len(healthy)
    assert [state(ALARMS[name], series) for series in unhealthy] == ["ALARM"] * len(unhealthy)


@pytest.mark.parametrize("name", ["BudgetExceeded", "CountersDiffer", "QueuesFilled", "TablesThrottled"])
def test_what_nothing_is_heard_of_stays_as_it_was(name: str) -> None:
    assert state(ALARMS[name], [QUIET], before="ALARM") == "ALARM"
    assert state(ALARMS[name], [QUIET], before="OK") == "OK"


def test_silence_of_who_compares_counters_is_no_health(template: dict[str, Any]) -> None:
    schedule = functions(template)["ReconcileBudgetsFunction"]["Events"]["EveryDay"]["Properties"]
    assert schedule["Schedule"] == "rate(1 day)"
    assert ALARMS["NothingCompared"]["Period"] == 86_400
    assert schedule["State"] == {"Fn::If": ["CompareEachDay", "ENABLED", "DISABLED"]}
    conditions = template["Conditions"]
    assert conditions["CompareEachDay"] == {"Fn::Equals": [{"Ref": "Reconcile"}, "on"]}
    assert template["Parameters"]["Reconcile"]["Default"] == "on"  # make dev runs it
    assert template["Resources"]["NothingCompared"]["Condition"] == "WatchComparing"


def test_the_guide_counts_what_alarms_look_at_that_somebody_is_told_of() -> None:
    metrics = sum(len(watched_by(alarm)) for alarm in ALARMS.values())
    guide = (ROOT / "DEPLOY.md").read_text(encoding="utf-8")
    assert f"| alarms that look at {metrics} metrics " in guide


def test_what_alarms_say_is_encrypted_and_cloudwatch_may_say_it(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    topic = resources["AlarmTopic"]["Properties"]
    assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": ["AlarmKey", "Arn"]}
    assert topic["Subscription"] == [{"Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}]
    key = resources["AlarmKey"]["Properties"]
    assert key["EnableKeyRotation"] is True
    _, encrypt = key["KeyPolicy"]["Statement"]
    publish, deny = resources["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    mine = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    for statement, actions in (
        (encrypt, ["kms:Decrypt", "kms:GenerateDataKey*"]),
        (publish, "sns:Publish"),
    ):
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert (statement["Action"], statement["Condition"]) == (actions, mine)
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    for name in ("AlarmTopic", "AlarmTopicPolicy", "AlarmKey"):
        assert resources[name]["Condition"] == "TellAddress"


@pytest.mark.parametrize(
    ("parameter", "taken", "refused"),
    [
        ("AlarmEmail", ["", "a@example.com"], ["a", "a@b c", "@example.com"]),
        (
            "AlarmTopicArn",
            ["", "arn:aws:sns:eu-central-1:123456789012:on-call"],
            ["on-call", "arn:aws:sqs:::x"],
        ),
    ],
)
def test_who_is_told_is_said_right(
    parameter: str, taken: list[str], refused: list[str], template: dict[str, Any]
) -> None:
    pattern = template["Parameters"][parameter]["AllowedPattern"]
    assert all(re.fullmatch(pattern, value) for value in taken)
    assert not any(re.fullmatch(pattern, value) for value in refused)


def test_sources_of_awss_metrics_are_awss() -> None:
    for _, source in AWS_METRICS.values():
        assert source.startswith("https://docs.aws.amazon.com/")
