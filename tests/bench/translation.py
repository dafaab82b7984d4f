"""CPU time of translation alone: a conversation to a provider, its whole reply, and each chunk of its stream.

For each wire format of the registry, over what its mock says. A chunk's time includes the decoding of its frame. The
baseline, of the same run, is what Python's own JSON takes to read and write the same bytes once.
"""

import base64
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chat_operations import chat_of
from mock_turns import Call, Count, Turn
from participant import Participant
from participants import PARTICIPANTS
from sluice.api.chat_request import ChatCompletionRequest

ROUNDS = 15
SECONDS_A_ROUND = 0.05

CONVERSATION_TARGET_MS = 0.5
CHUNK_TARGET_US = 30.0

PICTURE_BYTES = 48 * 1024
SENTENCE = "The quick brown fox jumps over the lazy dog. "
CHUNKS = 200

MEASURED = ("openai", "mistral", "anthropic", "bedrock, signed", "gemini")
"""Each wire format, and one host that OpenAI's is put into its own words for."""


@dataclass(frozen=True)
class Figure:
    """CPU seconds of one translation, and of its baseline."""

    ours: float
    baseline: float

    @property
    def ratio(self) -> float:
        """How many times the baseline it takes."""
        return self.ours / self.baseline


@dataclass(frozen=True)
class Figures:
    """What a provider's translation takes; ``chunk`` is for one event of a stream."""

    conversation: Figure
    whole: Figure
    chunk: Figure


def conversation() -> dict[str, Any]:
    """Twenty messages: instructions, a picture, and a tool that is called again and again."""
    picture = "data:image/png;base64," + base64.b64encode(bytes(PICTURE_BYTES)).decode()
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": SENTENCE * 20},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": SENTENCE * 4},
                {"type": "image_url", "image_url": {"url": picture}},
            ],
        },
    ]
    for number in range(6):
        arguments = json.dumps({"city": "Zürich", "days": number, "why": SENTENCE})
        call = {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": "tool_1", "arguments": arguments},
        }
        messages += [
            {"role": "assistant", "content": SENTENCE, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"call_{number}", "content": SENTENCE * 4},
        ]
    for _ in range(3):
        messages += [
            {"role": "assistant", "content": SENTENCE * 4},
            {"role": "user", "content": SENTENCE * 4},
        ]
    return {
        "model": "bench",
        "messages": messages,
        "tools": [_tool(number) for number in range(5)],
        "stream": True,
    }


def _tool(number: int) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": SENTENCE},
            "days": {"type": "integer", "minimum": 0, "maximum": 16},
            "why": {"type": "string"},
            "where": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "number"}}}},
        },
        "required": ["city", "days"],
    }
    function = {"name": f"tool_{number}", "description": SENTENCE * 2, "parameters": parameters}
    return {"type": "function", "function": function}


def answer() -> Turn:
    """A long answer with a call."""
    return Turn(
        text=(SENTENCE,) * CHUNKS,
        calls=(Call("tool_1", ('{"city": "Zür', 'ich", "days": 3}'), id="call_1"),),
        end="tool_calls",
        usage=Count(prompt=900, completion=2_000, cached=512),
    )


def measured(work: Callable[[], object], *, rounds: int, seconds: float) -> float:
    """CPU seconds of one call: the median of rounds that take so long each."""
    work()
    start, times = time.process_time(), 1
    while time.process_time() - start < seconds:
        work()
        times += 1
    found = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            work()
        found.append((time.process_time() - start) / times)
    return statistics.median(found)


def reread(texts: Sequence[bytes]) -> None:
    """The baseline."""
    for text in texts:
        json.dumps(json.loads(text))


def figures(participant: Participant, *, rounds: int = ROUNDS, seconds: float = SECONDS_A_ROUND) -> Figures:
    """What one provider's translation takes."""
    chat, turn, asked = chat_of(participant.provider), answer(), conversation()
    call = participant.call(ChatCompletionRequest.model_validate(asked))
    whole, pieces = participant.whole_bytes(turn), participant.stream_bytes(turn)
    payloads = [event.data for event in participant.wire_events(turn) if event.data.startswith(b"{")]

    def read_stream() -> None:
        reading = participant.reading(call.request)
        for piece in pieces:
            reading.feed(piece)
        assert reading.end()

    def figure(work: Callable[[], object], texts: Sequence[bytes], parts: int = 1) -> Figure:
        ours, baseline = (
            measured(each, rounds=rounds, seconds=seconds) / parts for each in (work, lambda: reread(texts))
        )
        return Figure(ours, baseline)

    return Figures(
        conversation=figure(lambda: chat.upstream_request(call), [json.dumps(asked).encode()]),
        whole=figure(lambda: chat.whole_reply(whole, call), [whole]),
        chunk=figure(read_stream, payloads, parts=len(pieces)),
    )


def table(measurements: Mapping[str, Figures]) -> str:
    """The figures, as they are printed."""
    lines = [
        f"translation, CPU time (median of {ROUNDS} rounds; in brackets: times json.loads and json.dumps of the same)",
        f"  {'provider':16} {'conversation, ms':>18} {'whole reply, ms':>18} {'stream chunk, µs':>18}",
    ]
    for name, found in measurements.items():
        cells = (
            f"{figure.ours * scale:.{digits}f} ({figure.ratio:.1f})"
            for figure, scale, digits in (
                (found.conversation, 1e3, 3),
                (found.whole, 1e3, 3),
                (found.chunk, 1e6, 1),
            )
        )
        lines.append(f"  {name:16} " + " ".join(f"{cell:>18}" for cell in cells))
    lines.append(f"  {'target':16} {CONVERSATION_TARGET_MS:>18} {'':>18} {CHUNK_TARGET_US:>18}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table({name: figures(PARTICIPANTS[name]) for name in MEASURED}))
