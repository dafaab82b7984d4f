"""What calls functions: each caller is let in, and each sample event has somebody who sends it."""

import json
from pathlib import Path
from typing import Any

import pytest

from function_site import resource_names_of
from local_stack import ROOT, blueprint
from policies import Roles
from template_mutations import without_resource_named
from template_parts import resources
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
        assert finding.startswith(f"{permission['Properties']['FunctionName']['Ref']}: "), finding
        assert finding.endswith("no AWS::Lambda::Permission lets it")


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
