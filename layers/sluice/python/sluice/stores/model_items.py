"""Items of the models table: models beside the catalogue file's, and the health of providers and models.

An item's id is its kind, ``#`` and a name: ``model#gpt-6``, ``provider#openai``, ``health#gpt-4o``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sluice.stores.aws import Item

MODEL = "model#"
PROVIDER = "provider#"
HEALTH = "health#"

type Members = Mapping[str, Any]
"""Members of a catalogue row, as JSON has them."""

type HealthStatus = Literal["healthy", "down"]


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model that is not in the catalogue file.

    Attributes:
        id: its id in the catalogue.
        found: what its provider says of it; empty for a model that was made by hand.
        own: what the operator has set, which counts where both say something.
        gone_at: epoch seconds since when its provider has not listed it; None while it does, or never did.
    """

    id: str
    found: Members = field(default_factory=dict)
    own: Members = field(default_factory=dict)
    gone_at: int | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The catalogue row's members."""
        return {**self.found, **self.own, "id": self.id}


@dataclass(frozen=True, slots=True)
class Health:
    """How a provider or a model is.

    Attributes:
        status: by the last check or request.
        streak: how many checks and requests in succession have said so.
        checked_at: epoch seconds of the last one.
        latency_ms: how long it took to the first byte; None if there was none.
    """

    status: HealthStatus
    streak: int
    checked_at: int
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How a provider is.

    Attributes:
        health: None where it was never checked.
        configured: whether its credential is set.
        unlisted: the models of the catalogue, by the provider's ids, that it does not list.
    """

    health: Health | None
    configured: bool
    unlisted: frozenset[str] = frozenset()


UNCONFIGURED = ProviderHealth(health=None, configured=False)


def model_of(item: Item) -> StoredModel:
    """The model in an item.

    Raises:
        KeyError, ValueError: it is malformed.
    """
    return StoredModel(
        id=item["id"]["S"].removeprefix(MODEL),
        found=_members(item.get("found")),
        own=_members(item.get("own")),
        gone_at=int(item["gone_at"]["N"]) if "gone_at" in item else None,
    )


def health_of(item: Item) -> Health | None:
    """The health in an item; None where there is none yet.

    Raises:
        KeyError, ValueError: it is malformed.
    """
    if "status" not in item:
        return None
    status = item["status"]["S"]
    if status not in ("healthy", "down"):
        raise ValueError("an unknown status")
    return Health(
        status=status,
        streak=int(item["streak"]["N"]),
        checked_at=int(item["checked_at"]["N"]),
        latency_ms=int(item["latency_ms"]["N"]) if "latency_ms" in item else None,
    )


def provider_of(item: Item) -> ProviderHealth:
    """How a provider is.

    Raises:
        KeyError, ValueError: the item is malformed.
    """
    unlisted = item.get("unlisted", {"SS": []})["SS"]
    return ProviderHealth(health_of(item), bool(item["configured"]["BOOL"]), frozenset(unlisted))


def members_text(members: Members) -> str:
    """Members as they are stored; the same members give the same text."""
    return json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _members(value: Mapping[str, Any] | None) -> Members:
    members = {} if value is None else json.loads(value["S"])
    if not isinstance(members, dict):
        raise ValueError("the members of a model are no object")  # noqa: TRY004 - malformed like the rest
    return members
