"""What the development server takes from template.yaml, which stays the only truth about a deployment.

The SAM transform is the very one that AWS runs. Of its result a stand-in for AWS gets the part that it can
make and that something here uses; routes and functions are served by this process.
"""

import copy
import logging
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from sluice.local.errors import TemplateError
from sluice.local.event_sources import Deployment, ExecutionEnd, Route, Schedule, StreamSource, sources_of
from sluice.local.stack_template import made_here, referred

FUNCTION = "AWS::Serverless::Function"
MACHINE = "AWS::Serverless::StateMachine"
API = "AWS::Serverless::Api"
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - the name of a type
ALIAS = ".Alias"
"""What SAM calls the alias of a function, after its name."""
UNKNOWN_PATH = "MISSING_AUTHENTICATION_TOKEN"
"""API Gateway's name for the answer to a path that it does not know."""

PLATFORM_PREFIX = "AWS_"
"""Variables of this beginning speak to Lambda's runtime, not to the function."""

UPLOADED = "s3://not/uploaded"
"""The transform insists on code that lies in S3; nothing here reads it from there."""


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function: its folder, its environment, and what calls it.

    ``variables`` holds each variable's text, or the name of the stack output that gives it.
    """

    name: str
    folder: Path
    routes: tuple[Route, ...]
    variables: Mapping[str, "str | Resolved"]
    streams: tuple[StreamSource, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    execution_ends: tuple[ExecutionEnd, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """A value that CloudFormation works out, given by a stack output of this name.

    Attributes:
        output: the name.
        adjustable: whether it comes of nothing but the template's parameters, so that another value would do too;
            otherwise it names something that was made.
    """

    output: str
    adjustable: bool = False


@dataclass(frozen=True, slots=True)
class FixedReply:
    """A reply that API Gateway gives without asking a function."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that are the same for every request."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Everything taken from the template.

    Attributes:
        functions: all of them.
        unknown_path: the reply to what no function takes.
        stack: a CloudFormation template of its own.
        secrets: the names of the credentials that the deployment makes up itself.
        tasks: the functions that state machines call.
    """

    functions: tuple[Function, ...]
    unknown_path: FixedReply
    stack: Mapping[str, Any]
    secrets: tuple[str, ...] = ()
    tasks: frozenset[str] = frozenset()


class _NoManagedPolicies(ManagedPolicyLoader):
    """Asks nobody for the ARNs of managed policies: the template names none without its ARN."""

    def __init__(self) -> None:
        """Without a client for IAM."""

    def load(self) -> dict[str, str]:
        return {}


def read_template(template: Path) -> dict[str, Any]:
    """A SAM template, or a state machine's definition, as it is written.

    Raises:
        TemplateError: it cannot be read.
    """
    try:
        found: dict[str, Any] = yaml_parse(template.read_text(encoding="utf-8"))  # type: ignore[no-untyped-call] # the translator has no types
    except OSError as error:
        raise TemplateError(f"{template} cannot be read: {error.strerror}") from error
    return found


def transformed(
    source: Mapping[str, Any], folder: Path, parameters: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A SAM template as the plain CloudFormation template that AWS makes of it.

    Needs AWS_DEFAULT_REGION to be set, but calls nothing.

    Args:
        source: the template.
        folder: where it lies. The state machines that it names come out with their definitions in them.
        parameters: values that SAM writes another template for; those without one have their defaults.

    Raises:
        TemplateError: a definition cannot be read.
    """
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    template = copy.deepcopy(dict(source))
    for resource in template["Resources"].values():
        for member in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][member] = UPLOADED
        if resource["Type"] == MACHINE:
            properties = resource["Properties"]
            properties["Definition"] = read_template(folder / properties.pop("DefinitionUri"))
    found: dict[str, Any] = transform(template, dict(parameters or {}), _NoManagedPolicies())
    return found


def read_blueprint(template: Path) -> Blueprint:
    """Read a SAM template.

    Raises:
        TemplateError: it cannot be read, has no answer for an unknown path, or has a function that is called by
            what nothing here feeds.
    """
    source = read_template(template)
    plain = transformed(source, template.parent)
    outputs: dict[str, Any] = dict(plain.get("Outputs", {}))
    parameters = plain.get("Parameters", {}).keys()
    declared = [
        (name, each["Properties"]) for name, each in source["Resources"].items() if each["Type"] == FUNCTION
    ]
    variables = {
        name: _variables(name, plain["Resources"][name], parameters, outputs) for name, _ in declared
    }
    stack = made_here({**plain, "Outputs": outputs})
    functions = tuple(
        _function(name, template.parent, properties, _known_here(variables[name], stack["Outputs"].keys()))
        for name, properties in declared
    )
    return Blueprint(
        functions,
        _unknown_path(source["Resources"]),
        stack,
        secrets=tuple(_secrets(source["Resources"])),
        tasks=frozenset(_tasks(source["Resources"])),
    )


def _function(
    name: str, folder: Path, properties: Mapping[str, Any], variables: Mapping[str, str | Resolved]
) -> Function:
    sources = list(sources_of(name, properties.get("Events", {})))
    return Function(
        name=name,
        folder=folder / properties["CodeUri"],
        routes=tuple(source for source in sources if isinstance(source, Route)),
        variables=variables,
        streams=tuple(source for source in sources if isinstance(source, StreamSource)),
        schedules=tuple(source for source in sources if isinstance(source, Schedule)),
        deployments=tuple(source for source in sources if isinstance(source, Deployment)),
        execution_ends=tuple(source for source in sources if isinstance(source, ExecutionEnd)),
    )


def _variables(
    function: str, resource: Mapping[str, Any], parameters: Set[str], outputs: dict[str, Any]
) -> dict[str, str | Resolved]:
    """A function's environment. Each value that CloudFormation has to work out is added to ``outputs``."""
    found: dict[str, str | Resolved] = {}
    declared = resource["Properties"].get("Environment", {}).get("Variables", {})
    for index, (name, value) in enumerate(declared.items()):
        if name.startswith(PLATFORM_PREFIX):
            continue
        if isinstance(value, Mapping):
            output = f"{function}Variable{index}"
            outputs[output] = {"Value": value}
            found[name] = Resolved(output, adjustable=set(referred(value)) <= parameters)
        else:
            found[name] = str(value)
    return found


def _known_here(variables: Mapping[str, str | Resolved], outputs: Set[str]) -> dict[str, str | Resolved]:
    """A function's environment without what speaks of something that is not made here, such as the API's address."""
    return {
        name: value
        for name, value in variables.items()
        if not isinstance(value, Resolved) or value.output in outputs
    }


def _secrets(resources: Mapping[str, Any]) -> Iterator[str]:
    """The secrets that are generated, each by what follows the stack's name in its own."""
    for resource in resources.values():
        if resource["Type"] == SECRET and "GenerateSecretString" in resource["Properties"]:
            yield resource["Properties"]["Name"]["Fn::Sub"].rpartition("/")[2]


def _tasks(resources: Mapping[str, Any]) -> Iterator[str]:
    """The functions that the definitions of state machines are given."""
    for resource in resources.values():
        if resource["Type"] == MACHINE:
            for value in resource["Properties"].get("DefinitionSubstitutions", {}).values():
                match value:
                    case {"Fn::GetAtt": [str(function), "Arn"]}:
                        yield function
                    case {"Ref": str(alias)} if alias.endswith(ALIAS):
                        yield alias.removesuffix(ALIAS)


def _unknown_path(resources: Mapping[str, Any]) -> FixedReply:
    for resource in resources.values():
        if resource["Type"] == API:
            reply = resource["Properties"].get("GatewayResponses", {}).get(UNKNOWN_PATH)
            if reply is not None:
                return FixedReply(
                    int(reply["StatusCode"]),
                    reply["ResponseTemplates"]["application/json"].encode(),
                    _fixed_headers(reply["ResponseParameters"]["Headers"]),
                )
    raise TemplateError(f"the template's API has no gateway response {UNKNOWN_PATH}")


def _fixed_headers(parameters: Mapping[str, str]) -> dict[str, str]:
    """The headers whose value stands in the template: API Gateway wants quotes around such a one."""
    return {name: value.strip("'") for name, value in parameters.items() if value.startswith("'")}
