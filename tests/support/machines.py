"""The state machines of the template: their definitions, and every way that leads from one state to another."""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_stack import TEMPLATE, blueprint
from sluice.local.blueprint import read_template

MACHINES = ("ImagesMachine", "VideosMachine", "WebhooksMachine")
ALL_ERRORS = "States.ALL"

type State = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Transition:
    """One way on from a state.

    Attributes:
        state: where it begins; empty for the machine itself, a Map's for its iterations.
        how: ``start``, ``next``, ``choice 0``, ``default``, ``retry 1``, ``catch 0``, or ``uncaught``.
        to: where it leads; empty for an end.
    """

    state: str
    how: str
    to: str


def definition(machine: str) -> dict[str, Any]:
    """A machine's definition as the development server has it made, with the names that AWS puts into it."""
    found: dict[str, Any] = json.loads(_definition_text(machine))
    return found


@functools.cache
def _definition_text(machine: str) -> str:
    values = {
        "AWS::Partition": "aws",
        "AWS::Region": "us-east-1",
        "AWS::AccountId": "123456789012",
    }
    _, pieces = blueprint().stack["Resources"][machine]["Properties"]["DefinitionString"]["Fn::Join"]
    text = "".join(piece if isinstance(piece, str) else piece["Fn::Sub"] for piece in pieces)
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def definition_file(machine: str) -> str:
    """A machine's definition as it is written."""
    path: str = read_template(TEMPLATE)["Resources"][machine]["Properties"]["DefinitionUri"]
    return (TEMPLATE.parent / path).read_text(encoding="utf-8")


def levels(program: Mapping[str, Any], owner: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A machine and the ones within it, each with the name of the state that it is in."""
    yield owner, program
    for name, state in program["States"].items():
        if "ItemProcessor" in state:
            yield from levels(state["ItemProcessor"], name)


def states(program: Mapping[str, Any]) -> dict[str, State]:
    """All states by their names, those within a Map too."""
    return {name: state for _, level in levels(program) for name, state in level["States"].items()}


def transitions(program: Mapping[str, Any]) -> set[Transition]:
    """All of a machine's."""
    return {found for owner, level in levels(program) for found in _of_level(owner, level)}


def _of_level(owner: str, level: Mapping[str, Any]) -> Iterator[Transition]:
    yield Transition(owner, "start", level["StartAt"])
    for name, state in level["States"].items():
        match state["Type"]:
            case "Choice":
                for index, choice in enumerate(state["Choices"]):
                    yield Transition(name, f"choice {index}", choice["Next"])
                yield Transition(name, "default", state["Default"])
            case "Succeed":
                pass
            case _:
                yield Transition(name, "next", state.get("Next", ""))
                yield from _of_errors(name, state)


def _of_errors(name: str, state: State) -> Iterator[Transition]:
    for index, retrier in enumerate(state.get("Retry", [])):
        if retrier["MaxAttempts"] > 0:
            yield Transition(name, f"retry {index}", name)
    catchers = state.get("Catch", [])
    for index, catcher in enumerate(catchers):
        yield Transition(name, f"catch {index}", catcher["Next"])
    if state["Type"] == "Task" and not any(ALL_ERRORS in catcher["ErrorEquals"] for catcher in catchers):
        yield Transition(name, "uncaught", "")


def how_taken(handlers: Sequence[Mapping[str, Any]], error: str) -> int | None:
    """The position of the first retrier or catcher that is for an error."""
    for index, handler in enumerate(handlers):
        if {error, ALL_ERRORS} & set(handler["ErrorEquals"]):
            return index
    return None
