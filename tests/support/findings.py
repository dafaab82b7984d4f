"""What is wrong with a template's permissions, by what its functions have been seen to need: see ``recorded_calls``.

Each finding is a sentence that names the function, the action, the resource, and what to do.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from key_needs import key_conditions, key_needs
from platform_needs import function_needs, machine_needs
from policies import Allowed, Choice, Need, Roles
from recorded_calls import Recording
from template_parts import resources

FUNCTION = "AWS::Lambda::Function"
MACHINE = "AWS::StepFunctions::StateMachine"

WITHOUT: Mapping[str, str] = {"AskBedrock": "bedrock:"}
"""Conditions, and the actions that nobody needs where they are not met."""

NEVER_USED: Mapping[tuple[str, str, str], str] = {}
"""What is allowed although no journey uses it: a function, a statement's Sid and an action, and why."""


class Proof:
    """Compares the roles of a template with what functions, machines and AWS itself need of them.

    Args:
        translated: the template as CloudFormation gets it.
        recording: what was seen of the functions.
    """

    def __init__(self, translated: Mapping[str, Any], recording: Recording) -> None:
        self._translated = translated
        self._recording = recording
        self._roles = Roles(translated, recording.names)
        self._key_conditions = key_conditions(translated)

    def all_findings(self) -> list[str]:
        """Of all functions and machines."""
        owners = [*resources(self._translated, FUNCTION), *resources(self._translated, MACHINE)]
        return [finding for owner in owners for finding in self.findings(owner)]

    def findings(self, owner: str) -> list[str]:
        """Of a function or a machine, by its name in the template."""
        own = self._own_needs(owner)
        if not own:
            return [f"{owner} has no journey that says what it calls of AWS: add one to function_journeys"]
        role = self._roles.role_of(owner)
        found: dict[str, str] = {}
        for choice in self._choices(role):
            for finding, where in self._of_choice(owner, role, own, choice):
                found.setdefault(
                    finding, where
                )  # what is wrong where all is met is not said again of the rest
        return [*(finding + where for finding, where in found.items()), *self._of_managed(owner, role)]

    def never_used(self, owner: str) -> Iterator[tuple[str, str, str]]:
        """What an owner may do, and has not been seen to do."""
        own = self._own_needs(owner)
        for grant in self._roles.allowed(self._roles.role_of(owner)):
            if not _is_used(grant, own):
                yield owner, grant.statement, grant.action

    def _own_needs(self, owner: str) -> frozenset[Need]:
        if self._translated["Resources"][owner]["Type"] == MACHINE:
            return frozenset(machine_needs(self._translated, owner, self._roles))
        return frozenset(
            Need(each.action, each.arn, frozenset(each.keys))
            for each in self._recording.needed
            if each.function == owner
        )

    def _choices(self, role: str) -> Iterator[Choice]:
        conditions = sorted({*self._roles.conditions(role), *self._key_conditions, *WITHOUT})
        for decided in itertools.product((True, False), repeat=len(conditions)):
            yield Choice(dict(zip(conditions, decided, strict=True)))

    def _of_choice(
        self, owner: str, role: str, own: frozenset[Need], choice: Choice
    ) -> Iterator[tuple[str, str]]:
        """Each finding, and where it is one."""
        allowed = self._roles.allowed(role, choice)
        managed = self._roles.managed(role)
        unmet = tuple(name for name, met in choice.decided.items() if not met)
        where = f" (where {' and '.join(unmet)} is not met)" if unmet else ""
        spared = tuple(WITHOUT[name] for name in unmet if name in WITHOUT)
        needed = frozenset(each for each in own if not (spared and each.action.startswith(spared)))
        for need in sorted(needed, key=_order):
            if not _is_allowed(allowed, need):
                yield _missing(owner, need), where
        for_it = [
            *key_needs(self._translated, owner, needed, self._roles, choice),
            *function_needs(self._translated, owner, self._roles),
        ]
        for need, reason in for_it:
            if not _is_allowed([*allowed, *managed], need):
                yield _missing_to_aws(owner, need, reason), where
        uses = needed.union(need for need, _ in for_it)
        for grant in allowed:
            excused = (owner, grant.statement, grant.action) in NEVER_USED
            if not excused and not _is_used(grant, uses):
                yield _too_much(owner, grant), where

    def _of_managed(self, owner: str, role: str) -> Iterator[str]:
        """The policies of AWS's own that nothing needs: what AWS itself does in its name is all that they are for."""
        needs = frozenset(need for need, _ in function_needs(self._translated, owner, self._roles))
        for policy, grants in itertools.groupby(self._roles.managed(role), key=lambda grant: grant.statement):
            if not any(_is_used(grant, needs) for grant in grants):
                yield f"{owner}: nothing needs its managed policy {policy}"


def _order(need: Need) -> tuple[str, str]:
    return need.action, need.arn


def _missing(owner: str, need: Need) -> str:
    return f"{owner}: it calls {need.action} on {need.arn}, which no statement of its policies allows: allow it in template.yaml"


def _missing_to_aws(owner: str, need: Need, reason: str) -> str:
    return f"{owner}: AWS needs {need.action} on {need.arn} in its name ({reason}), which its role does not allow"


def _too_much(owner: str, grant: Allowed) -> str:
    return (
        f"{owner}: its statement {grant.statement} allows {grant.action} on {grant.pattern}, which nothing uses: take it "
        "out of template.yaml, or let a journey of function_journeys use it"
    )


def _is_allowed(allowed: Iterable[Allowed], need: Need) -> bool:
    return any(grant.covers(need) for grant in allowed)


def _is_used(grant: Allowed, needs: Iterable[Need]) -> bool:
    return any(grant.covers(need) for need in needs)
