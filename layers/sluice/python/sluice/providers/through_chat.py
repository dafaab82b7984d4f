"""Text completions by a chat model: the text becomes a user's message, and the answer the text that follows it.

That is not the same. A chat model answers a text where a completion model goes on with it. And chat has no way to say
some of what completions can: several texts in one request, texts that come as tokens, a suffix, the best of several
answers, and the logprobs of the text itself. That is refused. An echo is put together here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from sluice.api.chat_reply import (
    ChatCompletion,
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    FinishReason,
    Logprobs,
    ReplyMessage,
)
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_reply import (
    Completion,
    CompletionChunk,
    TextChoice,
    TextChunkChoice,
    TextFinishReason,
    TextLogprobs,
)
from sluice.api.completion_request import CompletionRequest
from sluice.api.messages import UserMessage
from sluice.catalog import OutputLimit
from sluice.errors import UnsupportedParameterError, UpstreamError
from sluice.providers.contract import ChatOperation, ProviderCall, ReplyStream, UpstreamRequest
from sluice.providers.reading import validated
from sluice.wire.events import Decoder, WireEvent

type Call = ProviderCall[CompletionRequest]

FINISH_REASONS: Mapping[FinishReason, TextFinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
}

_SAME = (
    "temperature",
    "top_p",
    "n",
    "stream",
    "stream_options",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "seed",
    "user",
)
"""Members that mean the same to both."""

_MORE_THAN_TEXT = ("functions", "function_call", "modalities", "audio")
"""Members of chat that ask for an answer that is no text; those that the gateway knows itself aside."""


class ThroughChat:
    """Completions in terms of a provider's chat.

    Args:
        chat: the provider's.
        output_limit: the request member in which it takes an output limit.
    """

    def __init__(self, chat: ChatOperation, output_limit: OutputLimit = "max_tokens") -> None:
        self._chat = chat
        self._output_limit = output_limit
        self.STREAM_CONTENT_TYPE = chat.STREAM_CONTENT_TYPE

    def new_decoder(self) -> Decoder:
        """See ``StreamingOperation``."""
        return self._chat.new_decoder()

    def upstream_request(self, call: Call) -> UpstreamRequest:
        """See ``Operation``."""
        return self._chat.upstream_request(self._chat_call(call))

    def whole_reply(self, body: bytes, call: Call) -> Completion:
        """See ``Operation``."""
        reply: ChatCompletion = self._chat.whole_reply(body, self._chat_call(call))
        echo = _echo(call.request)
        choices = [
            TextChoice(
                index=choice.index,
                text=echo + _said(choice.message),
                logprobs=_logprobs(choice.logprobs, 0),
                finish_reason=_finish_reason(choice.finish_reason),
            )
            for choice in reply.choices
        ]
        return Completion(
            id=reply.id,
            created=reply.created,
            model=reply.model,
            choices=choices,
            usage=reply.usage,
            system_fingerprint=reply.system_fingerprint,
        )

    def reply_stream(self, call: Call) -> ReplyStream[CompletionChunk]:
        """See ``StreamingOperation``."""
        return _Stream(self._chat.reply_stream(self._chat_call(call)), _echo(call.request))

    def _chat_call(self, call: Call) -> ProviderCall[ChatCompletionRequest]:
        return ProviderCall(chat_request(call.request, self._output_limit), call.target, call.id, call.now)


class _Stream:
    """A chat's stream as a completion's; the echo comes first in each choice."""

    def __init__(self, chat: ReplyStream[ChatCompletionChunk], echo: str) -> None:
        self._chat = chat
        self._echo = echo
        self._lengths: dict[int, int] = {}

    @property
    def complete(self) -> bool:
        return self._chat.complete

    @property
    def finished(self) -> bool:
        return self._chat.finished

    def feed(self, event: WireEvent) -> Sequence[CompletionChunk]:
        return [
            CompletionChunk(
                id=chunk.id,
                created=chunk.created,
                model=chunk.model,
                choices=[self._choice(choice) for choice in chunk.choices],
                usage=chunk.usage,
                system_fingerprint=chunk.system_fingerprint,
            )
            for chunk in self._chat.feed(event)
        ]

    def _choice(self, choice: ChunkChoice) -> TextChunkChoice:
        said = _said(choice.delta)
        echo = "" if choice.index in self._lengths else self._echo
        offset = self._lengths.get(choice.index, 0)
        self._lengths[choice.index] = offset + len(said)
        reason = choice.finish_reason
        return TextChunkChoice(
            index=choice.index,
            text=echo + said,
            logprobs=_logprobs(choice.logprobs, offset),
            finish_reason=None if reason is None else _finish_reason(reason),
        )


def chat_request(request: CompletionRequest, output_limit: OutputLimit) -> ChatCompletionRequest:
    """The same as a chat.

    Raises:
        UnsupportedParameterError: chat has no way to say it.
    """
    members: dict[str, Any] = {
        name: getattr(request, name) for name in _SAME if name in request.model_fields_set
    }
    members[output_limit] = request.output_tokens
    if request.logprobs is not None:
        members |= {"logprobs": True, "top_logprobs": request.logprobs}
    members |= {"model": request.model, "messages": [UserMessage(role="user", content=_prompt(request))]}
    return ChatCompletionRequest.model_validate(members | _extra(request))


def _prompt(request: CompletionRequest) -> str:
    """The one text that chat can be asked for.

    Raises:
        UnsupportedParameterError: there is another one, or something that chat cannot express.
    """
    match request.prompts:
        case [str(prompt)]:
            pass
        case _:
            raise _unsupported("prompt", "more than one prompt, or tokens in place of text")
    if request.suffix:
        raise _unsupported("suffix", "a suffix")
    if (request.best_of or 1) > (request.n or 1):
        raise _unsupported("best_of", "the best of several answers")
    if request.output_tokens == 0:
        raise _unsupported("max_tokens", "an answer of no tokens")
    if request.logprobs is not None and request.echo:
        raise _unsupported("logprobs", "logprobs of the prompt")
    return prompt


def _extra(request: CompletionRequest) -> dict[str, Any]:
    """Members that neither knows, for hosts that do."""
    extra = request.model_extra or {}
    for name in (*ChatCompletionRequest.model_fields, *_MORE_THAN_TEXT):
        if name in extra:
            raise UnsupportedParameterError(f"A completion has no '{name}'.", param=name)
    return extra


def _unsupported(param: str, what: str) -> UnsupportedParameterError:
    return UnsupportedParameterError(
        f"This is a chat model, which cannot be asked for {what}. Use a completion model.", param=param
    )


def _echo(request: CompletionRequest) -> str:
    return str(request.prompts[0]) if request.echo else ""


def _said(message: ReplyMessage | Delta) -> str:
    """What a choice says, whole or in a chunk; a completion has no place of its own for a refusal."""
    return (message.content or "") + (message.refusal or "")


def _finish_reason(reason: FinishReason) -> TextFinishReason:
    known = FINISH_REASONS.get(reason)
    if known is None:
        raise UpstreamError(f"The provider stopped for a reason that a completion has not: '{reason}'.")
    return known


class _TopLogprob(BaseModel):
    token: str
    logprob: float


class _TokenLogprob(_TopLogprob):
    top_logprobs: list[_TopLogprob] = []


class _ChatLogprobs(BaseModel):
    content: list[_TokenLogprob] | None = None


def _logprobs(logprobs: Logprobs | None, offset: int) -> TextLogprobs | None:
    """Chat's logprobs, a list of tokens, as completions' four lists; ``offset`` is where in the text they begin."""
    entries = validated(_ChatLogprobs, logprobs or {}).content
    if not entries:
        return None
    offsets = []
    for entry in entries:
        offsets.append(offset)
        offset += len(entry.token)
    return {
        "tokens": [entry.token for entry in entries],
        "token_logprobs": [entry.logprob for entry in entries],
        "top_logprobs": [{top.token: top.logprob for top in entry.top_logprobs} for entry in entries],
        "text_offset": offsets,
    }
