"""How each model is: by what checks found, and by what became of requests."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence

from sluice.api.model_status import HealthStatus, ModelStatus, ModelStatusList
from sluice.catalog import Candidate, ModelRow
from sluice.pipeline.live_catalog import Current
from sluice.stores.model_items import Health, ProviderHealth
from sluice.stores.models import Snapshot

FRESH_SECONDS = 45 * 60
"""What is older than three checks says nothing any more."""

_IDS = uuid.UUID("6a5d1fc4-0e35-4c0e-8a0b-6d7a6b1f5c11")
"""The name space in which a model's id makes the UUID of its row, which so stays the same."""


def status_list(current: Current, now: float) -> ModelStatusList:
    """Every model's row; ``now`` is in epoch seconds."""
    today = dt.datetime.fromtimestamp(now, dt.UTC).date()
    answering = ((row, current.catalog.in_service(row, today)) for row in current.catalog.models)
    rows = [
        model_status(row, current.snapshot, now).model_copy(update=_of(named))
        for named, row in answering
        if row is not None
    ]
    counts = {
        status: sum(row.health_status == status for row in rows) for status in ("healthy", "down", "unknown")
    }
    return ModelStatusList(data=rows, total=len(rows), **counts)


def model_status(row: ModelRow, snapshot: Snapshot, now: float) -> ModelStatus:
    """One model's row.

    It is available unless it is known that nobody can answer for it: no provider of it is set up, all are down, or none
    of them lists it. Of several findings the newest counts. The provider is the first that would be asked.
    """
    askable = [candidate for candidate in row.candidates if may_answer(candidate, snapshot)]
    found = sorted(
        _findings(row, askable, snapshot, now),
        key=lambda health: (health.checked_at, health.status == "healthy"),
    )
    newest = found[-1] if found else None
    status: HealthStatus = "unknown" if newest is None else newest.status
    return ModelStatus(
        **_of(row),
        provider=_first(row, askable, snapshot, now).provider,
        model_type=row.kind,
        is_available=bool(askable) and status != "down",
        health_status=status,
        last_health_latency_ms=None if newest is None else newest.latency_ms,
    )


def _of(row: ModelRow) -> dict[str, str]:
    """Which model a row of the list is about; how a retired one is, is how its successor is."""
    return {"id": str(uuid.uuid5(_IDS, row.id)), "model_id": row.id}


def may_answer(candidate: Candidate, snapshot: Snapshot) -> bool:
    """Whether nothing is known that keeps a candidate from answering: its provider is set up, and lists the model."""
    provider = snapshot.providers.get(candidate.provider)
    return provider is None or (provider.configured and candidate.model not in provider.unlisted)


def _first(row: ModelRow, askable: Sequence[Candidate], snapshot: Snapshot, now: float) -> Candidate:
    """The first candidate that is not known to be of no use; where all are, the first."""
    for candidate in askable:
        health = _health(snapshot.providers.get(candidate.provider))
        if health is None or health.status != "down" or not _fresh(health, now):
            return candidate
    return row.candidates[0]


def _findings(
    row: ModelRow, askable: Sequence[Candidate], snapshot: Snapshot, now: float
) -> Iterator[Health]:
    """What is known of a model and is not too old; of its providers, the best one."""
    providers = (snapshot.providers.get(candidate.provider) for candidate in askable)
    checked = [health for health in map(_health, providers) if health and _fresh(health, now)]
    if checked:
        yield min(checked, key=lambda health: health.status != "healthy")
    own = snapshot.health.get(row.id)
    if own is not None and _fresh(own, now):
        yield own


def _health(provider: ProviderHealth | None) -> Health | None:
    return None if provider is None else provider.health


def _fresh(health: Health, now: float) -> bool:
    return now - health.checked_at <= FRESH_SECONDS
