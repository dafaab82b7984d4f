"""What the AWS CLI makes of a command, as far as its models of services say: operation and options.

The CLI itself is not installed. It derives its commands from the same models that botocore has.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel

SERVICES_BY_COMMAND = {"deploy": "codedeploy", "s3api": "s3"}
"""Where the CLI has another name for a service."""
GLOBAL = frozenset(
    {
        "--region",
        "--profile",
        "--output",
        "--query",
        "--no-cli-pager",
        "--endpoint-url",
        "--cli-binary-format",
    }
)
PAGING = frozenset({"--max-items", "--page-size", "--starting-token", "--no-paginate"})
FLAGS = frozenset({"--no-cli-pager", "--no-paginate"})
OWN = {
    ("s3", "ls"): frozenset[str](),
    ("s3", "rm"): frozenset({"--recursive"}),
    ("configure",): frozenset[str](),
    ("sso", "login"): frozenset[str](),
}
"""Commands that are the CLI's own, with the options that the pages use."""


@cache
def _session() -> Any:
    return botocore.session.get_session()


@cache
def _service(name: str) -> ServiceModel:
    return _session().get_service_model(SERVICES_BY_COMMAND.get(name, name))  # type: ignore[no-any-return] # untyped


def faults_of(words: Sequence[str], *, whole: bool = True) -> Iterator[str]:
    """What is wrong with the words of a command that begins with ``aws``; nothing if it is right.

    Args:
        words: the command's.
        whole: whether it has to have the options that are required.
    """
    arguments = list(words[1:])
    for own, options in OWN.items():
        if tuple(arguments[: len(own)]) == own:
            yield from (
                f"{each} is unknown" for each in arguments if each.startswith("--") and each not in options
            )
            return
    name, operation, *rest = arguments
    if SERVICES_BY_COMMAND.get(name, name) not in _session().get_available_services():
        yield f"there is no service {name}"
        return
    if operation == "wait":
        yield from _faults_of_wait(name, rest)
        return
    model = _operation(name, operation)
    if model is None:
        yield f"{name} has no operation {operation}"
        return
    yield from _faults_of_options(model, rest, required=whole, positional=_positional(name, operation))


def _operation(name: str, operation: str) -> OperationModel | None:
    service = _service(name)
    for each in service.operation_names:
        if xform_name(each, "-") == operation:
            return service.operation_model(each)
    return None


def _positional(name: str, operation: str) -> int:
    """How many arguments without a name it takes: the file that Lambda's answer goes to."""
    return int((name, operation) == ("lambda", "invoke"))


def _faults_of_wait(name: str, words: Sequence[str]) -> Iterator[str]:
    waiters = _session().get_waiter_model(SERVICES_BY_COMMAND.get(name, name))
    found = {xform_name(each, "-"): each for each in waiters.waiter_names}
    if words[0] not in found:
        yield f"{name} has no waiter {words[0]}"
        return
    model = _service(name).operation_model(waiters.get_waiter(found[words[0]]).operation)
    yield from _faults_of_options(model, words[1:], required=False)


def _faults_of_options(
    model: OperationModel, words: Sequence[str], *, required: bool, positional: int = 0
) -> Iterator[str]:
    members = {f"--{xform_name(name, '-')}": (name, shape) for name, shape in _members(model).items()}
    seen, values = set[str](), 0
    option: str | None = None
    for word in words:
        if word.startswith("--"):
            name = word if word in members else word.replace("--no-", "--", 1)
            option = None if word in FLAGS else word
            if name in members:
                seen.add(members[name][0])
                if members[name][1].type_name == "boolean":
                    option = None
            elif word not in GLOBAL | PAGING:
                yield f"{model.name} has no option {word}"
            values = 0
        elif option is None:
            positional -= 1
            if positional < 0:
                yield f"{word} belongs to no option"
        else:
            yield from _faults_of_value(model, members.get(option), word)
            values += 1
            if members.get(option, ("", None))[1] is None or members[option][1].type_name not in {
                "list",
                "map",
                "structure",
            }:
                option = None
    if required:
        missing = set(model.input_shape.required_members if model.input_shape else ()) - seen
        yield from (f"{model.name} needs {xform_name(name, '-')}" for name in sorted(missing))


def _faults_of_value(model: OperationModel, member: Any, word: str) -> Iterator[str]:
    if member is None:
        return
    name, shape = member
    enum = getattr(shape, "enum", ())
    if shape.type_name == "list":
        enum = getattr(shape.member, "enum", ())
    if enum and word not in enum and "$" not in word:
        yield f"{model.name} knows no {name} {word}"
    if shape.type_name in {"integer", "long"} and not word.isdecimal() and "$" not in word:
        yield f"{model.name}'s {name} is a number, not {word}"


def _members(model: OperationModel) -> dict[str, Any]:
    return dict(model.input_shape.members) if model.input_shape else {}
