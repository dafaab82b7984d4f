"""What functions in the containers of sam local are given."""

import tomllib
from typing import Any

import pytest

from local_stack import ROOT, blueprint
from sluice.local.blueprint import Resolved
from sluice.local.sam_local import function_variables
from sluice.local.state import DIRECTORY, VARIABLES_FILE


def test_each_function_gets_the_names_of_what_was_made() -> None:
    plan = blueprint()
    outputs = {
        value.output: f"made-{value.output}"
        for function in plan.functions
        for value in function.variables.values()
        if isinstance(value, Resolved)
    }
    found = function_variables(plan.functions, outputs, "http://172.17.0.1:4000")
    assert found.keys() == {function.name for function in plan.functions}
    for function in plan.functions:
        assert found[function.name].keys() == {"AWS_ENDPOINT_URL", *function.variables}
        assert found[function.name]["AWS_ENDPOINT_URL"] == "http://172.17.0.1:4000"
    assert found["ChatFunction"]["SLUICE_KEYS_TABLE"].startswith("made-ChatFunctionVariable")


def test_the_loopback_has_another_name_in_a_container() -> None:
    plan = [function for function in blueprint().functions if function.name == "ReclaimHoldsFunction"]
    outputs = {value.output: "x" for value in plan[0].variables.values() if isinstance(value, Resolved)}
    found = function_variables(plan, outputs, "http://127.0.0.1:4000")
    assert found["ReclaimHoldsFunction"]["AWS_ENDPOINT_URL"] == "http://host.docker.internal:4000"


@pytest.mark.parametrize("command", ["local_start_api", "local_invoke", "local_start_lambda"])
def test_sam_finds_what_a_development_server_leaves(command: str) -> None:
    config: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text())
    parameters = config["local"][command]["parameters"]
    assert parameters["env_vars"] == str(DIRECTORY / VARIABLES_FILE)
    assert parameters["region"] == "us-east-1"
    assert "AwsEndpointUrl=http" in parameters["parameter_overrides"]
