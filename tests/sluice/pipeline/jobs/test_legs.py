"""A candidate is reached as it is now, whatever the catalogue has become since the job was made."""

from decimal import Decimal
from typing import Any, cast

import pytest

from fake_makers import maker
from sluice.catalog import Catalog
from sluice.config import ConfigurationError
from sluice.credentials import Credential
from sluice.errors import SluiceError, UpstreamError
from sluice.pipeline.jobs.causes import cause_of
from sluice.pipeline.jobs.legs import Reach, way_to
from sluice.pipeline.jobs.request_file import JobLeg, RequestFile
from sluice.pipeline.live_catalog import LiveCatalog, SnapshotSource
from sluice.providers.declared.videos import DeclaredVideos
from sluice.stores.aws import AWSError
from sluice.stores.models import Snapshot
from sluice.upstream.client import Upstream

REQUEST = RequestFile(
    request={"model": "paint", "prompt": "a cat"},
    model="paint",
    legs=(JobLeg(provider="alpha", model="paint-1", price=Decimal("0.01")),),
)
ALPHA = {"kind": "openai", "base_url": "https://alpha", "credential": "ALPHA_KEY"}
ROW = {
    "id": "paint",
    "kind": "image",
    "context_tokens": 100,
    "candidates": [{"provider": "alpha", "model": "paint-1", "context_tokens": 50}],
}


class Credentials:
    def __init__(self, found: Credential | Exception | None) -> None:
        self._found = found

    async def get(self, name: str) -> Credential | None:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


class Table:
    async def read(self) -> Snapshot:
        return Snapshot()


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.providers.registry.PROVIDERS", {"openai": maker()})


def reach(
    credential: Credential | Exception | None = "key", providers: Any = None, models: Any = None
) -> Reach:
    catalog = Catalog.model_validate(
        {
            "providers": {"alpha": ALPHA} if providers is None else providers,
            "models": [ROW] if models is None else models,
        }
    )
    live = LiveCatalog(catalog, cast("SnapshotSource", Table()), seconds=60, clock=lambda: 0)
    return Reach(live, Credentials(credential), cast("Upstream", None))


async def test_a_candidate_has_its_own_terms() -> None:
    way = await way_to(reach(), REQUEST, 0)
    assert (way.leg, way.target.base_url, way.target.model) == (0, "https://alpha", "paint-1")
    assert way.target.context_tokens == 50
    assert way.target.credential == "key"


@pytest.mark.parametrize("models", [[], [{**ROW, "candidates": [{"provider": "alpha", "model": "paint-2"}]}]])
async def test_one_that_the_catalogue_has_lost_is_asked_all_the_same(models: Any) -> None:
    way = await way_to(reach(models=models), REQUEST, 0)
    assert way.target.model == "paint-1"


async def test_a_service_that_the_catalogue_declares_is_asked_as_it_says() -> None:
    service = {
        "submit": "POST /films",
        "poll": "GET /films/{reference}",
        "members": {"prompt": "/prompt"},
        "running": ["busy"],
        "made": ["done"],
        "failed": [],
        "output": ["/url"],
    }
    way = await way_to(reach(providers={"alpha": {**ALPHA, "videos": service}}), REQUEST, 0)
    assert isinstance(way.videos, DeclaredVideos)
    assert way.videos.poll_request("1", way.target, 0).url == "https://alpha/films/1"


async def test_a_provider_that_the_catalogue_has_lost_is_not() -> None:
    with pytest.raises(UpstreamError, match="not in the catalogue") as caught:
        await way_to(reach(providers={}, models=[]), REQUEST, 0)
    assert not cause_of(caught.value).passes


@pytest.mark.parametrize(
    ("found", "passes"),
    [
        (None, False),
        (ConfigurationError("no JSON"), True),
        (AWSError("GetSecretValue", "AccessDenied", "no"), True),
    ],
)
async def test_a_credential_that_is_not_there_is_not_the_clients_fault(found: Any, passes: bool) -> None:
    with pytest.raises(SluiceError) as caught:
        await way_to(reach(found), REQUEST, 0)
    cause = cause_of(caught.value)
    assert (cause.code, cause.passes) == ("upstream_error", passes)
