"""The upper bound of what a chat request can use: what is held for it before the provider is called.

Why the prompt cannot have more tokens than that:

- Text. The tokenizers of chat models work on bytes (byte-level BPE), or fall back to them (SentencePiece): each token
  covers at least one byte of UTF-8. All that the model reads stands in the body's JSON, in no fewer bytes than its
  UTF-8, for an escape is longer than what it stands for. So the text has at most as many tokens as the body has bytes.
  (A tokenizer that rewrites its text first, as NFKC does, can be brought beyond that, by nothing but rare ligatures.)
- Special tokens. A message is set in some five of them; its JSON has 28 bytes at least beside its text
  (``{"role":"user","content":""}``), and parts, tools and tool calls more.
- What a provider adds of its own: the catalogue's ``added_tokens`` where it is much (xAI's hidden prompt for Grok 4 has
  some 680, Anthropic's on tools for Claude 3 Opus some 530), or else ``ADDED_TOKENS``, and ``ADDED_TOOL_TOKENS`` where
  the model is told how tools are called or which schema an answer has to obey. Schemas are written out in the
  provider's own manner (TypeScript at OpenAI, indented JSON elsewhere), which takes fewer tokens than compact JSON has
  bytes unless someone contrives it.
- Pictures count by their size in pixels, not in bytes: each for the catalogue's ``image_tokens``, or ``IMAGE_TOKENS``.
  Their base64 is not counted as text. That an address leads to a picture is for the provider to see to.
- Recordings count by their length, which is bounded by their bytes: one token for ``BYTES_PER_AUDIO_TOKEN``. That they
  are of the format that the request names, and no WAV of a few samples a second, is for the provider to see to.
- A file has no bound of its own: a kilobyte of compressed PDF may be a book. It counts for ``context_tokens``; where
  the catalogue tells none, the request is refused. So do recordings in formats that compress silence to nothing.
- No provider reads more than ``context_tokens``. Pictures come on top all the same: where they count for a multiple of
  what they take up (gpt-4o-mini), nothing says that the context is measured by what they count for.

Each of the ``n`` choices is bounded by the limit that the client gave. If it gave none, then by the catalogue's
``output_tokens`` or ``context_tokens``; a lower one, or one where the catalogue tells none, is sent to the provider
(``limited``). That the provider keeps to it, reasoning included, is its word.

So the bound rests on the catalogue and on the provider. Where either is wrong and more is reported, settling holds the
rest or charges no more than the budget has left; the budget is kept in any case.
"""

from sluice.accounting.costs import rates_of_model
from sluice.accounting.demand import Demand
from sluice.api.chat_request import ChatCompletionRequest
from sluice.catalog import ModelRow
from sluice.errors import InvalidRequestError
from sluice.pipeline.chat_estimate import medium_tokens
from sluice.pipeline.media import Document, Picture, Recording, media_of

ADDED_TOKENS = 32
"""What chat templates put around a conversation: a date, the answer's first tokens."""

ADDED_TOOL_TOKENS = 256
"""What they say of how tools are called, likewise."""

IMAGE_TOKENS = 48_169
"""The dearest picture known: gpt-4o-mini's of 2048 by 768 pixels, to which it scales larger ones, is 4 by 2 tiles
of 5,667 tokens and 2,833 for the whole. Others: 14,364 (GPT-6, 12 megapixels), 6,404 (Llama), 4,005 (Claude)."""

BYTES_PER_TOKEN = 3
"""For the estimate: between English, which has more, and scripts whose every character is a token of three bytes."""

BYTES_PER_AUDIO_TOKEN = 25
"""MP3 has no fewer than 8 kbit, or 1,000 bytes, a second, and WAV as it is recorded many more: that makes 40 tokens a
second. Gemini counts 32, OpenAI about 10."""

DEFAULT_OUTPUT_TOKENS = 4_096
"""The limit that a provider is told where neither the client nor the catalogue gives one."""

MOST_OUTPUT_TOKENS = 10**9
"""No model writes as many, whatever limit the client gives: so what is held stays a number that can be stored."""


def demand_of(request: ChatCompletionRequest, body_bytes: int, row: ModelRow, *, bounded: bool) -> Demand:
    """The upper bound of a chat request.

    Args:
        request: validated.
        body_bytes: of its JSON as it was received.
        row: the model's.
        bounded: whether the key has a budget. Without one the bound may be none.

    Raises:
        InvalidRequestError: a bound is needed, but there is none.
    """
    context = row.context_tokens
    text, audio, pictures = body_bytes + _added(request, row), 0, 0
    documents: list[Document] = []
    estimated = 0
    for medium in media_of(request):
        estimated += medium_tokens(medium)
        match medium:
            case Picture(inline_bytes=inline):
                text -= inline
                pictures += row.image_tokens or IMAGE_TOKENS
            case Recording(inline_bytes=inline, sound_bytes=length):
                text -= inline
                audio += -(-length // BYTES_PER_AUDIO_TOKEN)
            case Document():
                documents.append(medium)
    read = text + audio
    if context is not None:
        read = context if documents else min(read, context)
    elif documents and bounded:
        raise _unbounded(documents[0], row)
    output, adjustable = _output(request, row)
    return Demand(
        prompt_tokens=read + pictures,
        choices=request.n or 1,
        output_tokens=output,
        adjustable=adjustable,
        rates=rates_of_model(row),
        audio_tokens=read if any(document.sound for document in documents) else min(audio, read),
        prompt_estimate=min(read + pictures, -(-text // BYTES_PER_TOKEN) + estimated),
    )


def limited(request: ChatCompletionRequest, output_tokens: int, row: ModelRow) -> ChatCompletionRequest:
    """The request with the limit that its bound was made with, as far as the provider has to be told.

    A limit of the client's stays. Without one, ``output_tokens`` is filled in, unless the provider stops there by
    itself. The limit goes by the one name that the catalogue's ``output_limit`` says the provider knows.
    """
    given = _given(request)
    limits = given or ({} if _stops(row) == output_tokens else {"max_tokens": output_tokens})
    if row.output_limit is not None and limits:
        limits = {row.output_limit: max(limits.values())}
    if limits == given:
        return request
    changed = request.model_copy(update=limits)
    changed.model_fields_set.difference_update(given.keys() - limits.keys())  # what is not set is not sent
    return changed


def _added(request: ChatCompletionRequest, row: ModelRow) -> int:
    extra = request.model_extra or {}
    tools = request.tools or request.response_format or extra.get("functions")
    return (row.added_tokens or ADDED_TOKENS) + (ADDED_TOOL_TOKENS if tools else 0)


def _output(request: ChatCompletionRequest, row: ModelRow) -> tuple[int, bool]:
    """The bound of one choice, and whether it may be lowered."""
    given = _given(request)
    if given:
        return min(max(given.values()), row.context_tokens or MOST_OUTPUT_TOKENS), False
    return _stops(row) or DEFAULT_OUTPUT_TOKENS, True


def _given(request: ChatCompletionRequest) -> dict[str, int]:
    """The client's limits by name. Where there are two, which one counts is the provider's choice."""
    limits: dict[str, int | None] = {
        "max_tokens": request.max_tokens,
        "max_completion_tokens": request.max_completion_tokens,
    }
    return {name: limit for name, limit in limits.items() if limit is not None}


def _stops(row: ModelRow) -> int | None:
    """Where the provider stops by itself, as far as the catalogue knows."""
    return row.output_tokens or row.context_tokens


def _unbounded(document: Document, row: ModelRow) -> InvalidRequestError:
    return InvalidRequestError(
        f"What '{document.param}' counts for can be anything, and this API key has a budget. "
        f"It can be used where the gateway's catalogue tells how much the model reads, which it does not for "
        f"'{row.id}' (context_tokens).",
        param=document.param,
    )
