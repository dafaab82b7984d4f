"""Where providers are asked by the scheduled functions."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from provider_desks import CREDENTIAL, Desk, models
from sluice.config import ConfigurationError, ProviderCheckSettings
from sluice.observability import logger
from sluice.pipeline import provider_desk
from sluice.pipeline.provider_desk import open_desk
from sluice.providers.contract import ListedModel
from sluice.providers.openai import PROVIDER


class Broken:
    """Credentials that cannot be read."""

    async def get(self, _: str) -> str:
        raise ConfigurationError("the secret is no text")


def far() -> Desk:
    return Desk({"far": {"headers": {"x-a": "b"}}, "near": {}}, [], {"far": [models("one")]})


async def test_a_provider_is_asked_at_its_address_with_its_credential() -> None:
    target = await far().desk.target("far", "up")
    assert target is not None
    assert (target.provider, target.base_url, target.model) == ("far", "https://far/v1", "up")
    assert (target.credential, target.headers) == (CREDENTIAL, {"x-a": "b"})


async def test_one_that_is_not_set_up_is_not_asked(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    desk = far().desk
    assert await desk.target("near") is None
    assert caplog.records == []
    with caplog.at_level(logging.ERROR):
        assert await replace(desk, credentials=Broken()).target("far") is None
    assert caplog.messages == ["the credential of provider far cannot be used"]


async def test_its_models_are_listed_where_there_is_a_way(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = far().desk
    target = await desk.target("far")
    assert target is not None
    listing = await desk.listing(target)
    assert listing is not None
    assert (listing.models, listing.latency_ms >= 0) == ((ListedModel("one"),), True)
    monkeypatch.setattr(provider_desk, "provider_of", lambda _: replace(PROVIDER, models=None))
    assert await desk.listing(target) is None


async def test_a_desk_that_cannot_be_set_up_says_why(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.toml"
    for text, complaint in (
        ("x", "cannot be read"),
        ('[providers.a]\nkind = "b"', "is wrong at|unknown kind"),
    ):
        catalog.write_text(text)
        settings = ProviderCheckSettings(models_table="ModelsTable", catalog=catalog)
        with pytest.raises(ConfigurationError, match=complaint):
            async with open_desk(settings):
                pass
