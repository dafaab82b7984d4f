"""Each event of a provider's stream reaches the client before the next one is sent; silence is filled with comments."""

import httpx
import openai

from event_stream import DONE, KEEP_ALIVE, arriving_frames
from made_turns import TURNS
from participant import Participant
from sluice.api.chat_request import ChatCompletionRequest
from turn_server import Stepped, TurnServer

TURN = TURNS["several pieces"]


def texts_by_event(participant: Participant) -> list[str]:
    """What each event of the turn says."""
    asked = ChatCompletionRequest.model_validate(
        {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
    )
    reading = participant.reading(asked)
    found = []
    for event in participant.stream_bytes(TURN):
        before = len(reading.chunks)
        reading.feed(event)
        deltas = [choice.delta for chunk in reading.chunks[before:] for choice in chunk.choices]
        found.append("".join(delta.content or "" for delta in deltas))
    return found


def test_each_event_arrives_before_the_next_is_sent(
    client: openai.OpenAI, provider: TurnServer, participant: Participant, model: str
) -> None:
    scene = provider.scene(Stepped(TURN))
    texts = texts_by_event(participant)
    first = next(number for number, text in enumerate(texts) if text)
    scene.release(first + 1)
    with client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": scene.mark}], stream=True
    ) as stream:
        arriving = (
            choice.delta.content for chunk in stream for choice in chunk.choices if choice.delta.content
        )
        assert next(arriving) == texts[first]
        for text in texts[first + 1 :]:
            scene.release()
            if text:
                assert next(arriving) == text
        assert list(arriving) == []
    assert scene.faults == []


def test_silence_is_filled(
    http: httpx.Client, provider: TurnServer, participant: Participant, model: str
) -> None:
    scene = provider.scene(Stepped(TURN))
    texts = texts_by_event(participant)
    first = next(number for number, text in enumerate(texts) if text)
    scene.release(first + 1)
    members = {"model": model, "messages": [{"role": "user", "content": scene.mark}], "stream": True}
    with http.stream("POST", "/v1/chat/completions", json=members) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        frames = arriving_frames(reply)
        comments = 0
        for frame in frames:
            if frame.startswith(KEEP_ALIVE):
                comments += 1
                if comments == 2:
                    scene.release(len(texts))
                    break
        assert [frame for frame in frames if not frame.startswith(KEEP_ALIVE)][-1] == DONE
