"""What becomes of events that functions could not take, by a template as CloudFormation gets it, and whether it can.

Lambda tries again and hands on as the configuration of the very thing that is called says: of an alias, or of the
function's newest version. EventBridge hands on what Lambda did not even take, where a queue's policy lets that rule.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from policies import Roles, listed
from template_parts import resources
from triggers import RULE, RULES, SCHEDULE, triggers

NEWEST = "$LATEST"


class Sender(NamedTuple):
    """A rule that leaves in a queue what it could not hand over; both by their names in the template."""

    queue: str
    rule: str


def senders(translated: Mapping[str, Any]) -> Iterator[Sender]:
    """All rules that are told to."""
    for name, rule in resources(translated, "AWS::Events::Rule").items():
        for target in rule["Properties"]["Targets"]:
            if "DeadLetterConfig" in target:
                yield Sender(_attribute_of(target["DeadLetterConfig"]["Arn"]), name)


def let_in(translated: Mapping[str, Any]) -> Iterator[Sender]:
    """All rules that the queues' policies let.

    Raises:
        AssertionError: a policy lets somebody else, or more than send.
    """
    for policy in resources(translated, "AWS::SQS::QueuePolicy").values():
        properties = policy["Properties"]
        for statement in properties["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny":
                continue
            assert statement["Principal"] == {"Service": RULES}, statement
            assert statement["Action"] == "sqs:SendMessage", statement
            assert statement["Condition"].keys() == {"ArnEquals"}, statement
            (rules,) = statement["Condition"]["ArnEquals"].values()
            assert statement["Condition"]["ArnEquals"].keys() == {"aws:SourceArn"}, statement
            for resource in listed(statement["Resource"]):
                queue = _attribute_of(resource)
                if {"Ref": queue} in properties["Queues"]:
                    yield from (Sender(queue, _attribute_of(rule)) for rule in listed(rules))


def configs(translated: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """What is said of functions that are not waited for, by the function and the alias, or ``$LATEST``."""
    return {
        (found["Properties"]["FunctionName"]["Ref"], found["Properties"]["Qualifier"]): found["Properties"]
        for found in resources(translated, "AWS::Lambda::EventInvokeConfig").values()
    }


def called_without_waiting(translated: Mapping[str, Any], roles: Roles) -> dict[tuple[str, str], set[str]]:
    """The functions that rules and schedules call, with the alias or ``$LATEST``, and the kinds of who calls."""
    found: dict[tuple[str, str], set[str]] = {}
    for trigger in triggers(translated, roles):
        if trigger.kind in (RULE, SCHEDULE):
            resource = translated["Resources"][trigger.at]
            alias = resource["Type"] == "AWS::Lambda::Alias"
            qualifier = resource["Properties"]["Name"] if alias else NEWEST
            found.setdefault((trigger.function, qualifier), set()).add(trigger.kind)
    return found


def left_over_findings(translated: Mapping[str, Any], roles: Roles) -> list[str]:
    """The rules that cannot leave what they are told to, who may and is not told to, and what is said of nobody."""
    told, may = set(senders(translated)), set(let_in(translated))
    called, said = called_without_waiting(translated, roles), configs(translated)
    return [
        *(f"{rule}: no queue's policy lets it leave events in {queue}" for queue, rule in sorted(told - may)),
        *(f"{rule}: it may leave events in {queue}, and does not" for queue, rule in sorted(may - told)),
        *(
            f"{function}: events call it at {qualifier}, and no EventInvokeConfig says what becomes of those that fail"
            for function, qualifier in sorted(called.keys() - said.keys())
        ),
        *(
            f"{function}: its EventInvokeConfig is for {qualifier}, which no event calls"
            for function, qualifier in sorted(said.keys() - called.keys())
        ),
    ]


def _attribute_of(value: Any) -> str:
    """Whose ARN a value is."""
    name, attribute = value["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(name)
