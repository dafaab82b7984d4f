"""The variables of functions: all that they read, by what they were seen to read, and nothing else."""

from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from local_stack import blueprint
from recorded_calls import Recording
from sluice.config import PREFIX
from template_mutations import without_variable
from template_parts import resources
from variable_findings import EXTRAS, FUNCTION, OF_LAMBDA, findings_of, settings_kinds, variable_findings

FUNCTIONS = tuple(function.name for function in blueprint().functions)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_variables_are_those_that_are_read(
    function: str, translated: dict[str, Any], recording: Recording
) -> None:
    assert findings_of(function, translated["Resources"][function]["Properties"], recording) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_any_variable_that_is_taken_out_is_missed(
    function: str, translated: dict[str, Any], recording: Recording
) -> None:
    variables = translated["Resources"][function]["Properties"]["Environment"]["Variables"]
    assert variables
    for name in variables:
        (finding,) = findings_of(function, without_variable(translated, function, name), recording)
        assert finding.startswith(f"{function} "), finding
        assert f" {name}, which the template does not set" in finding


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", ["SLUICE_ODD", "SLUICE_USAGE_TABLE"])
def test_any_variable_too_many_is_noticed(
    name: str, function: str, translated: dict[str, Any], recording: Recording
) -> None:
    properties = translated["Resources"][function]["Properties"]
    variables = properties["Environment"]["Variables"]
    changed = {**properties, "Environment": {"Variables": {**variables, name: "x"}}}
    findings = findings_of(function, changed, recording)
    assert findings == (
        []
        if name in variables
        else [f"{function}: {name} is set, and nothing reads it: take it out of template.yaml"]
    )


def test_a_function_without_a_journey_is_named(translated: dict[str, Any], recording: Recording) -> None:
    name = "DocsFunction"
    less = Recording(
        needed=recording.needed,
        read=frozenset(each for each in recording.read if each.function != name),
        used=recording.used,
        required=recording.required,
        names=recording.names,
    )
    (finding,) = variable_findings(translated, less)
    assert finding.startswith(f"{name} has no journey")


def test_what_is_left_to_operators_is_read_and_has_a_default_and_is_not_set(
    translated: dict[str, Any], recording: Recording
) -> None:
    read = {each.name for each in recording.read}
    assert EXTRAS.keys() <= read
    assert all(EXTRAS.values())
    assert OF_LAMBDA - read <= {"AWS_DEFAULT_REGION"}  # is asked for where the other is not set
    for kind in settings_kinds():
        for name, field in kind.model_fields.items():
            if PREFIX + name.upper() in EXTRAS:
                assert (
                    field.get_default(call_default_factory=True, validated_data={}) is not PydanticUndefined
                )
    for function in resources(translated, FUNCTION).values():
        variables = function["Properties"]["Environment"]["Variables"]
        assert not variables.keys() & EXTRAS.keys()
