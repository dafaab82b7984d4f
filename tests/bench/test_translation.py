"""The measurement of translation runs for every provider; what it finds is for people to judge."""

import pytest
from tests.bench.translation import CHUNKS, answer, conversation, figures, table

from participant import Participant
from participants import PARTICIPANTS


def test_it_measures_what_it_says() -> None:
    assert len(conversation()["messages"]) == 20
    assert len(answer().text) == CHUNKS


@pytest.mark.parametrize("participant", PARTICIPANTS.values(), ids=PARTICIPANTS)
def test_every_provider_is_measured(participant: Participant) -> None:
    found = figures(participant, rounds=1, seconds=0.0)
    for figure in (found.conversation, found.whole, found.chunk):
        assert figure.ours > 0
        assert figure.ratio > 0
    assert participant.kind in table({participant.kind: found})
