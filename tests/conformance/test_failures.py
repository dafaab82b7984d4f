"""What goes wrong at a provider comes to the client in one way, whichever provider it is."""

import math

import openai
import pytest

from conversations import ASKINGS, body
from meanings import Fact
from openai_schemas import check_error
from participant import RETRY_SECONDS, Participant, Trouble
from sdk_clients import Traffic
from sluice.providers.failures import DEFAULT_RETRY_AFTER
from sluice.providers.features import Feature
from turn_server import TurnServer

EXPECTED: dict[Trouble, tuple[type[openai.APIStatusError], int, str | None]] = {
    Trouble.CREDENTIAL: (openai.InternalServerError, 502, "upstream_error"),
    Trouble.RATE: (openai.InternalServerError, 503, "overloaded"),
    Trouble.BROKEN: (openai.InternalServerError, 502, "upstream_error"),
    Trouble.OVERLOADED: (openai.InternalServerError, 503, "overloaded"),
    Trouble.CONTEXT: (openai.BadRequestError, 400, "context_length_exceeded"),
}


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("trouble", Trouble, ids=lambda trouble: trouble.name)
def test_a_failure(
    client: openai.OpenAI,
    provider: TurnServer,
    participant: Participant,
    model: str,
    traffic: Traffic,
    trouble: Trouble,
    streams: bool,
) -> None:
    scene = provider.scene(participant.failures[trouble])
    kind, status, code = EXPECTED[trouble]
    with pytest.raises(kind) as caught:
        client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": scene.mark}], stream=streams
        )
    if trouble is Trouble.CONTEXT and Fact.CONTEXT in participant.unsaid:
        code = None
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.request_id
    assert scene.faults == []
    check_error(traffic.last.json())
    headers = traffic.last.headers
    if trouble is Trouble.RATE:
        delay = DEFAULT_RETRY_AFTER if Fact.DELAY in participant.unsaid else RETRY_SECONDS
        assert headers["retry-after"] == str(math.ceil(delay))
    if trouble is Trouble.CREDENTIAL:
        assert headers["x-should-retry"] == "false"


def test_every_trouble_is_told_by_every_provider(participant: Participant) -> None:
    assert participant.failures.keys() == set(Trouble)


@pytest.mark.parametrize("feature", Feature)
def test_what_a_provider_cannot_express_is_refused_and_not_sent(
    client: openai.OpenAI, provider: TurnServer, participant: Participant, model: str, feature: Feature
) -> None:
    if feature in participant.provider.features.known:
        return  # what it can express is looked at in test_requests, without sockets
    before = len(provider.all_requests())
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{**body(**ASKINGS[feature].members), "model": model})
    assert caught.value.code == "unsupported_parameter"
    assert caught.value.param
    assert len(provider.all_requests()) == before
