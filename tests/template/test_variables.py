"""The variables of functions: all that they read, by what they were seen to read, and nothing else."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

import import_reads
from local_stack import ROOT, blueprint
from recorded_calls import Recording
from sluice.config import PREFIX
from sluice_streaming.settings import Settings as RuntimeSettings
from template_mutations import without_variable
from template_parts import resources
from template_values import NOTHING
from variable_findings import (
    AT_IMPORT,
    EXTRAS,
    FUNCTION,
    OF_LAMBDA,
    RUNTIME,
    findings_of,
    settings_kinds,
    variable_findings,
)

OURS = ("sluice", "function_", "aws_lambda_powertools", "mangum")
"""Modules that could read a variable of the template's while they are imported, by their beginnings."""

FUNCTIONS = tuple(function.name for function in blueprint().functions)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_variables_are_those_that_are_read(
    function: str, translated: dict[str, Any], recording: Recording
) -> None:
    findings = findings_of(function, translated["Resources"][function]["Properties"], recording)
    assert not findings, "\n".join(findings)


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
def test_any_variable_that_a_function_cannot_start_without_and_a_condition_takes_away_is_missed(
    function: str, translated: dict[str, Any], recording: Recording
) -> None:
    properties = translated["Resources"][function]["Properties"]
    variables = properties["Environment"]["Variables"]
    required = {each.name for each in recording.required if each.function == function}
    for name in sorted(required & variables.keys()):
        for sides in ([variables[name], NOTHING], ["x", {"Fn::If": ["AskBedrock", NOTHING, "x"]}]):
            maybe = {**variables, name: {"Fn::If": ["HasDomain", *sides]}}
            (finding,) = findings_of(function, {**properties, "Environment": {"Variables": maybe}}, recording)
            assert finding.startswith(f"{function} cannot start without {name}, which ")
            assert ("AskBedrock" if sides[0] == "x" else "HasDomain") in finding


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


def test_what_is_read_at_import_is_lambdas_or_left_to_operators() -> None:
    """In a process of its own: here all is imported long since."""
    files = [str(function.folder / "app.py") for function in blueprint().functions]
    command = [sys.executable, str(import_reads.__file__), *files]
    told = subprocess.run(command, capture_output=True, check=True, text=True, cwd=ROOT)
    read = {name for module, name in json.loads(told.stdout) if module.startswith(OURS)}
    assert read == AT_IMPORT.keys()


def test_the_streaming_runtime_reads_what_lambda_sets_and_nothing_else() -> None:
    read = set[str]()

    class Reading(Mapping[str, str]):
        def __getitem__(self, name: str) -> str:
            read.add(name)
            return {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "_HANDLER": "app.app"}[name]

        def __iter__(self) -> Iterator[str]:
            raise AssertionError

        def __len__(self) -> int:
            raise AssertionError

    RuntimeSettings.from_environment([], Reading())
    assert read == RUNTIME.keys()
