"""What a request says arrives at every provider, in a form that it takes, or is refused by name: nothing gets lost."""

from typing import Any

import pytest
from hypothesis import given

from chat_operations import chat_of
from conversations import ASKINGS, LONG, LONG_MARKS, PDF, PNG, TRAFFIC, WAV, WEATHER, body, conversations
from made_turns import TURNS
from meanings import Fact
from participant import Participant
from participants import PARTICIPANTS
from sluice.api.chat_reply import ChatCompletion
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import validate
from sluice.errors import UnsupportedParameterError
from sluice.providers.contract import UpstreamRequest
from sluice.providers.features import Feature, check_supported, used_features

every_participant = pytest.mark.parametrize("participant", PARTICIPANTS.values(), ids=PARTICIPANTS)


def asked(members: dict[str, Any], *, streams: bool = False) -> ChatCompletionRequest:
    return validate(ChatCompletionRequest, {**members, "stream": streams})


def sent(participant: Participant, request: ChatCompletionRequest) -> UpstreamRequest:
    """The request in the provider's format, as the pipeline makes it."""
    check_supported(request, participant.provider.features)
    return chat_of(participant.provider).upstream_request(participant.call(request))


def test_every_feature_is_asked_for() -> None:
    assert ASKINGS.keys() == set(Feature)
    for feature, asking in ASKINGS.items():
        assert feature in {used for used, _ in used_features(asked(body(**asking.members)))}, feature


def is_refused(participant: Participant, request: ChatCompletionRequest) -> bool:
    """Whether the provider's module refuses a request, or else the provider itself."""
    try:
        return participant.fault(sent(participant, request)) is not None
    except UnsupportedParameterError as error:
        assert error.param
        return True


@every_participant
@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("feature", Feature)
def test_what_a_provider_can_express_arrives_and_the_rest_is_refused(
    participant: Participant, feature: Feature, streams: bool
) -> None:
    asking = ASKINGS[feature]
    request = asked(body(**asking.members), streams=streams)
    if feature not in participant.provider.features.known:
        with pytest.raises(UnsupportedParameterError) as caught:
            sent(participant, request)
        assert caught.value.param
    elif feature in participant.refuses:
        assert is_refused(participant, request)
    else:
        upstream = sent(participant, request)
        assert participant.fault(upstream) is None
        assert [mark for mark in asking.marks if mark.encode() not in upstream.body] == []


@every_participant
@pytest.mark.parametrize("streams", [False, True])
def test_a_long_conversation_arrives_whole_and_in_order(participant: Participant, streams: bool) -> None:
    request = sent(participant, asked(LONG, streams=streams))
    assert participant.fault(request) is None
    places = [request.body.find(mark.encode()) for mark in LONG_MARKS]
    assert places == sorted(places)
    assert min(places) >= 0
    for mark in ("markone", "marktwo", "markdescription", "markcity", "1777"):
        assert mark.encode() in request.body


@every_participant
@given(made=conversations())
def test_any_conversation_arrives_whole_and_in_order(
    participant: Participant, made: tuple[dict[str, Any], list[str]]
) -> None:
    members, marks = made
    request = sent(participant, asked(members))
    assert participant.fault(request) is None
    places = [request.body.find(mark.encode()) for mark in marks]
    assert places == sorted(places)
    assert min(places) >= 0


@every_participant
def test_media_are_not_altered(participant: Participant) -> None:
    """All that a provider takes of pictures, sound and files in one turn."""
    known = participant.provider.features.known
    media = {Feature.IMAGES: PNG, Feature.AUDIO: WAV, Feature.FILES: PDF}
    parts = [ASKINGS[feature].members["messages"][0]["content"][1] for feature in media if feature in known]
    content = [{"type": "text", "text": "markfirst"}, *parts, {"type": "text", "text": "marklast"}]
    request = sent(participant, asked({"model": "m", "messages": [{"role": "user", "content": content}]}))
    assert participant.fault(request) is None
    marks = ["markfirst", *(data for feature, data in media.items() if feature in known), "marklast"]
    places = [request.body.find(mark.encode()) for mark in marks]
    assert places == sorted(places)
    assert min(places) >= 0


def tool_loop(reply: ChatCompletion, **members: Any) -> dict[str, Any]:
    """A conversation that goes on after a reply, which the client gives back as it came."""
    message = reply.choices[0].message.model_dump(mode="json", exclude_none=True)
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": f"markresult{number}"}
        for number, call in enumerate(message.get("tool_calls") or ())
    ]
    question = {"role": "user", "content": "In JSON: markquestion?"}
    return {"model": "m", "messages": [question, message, *results], "tools": [WEATHER, TRAFFIC], **members}


@every_participant
@pytest.mark.parametrize("effort", [None, "high"])
@pytest.mark.parametrize("first", PARTICIPANTS.values(), ids=[f"after {name}" for name in PARTICIPANTS])
def test_a_tool_loop_can_go_on_with_another_provider(
    first: Participant, participant: Participant, effort: str | None
) -> None:
    """As it does when a client changes the model, or the gateway falls back."""
    turn = TURNS["everything"]
    reply = first.whole_reply(turn, asked(body()))
    request = asked(tool_loop(reply, **({"reasoning_effort": effort} if effort else {})))
    if effort and {Feature.REASONING_EFFORT} <= participant.refuses:
        assert is_refused(participant, request)
        return
    if effort and Feature.REASONING_EFFORT not in participant.provider.features.known:
        return
    upstream = sent(participant, request)
    assert participant.fault(upstream) is None
    marks = ("markquestion", "Well:", "get_weather", "markresult0", "markresult1")
    places = [upstream.body.find(mark.encode()) for mark in marks]
    assert min(places) >= 0
    if first is participant and Fact.SIGNATURE not in participant.unsaid:
        assert b'"' + turn.signature.encode() + b'"' in upstream.body
