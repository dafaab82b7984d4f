"""The measurement of translation runs for every provider; what it finds is for people to judge."""

import pytest
from tests.bench.translation import CHUNKS, MEASURED, answer, conversation, figures, table

from participants import PARTICIPANTS
from sluice.providers.registry import PACKAGES


def test_it_measures_what_it_says() -> None:
    assert len(conversation()["messages"]) == 20
    assert len(answer().text) == CHUNKS


@pytest.mark.parametrize("name", MEASURED)
def test_every_provider_is_measured(name: str) -> None:
    found = figures(PARTICIPANTS[name], rounds=1, seconds=0.0)
    for figure in (found.conversation, found.whole, found.chunk):
        assert figure.ours > 0
        assert figure.ratio > 0
    assert name in table({name: found})


def test_every_wire_format_is_measured() -> None:
    hosts = {kind for kind, package in PACKAGES.items() if package.startswith("sluice.providers.hosts.")}
    assert {PARTICIPANTS[name].kind for name in MEASURED} - hosts == PACKAGES.keys() - hosts - {
        "demo",
        "declared",
    }
