"""What calls functions: each caller is let in, and each sample event has somebody who sends it."""

import json
from pathlib import Path
from typing import Any

import pytest

from function_site import resource_names_of
from local_stack import ROOT, blueprint
from policies import Roles
from template_mutations import without_resource_named
from template_parts import function_of, resources
from triggers import MACHINE, ROUTE, RULE, SCHEDULE, STREAM, Trigger, trigger_findings, triggers

FUNCTIONS = {function.name: function.folder.name for function in blueprint().functions}


def roles_of(translated: dict[str, Any]) -> Roles:
    return Roles(translated, resource_names_of(translated))


def test_every_function_is_called_and_every_caller_is_let_in(translated: dict[str, Any]) -> None:
    findings = trigger_findings(translated, roles_of(translated))
    assert not findings, "\n".join(findings)


def test_any_permission_to_call_that_is_taken_out_is_missed(translated: dict[str, Any]) -> None:
    permissions = resources(translated, "AWS::Lambda::Permission")
    assert permissions
    for name, permission in permissions.items():
        changed = without_resource_named(translated, name)
        (finding,) = trigger_findings(changed, roles_of(translated))
        assert finding.startswith(f"{called_by(translated, permission)}: "), finding
        assert finding.endswith("no AWS::Lambda::Permission lets it")


def called_by(translated: dict[str, Any], permission: dict[str, Any]) -> str:
    """The function that a permission is for."""
    function = function_of(translated, permission["Properties"]["FunctionName"])
    assert function is not None
    return function


def test_any_permission_for_a_function_that_is_called_at_its_alias_is_no_use(
    translated: dict[str, Any],
) -> None:
    aliases = resources(translated, "AWS::Lambda::Alias")
    at_alias = 0
    for name, permission in resources(translated, "AWS::Lambda::Permission").items():
        if permission["Properties"]["FunctionName"]["Ref"] in aliases:
            function = called_by(translated, permission)
            properties = {**permission["Properties"], "FunctionName": {"Ref": function}}
            changed = {**translated["Resources"], name: {**permission, "Properties": properties}}
            findings = trigger_findings({**translated, "Resources": changed}, roles_of(translated))
            assert [finding.partition(":")[0] for finding in findings] == [function, name]
            at_alias += 1
    assert at_alias


def test_any_rule_or_stream_that_is_taken_out_is_missed(translated: dict[str, Any]) -> None:
    for kind in ("AWS::Events::Rule", "AWS::Lambda::EventSourceMapping"):
        callers = resources(translated, kind)
        assert callers
        for name in callers:
            changed = without_resource_named(translated, name)
            before = set(triggers(translated, roles_of(translated)))
            (gone,) = before - set(triggers(changed, roles_of(translated)))
            findings = trigger_findings(changed, roles_of(translated))
            assert gone.name == name
            left = {trigger.function for trigger in triggers(changed, roles_of(translated))}
            assert any(finding.startswith(f"{gone.function}: nothing") for finding in findings) == (
                gone.function not in left
            )
            assert gone.kind == STREAM or any(
                finding.endswith("nothing calls by this permission") for finding in findings
            )


def kind_of(event: dict[str, Any]) -> str:
    """What sends an event."""
    match event:
        case {"httpMethod": _}:
            return ROUTE
        case {"detail-type": "Scheduled Event"}:
            return SCHEDULE
        case {"detail-type": _}:
            return RULE
        case {"Records": [{"eventSource": "aws:dynamodb"}, *_]}:
            return STREAM
        case {"job": _}:
            return MACHINE
    raise AssertionError(f"nobody has said what sends this: {event}")


def events(folder: str) -> dict[Path, dict[str, Any]]:
    """A function's sample events, by their files."""
    files = sorted((ROOT / "events" / folder).glob("*.json"))
    return {file: json.loads(file.read_text(encoding="utf-8")) for file in files}


def missing(function: str, found: list[Trigger]) -> list[str]:
    """The kinds of callers that a function's sample events speak of and the template does not, and the other way."""
    told = {kind_of(event) for event in events(FUNCTIONS[function]).values()}
    real = {trigger.kind for trigger in found if trigger.function == function}
    return [
        f"{function}: no {kind} calls it in template.yaml".replace("no a ", "no ")
        for kind in sorted(told - real)
    ] + [
        f"{function}: {kind} calls it, and events/{FUNCTIONS[function]} has no such event"
        for kind in sorted(real - told)
    ]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_sample_events_are_sent_by_somebody(function: str, translated: dict[str, Any]) -> None:
    findings = missing(function, list(triggers(translated, roles_of(translated))))
    assert not findings, "\n".join(findings)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_any_kind_of_caller_that_is_taken_out_is_missed(function: str, translated: dict[str, Any]) -> None:
    found = list(triggers(translated, roles_of(translated)))
    kinds = sorted({trigger.kind for trigger in found if trigger.function == function})
    assert kinds
    for kind in kinds:
        left = [trigger for trigger in found if (trigger.function, trigger.kind) != (function, kind)]
        (finding,) = missing(function, left)
        assert finding.startswith(f"{function}: no ")
