"""Makes the stack that a template describes, in the stand-in for AWS."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sluice.local.errors import LocalError
from sluice.stores.access import Endpoint
from sluice.stores.stacks import cloudformation

STACK = "sluice"
TABLE = "AWS::DynamoDB::Table"
MACHINE = "AWS::StepFunctions::StateMachine"
COMPLETE = "CREATE_COMPLETE"


class StackError(LocalError):
    """The stand-in for AWS could not make the stack."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as it came out.

    Attributes:
        name: its own.
        outputs: by their names.
        tables: the tables' names, by those in the template.
        machines: the state machines' ARNs, by their names in the template.
    """

    name: str
    outputs: Mapping[str, str]
    tables: Mapping[str, str]
    machines: Mapping[str, str]


def create_stack(endpoint: Endpoint, template: Mapping[str, Any]) -> Stack:
    """Have CloudFormation make everything in ``template``, and wait for it.

    Raises:
        StackError: it could not.
    """
    client = cloudformation(endpoint)
    try:
        client.create_stack(StackName=STACK, TemplateBody=json.dumps(template, default=str))
        (description,) = client.describe_stacks(StackName=STACK)["Stacks"]
        resources = client.describe_stack_resources(StackName=STACK)["StackResources"]
    except ClientError as error:
        raise StackError(f"the stack could not be made: {error}") from error
    if description["StackStatus"] != COMPLETE:
        raise StackError(
            f"the stack is {description['StackStatus']}: {description.get('StackStatusReason', '')}"
        )
    return Stack(
        name=STACK,
        outputs={output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])},
        tables=_named(resources, TABLE),
        machines=_named(resources, MACHINE),
    )


def _named(resources: Iterable[Mapping[str, Any]], kind: str) -> dict[str, str]:
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources
        if resource["ResourceType"] == kind
    }
