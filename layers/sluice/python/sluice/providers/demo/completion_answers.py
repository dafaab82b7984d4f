"""What the demo model says to a text that it is to complete, and how that is written in OpenAI's format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from sluice.api.completion_request import CompletionRequest
from sluice.api.text_input import Text
from sluice.errors import InvalidRequestError
from sluice.providers.demo.words import MAX_PROMPT_CHARACTERS, MAX_REPLY_CHARACTERS, TOKEN, stopped

MAX_CHARACTERS = 2_000_000
MAX_EVENTS = 50_000
"""Of a reply, all its choices together: each token is an event, and so are an echo and an end."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What is said to each prompt, token by token, what of it is said without being counted (an echo), and why it ends.

    ``usage`` is as OpenAI writes it.
    """

    tokens: tuple[tuple[str, ...], ...]
    echoes: tuple[str, ...]
    finish_reasons: tuple[str, ...]
    usage: dict[str, int]


def answers(request: CompletionRequest) -> Answers:
    """The demo model's answers: a pure function of the request.

    Raises:
        InvalidRequestError: the prompts are longer than the model reads, or the answers than it writes.
    """
    prompts = [_written(prompt) for prompt in request.prompts]
    if sum(map(len, prompts)) > MAX_PROMPT_CHARACTERS:
        raise InvalidRequestError(
            f"The demo model reads no more than {MAX_PROMPT_CHARACTERS} characters.",
            param="prompt",
            code="context_length_exceeded",
        )
    said: list[tuple[str, ...]] = []
    reasons: list[str] = []
    for prompt in prompts:
        text = stopped(_text(prompt, request.suffix), request.stop)
        tokens = TOKEN.findall(text[:MAX_REPLY_CHARACTERS])
        cut = len(tokens) > request.output_tokens or len(text) > MAX_REPLY_CHARACTERS
        said.append(tuple(tokens[: request.output_tokens]))
        reasons.append("length" if cut else "stop")
    echoes = tuple(prompts) if request.echo else ("",) * len(prompts)
    _check_length(echoes, said, request.n or 1)
    read = sum(_length(prompt) for prompt in request.prompts)
    completion = sum(map(len, said)) * max(request.n or 1, request.best_of or 1)
    return Answers(
        tokens=tuple(said),
        echoes=echoes,
        finish_reasons=tuple(reasons),
        usage={"prompt_tokens": read, "completion_tokens": completion, "total_tokens": read + completion},
    )


def reply_body(request: CompletionRequest, made: Answers, reply_id: str, created: int) -> bytes:
    """The answers as one ``text_completion``."""
    choices = [
        _choice(index, made.echoes[prompt] + "".join(made.tokens[prompt]), made.finish_reasons[prompt])
        for index, prompt in _positions(request)
    ]
    return to_json({**_head(request, reply_id, created), "choices": choices, "usage": made.usage})


def events(request: CompletionRequest, made: Answers, reply_id: str, created: int) -> Iterator[bytes]:
    """The answers as the payloads of server-sent events, a token each, without the final ``[DONE]``."""
    head = _head(request, reply_id, created)
    for index, prompt in _positions(request):
        for text in (made.echoes[prompt], *made.tokens[prompt]):
            if text:
                yield to_json({**head, "choices": [_choice(index, text, None)]})
        yield to_json({**head, "choices": [_choice(index, "", made.finish_reasons[prompt])]})
    yield to_json({**head, "choices": [], "usage": made.usage})


def _check_length(echoes: Sequence[str], said: Sequence[Sequence[str]], n: int) -> None:
    """See that a reply is not beyond what the gateway takes from any provider.

    Raises:
        InvalidRequestError: it is.
    """
    characters = sum(map(len, echoes)) + sum(len(token) for tokens in said for token in tokens)
    events = sum(len(tokens) + 2 for tokens in said)
    if n * characters > MAX_CHARACTERS or n * events > MAX_EVENTS:
        raise InvalidRequestError(
            "The demo model does not write as much as so many answers to so many prompts.", param="prompt"
        )


def _positions(request: CompletionRequest) -> Iterator[tuple[int, int]]:
    """Each choice's index, and that of its prompt."""
    each = request.n or 1
    return ((index, index // each) for index in range(request.choices))


def _head(request: CompletionRequest, reply_id: str, created: int) -> dict[str, Any]:
    return {"id": reply_id, "object": "text_completion", "created": created, "model": request.model}


def _choice(index: int, text: str, finish_reason: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish_reason}


def _text(prompt: str, suffix: str | None) -> str:
    follows = f" Before: {suffix}" if suffix else ""
    return f" This is Sluice's demo model, which is no AI and only repeats. You wrote: {prompt}{follows}"


def _written(prompt: Text) -> str:
    """A prompt as text; tokens mean nothing to the demo model, so they are named as they are."""
    return prompt if isinstance(prompt, str) else _numbers(prompt)


def _numbers(tokens: Sequence[int]) -> str:
    return f"[tokens {' '.join(map(str, tokens))}]"


def _length(prompt: Text) -> int:
    return len(TOKEN.findall(prompt)) if isinstance(prompt, str) else len(prompt)
