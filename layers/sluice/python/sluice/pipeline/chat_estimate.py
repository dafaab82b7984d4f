"""How many tokens a chat request has probably used, where the provider does not report it (see ``pipeline.estimate``).

It is of what was sent and received, so reasoning that a provider keeps to itself is not in it.
"""

from collections.abc import Iterator
from typing import assert_never

from sluice.accounting.costs import TokenCount
from sluice.api.chat_reply import ChatCompletion, ReplyMessage
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.messages import AssistantMessage, Message, RefusalPart, TextPart, ToolMessage
from sluice.pipeline.estimate import tokens_of
from sluice.pipeline.media import Document, Medium, Picture, Recording, media_of

TOKENS_PER_MESSAGE = 4
PICTURE_TOKENS = 765
"""One of 1024 by 1024 pixels at gpt-4o."""

BYTES_PER_AUDIO_TOKEN = 1_000
"""MP3 of 128 kbit a second at 16 tokens a second, which is between OpenAI's count and Gemini's."""

DOCUMENT_TOKENS = 1_000
"""About two pages."""


def estimated_tokens(
    request: ChatCompletionRequest, received: ChatCompletion | None, most: TokenCount
) -> TokenCount:
    """What a request has probably used.

    Args:
        request: as it was sent.
        received: as much of the reply as came; None if nothing did.
        most: the upper bound, which the estimate never exceeds.
    """
    media = list(media_of(request))
    audio = sum(medium_tokens(medium) for medium in media if isinstance(medium, Recording))
    prompt = (
        sum(TOKENS_PER_MESSAGE + _sum(_said(message)) for message in request.messages)
        + _sum(_schemas(request))
        + sum(map(medium_tokens, media))
    )
    replies = [choice.message for choice in received.choices] if received else []
    reasoning = _sum(reply.reasoning_content for reply in replies)
    completion = reasoning + sum(_sum(_answered(reply)) for reply in replies)
    return TokenCount(
        prompt=min(prompt, most.prompt),
        completion=min(completion, most.completion),
        reasoning=min(reasoning, most.completion),
        audio=min(audio, most.audio),
    )


def _sum(texts: Iterator[str | None]) -> int:
    return sum(tokens_of(text) for text in texts if text)


def medium_tokens(medium: Medium) -> int:
    """The tokens that a part which is no text probably counts for."""
    match medium:
        case Picture():
            return PICTURE_TOKENS
        case Recording(sound_bytes=length):
            return -(-length // BYTES_PER_AUDIO_TOKEN)
        case Document():
            return DOCUMENT_TOKENS
        case _:
            assert_never(medium)


def _said(message: Message) -> Iterator[str | None]:
    """The texts of a message that was sent."""
    content = message.content
    if isinstance(content, list):
        for part in content:
            if isinstance(part, TextPart):
                yield part.text
            elif isinstance(part, RefusalPart):
                yield part.refusal
    else:
        yield content
    if isinstance(message, AssistantMessage):
        yield message.refusal
        yield message.reasoning_content
        for call in message.tool_calls or ():
            if call.type == "function":
                yield call.function.name
                yield call.function.arguments
            else:
                yield call.custom.name
                yield call.custom.input
        if message.function_call is not None:
            yield message.function_call.name
            yield message.function_call.arguments
    if not isinstance(message, ToolMessage):
        yield message.name


def _schemas(request: ChatCompletionRequest) -> Iterator[str]:
    """What a request tells the model of tools and of the form of its answer, as JSON."""
    for tool in request.tools or ():
        yield tool.model_dump_json(exclude_unset=True, by_alias=True)
    if request.response_format is not None:
        yield request.response_format.model_dump_json(exclude_unset=True, by_alias=True)


def _answered(reply: ReplyMessage) -> Iterator[str | None]:
    """The texts of a reply, its reasoning aside."""
    yield reply.content
    yield reply.refusal
    for call in reply.tool_calls or ():
        if call.function is not None:
            yield call.function.name
            yield call.function.arguments
        if call.custom is not None:
            yield call.custom.name
            yield call.custom.input
    if reply.function_call is not None:
        yield reply.function_call.name
        yield reply.function_call.arguments
