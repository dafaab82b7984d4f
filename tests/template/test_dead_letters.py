"""What could not be carried out is kept where it would be lost, and nowhere else."""

from copy import deepcopy
from typing import Any

import pytest

from function_site import resource_names_of
from left_over import called_without_waiting, configs, left_over_findings, senders
from policies import Roles
from recorded_calls import Recording
from template_mutations import without_resource_named
from template_parts import functions, resources
from triggers import RULE, RULES

KEPT = {"EndJobsFunction": "EventsQueue", "JobsFunction": "EventsQueue"}
"""Functions whose events say something that a later run has to know, and where those go that fail."""
ANOTHER_RUN = (
    "CheckHealthFunction",
    "ReclaimHoldsFunction",
    "ReconcileBudgetsFunction",
    "SyncCatalogFunction",
)
"""Functions that need no more than to be run again."""


def roles_of(translated: dict[str, Any]) -> Roles:
    return Roles(translated, resource_names_of(translated))


@pytest.mark.parametrize("name", ["EventsQueue", "RowsQueue"])
def test_queues_are_encrypted_and_keep_what_they_have_for_a_fortnight(
    name: str, template: dict[str, Any]
) -> None:
    queue = template["Resources"][name]["Properties"]
    assert queue == {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": 14 * 86_400}


def test_every_function_that_events_call_keeps_them_or_is_called_again(translated: dict[str, Any]) -> None:
    called = called_without_waiting(translated, roles_of(translated))
    assert sorted(function for function, _ in called) == sorted([*KEPT, *ANOTHER_RUN])
    said = {function: config for (function, _), config in configs(translated).items()}
    for name, queue in KEPT.items():
        config = said[name]
        assert config["DestinationConfig"]["OnFailure"] == {"Destination": {"Fn::GetAtt": [queue, "Arn"]}}
        assert "MaximumRetryAttempts" not in config  # two, by default
    for name in ANOTHER_RUN:
        assert said[name]["MaximumRetryAttempts"] == 0
        assert not said[name].get("DestinationConfig")


def test_whoever_leaves_something_is_let_and_nobody_else(translated: dict[str, Any]) -> None:
    findings = left_over_findings(translated, roles_of(translated))
    assert not findings, "\n".join(findings)


def test_any_rule_that_is_not_let_is_missed(translated: dict[str, Any]) -> None:
    policy = translated["Resources"]["QueuesPolicy"]
    found = list(senders(translated))
    assert {queue for queue, _ in found} == {"EventsQueue"}
    for _, rule in found:
        changed = deepcopy(policy)
        _, allow = changed["Properties"]["PolicyDocument"]["Statement"]
        allow["Condition"]["ArnEquals"]["aws:SourceArn"].remove({"Fn::GetAtt": [rule, "Arn"]})
        resources_ = {**translated["Resources"], "QueuesPolicy": changed}
        findings = left_over_findings({**translated, "Resources": resources_}, roles_of(translated))
        assert findings == [f"{rule}: no queue's policy lets it leave events in EventsQueue"]


def test_any_rule_that_is_let_for_nothing_is_noticed(translated: dict[str, Any]) -> None:
    for _, rule in senders(translated):
        changed = deepcopy(translated["Resources"][rule])
        for target in changed["Properties"]["Targets"]:
            del target["DeadLetterConfig"]
        resources_ = {**translated["Resources"], rule: changed}
        findings = left_over_findings({**translated, "Resources": resources_}, roles_of(translated))
        assert findings == [f"{rule}: it may leave events in EventsQueue, and does not"]


def test_what_becomes_of_events_is_said_of_what_they_call(translated: dict[str, Any]) -> None:
    roles = roles_of(translated)
    for name, config in resources(translated, "AWS::Lambda::EventInvokeConfig").items():
        function = config["Properties"]["FunctionName"]["Ref"]
        (missing,) = left_over_findings(without_resource_named(translated, name), roles)
        assert missing.startswith(f"{function}: events call it at ")
        elsewhere = deepcopy(config)
        elsewhere["Properties"]["Qualifier"] = "another"
        resources_ = {**translated["Resources"], name: elsewhere}
        findings = left_over_findings({**translated, "Resources": resources_}, roles)
        assert [finding.partition(":")[0] for finding in findings] == [function, function]


def test_what_eventbridge_cannot_hand_over_is_kept_where_an_event_says_something(
    translated: dict[str, Any],
) -> None:
    rules = resources(translated, "AWS::Events::Rule")
    found = set()
    for name in senders(translated):
        assert "EventPattern" in rules[name.rule]["Properties"], "a schedule says nothing"
        found.add(name.rule)
    called = called_without_waiting(translated, roles_of(translated))
    told = {function for (function, _), kinds in called.items() if RULE in kinds}
    assert told - set(ANOTHER_RUN) == KEPT.keys()
    assert found == {
        name
        for name, rule in rules.items()
        if "EventPattern" in rule["Properties"] and name.startswith(tuple(KEPT))
    }


def test_rows_that_are_not_added_up_have_time_and_then_leave_a_trace(translated: dict[str, Any]) -> None:
    (mapping,) = resources(translated, "AWS::Lambda::EventSourceMapping").values()
    properties = mapping["Properties"]
    assert properties["DestinationConfig"] == {
        "OnFailure": {"Destination": {"Fn::GetAtt": ["RowsQueue", "Arn"]}}
    }
    assert 3600 <= properties["MaximumRecordAgeInSeconds"] <= 43_200  # a stream forgets after 24 hours
    assert properties["BisectBatchOnFunctionError"] is True
    assert "MaximumRetryAttempts" not in properties


def test_only_who_leaves_something_may_send(translated: dict[str, Any], recording: Recording) -> None:
    roles = Roles(translated, recording.names)
    sending = {
        name: [
            (each.action, each.pattern) for each in roles.allowed(roles.role_of(name)) if "sqs" in each.action
        ]
        for name in resources(translated, "AWS::Lambda::Function")
    }
    assert {name: allowed for name, allowed in sending.items() if allowed} == {
        name: [("sqs:SendMessage", roles.text({"Fn::GetAtt": [queue, "Arn"]}))]
        for name, queue in {**KEPT, "RollUpUsageFunction": "RowsQueue"}.items()
    }


def test_queues_refuse_what_is_not_encrypted_on_its_way(translated: dict[str, Any]) -> None:
    policy = translated["Resources"]["QueuesPolicy"]["Properties"]
    deny, allow = policy["PolicyDocument"]["Statement"]
    queues = ["EventsQueue", "RowsQueue"]
    assert resources(translated, "AWS::SQS::Queue").keys() == set(queues)
    assert policy["Queues"] == [{"Ref": name} for name in queues]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "sqs:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert deny["Resource"] == [{"Fn::GetAtt": [name, "Arn"]} for name in queues]
    assert allow["Principal"] == {"Service": RULES}


def test_no_function_of_requests_keeps_its_events(template: dict[str, Any]) -> None:
    for name, function in functions(template).items():
        assert "DeadLetterQueue" not in function, name
