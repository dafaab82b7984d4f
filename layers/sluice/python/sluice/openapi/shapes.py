"""What goes over the wire where that is more than a shape of ``sluice.api``: hashes, and what an alias fills in."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest, Positive
from sluice.api.completion_reply import Completion, CompletionChunk
from sluice.api.embeddings import EmbeddingList, EmbeddingUsage
from sluice.api.images_reply import ImageJob, PictureList
from sluice.api.shapes import ReplyShape, absent
from sluice.api.usage import Usage
from sluice.api.videos_reply import VideoTask
from sluice.errors import ErrorType

Digest = Annotated[
    str,
    Field(
        min_length=64,
        max_length=64,
        pattern="^[0-9a-f]*$",
        description="SHA-256 of canonical JSON (RFC 8785)",
    ),
]


def sometimes(value: object) -> bool:  # a rule of pydantic's form
    """The rule of a member that may be left out, or be null."""
    return False


class SearchedPage(ReplyShape):
    """A page that a web search found: ``[1]`` in an answer cites the first of them."""

    url: str
    context: Annotated[str, Field(description="What the engine tells of the page, as plain text")]
    source_from: Annotated[str, Field(description="The engine, such as Brave, DuckDuckGo or Google")]


SearchResult = Annotated[
    list[SearchedPage] | None,
    Field(exclude_if=absent, description="With `search_enabled`: what the web search found for the answer"),
]


class ChatCompletionReply(ChatCompletion):
    """A whole reply, with the hash of the request and its own."""

    search_result: SearchResult = None
    requestHash: Digest
    responseHash: Digest


class ChatCompletionEvent(ChatCompletionChunk):
    """One event of a streamed reply.

    The last one before ``[DONE]`` has the two hashes and, after a web search, its result. With
    ``stream_options.include_usage`` every event has ``usage``, which is null in all but the last.
    A stream that fails ends in an ``Error`` and without ``[DONE]``.
    """

    usage: Annotated[Usage | None, Field(exclude_if=sometimes)] = None
    search_result: SearchResult = None
    requestHash: Annotated[Digest, Field(exclude_if=sometimes)] = ""
    responseHash: Annotated[Digest, Field(exclude_if=sometimes)] = ""


class CompletionReply(Completion):
    """A whole reply, with the hash of the request and its own."""

    requestHash: Digest
    responseHash: Digest


class CompletionEvent(CompletionChunk):
    """One event of a streamed reply; ``usage`` and the hashes are as in a ``ChatCompletionEvent``."""

    usage: Annotated[Usage | None, Field(exclude_if=sometimes)] = None
    requestHash: Annotated[Digest, Field(exclude_if=sometimes)] = ""
    responseHash: Annotated[Digest, Field(exclude_if=sometimes)] = ""


class EmbeddingsReply(EmbeddingList):
    """The vectors, with the hash of the request and that of the reply."""

    usage: EmbeddingUsage
    requestHash: Digest
    responseHash: Digest


class ImagesReply(PictureList):
    """The pictures, with the hash of the request and that of the reply."""

    requestHash: Digest
    responseHash: Digest


class ImageJobReply(ImageJob):
    """A job that makes pictures, with the hash of the request that it was made for and that of the reply."""

    requestHash: Digest
    responseHash: Digest


class VideoTaskReply(VideoTask):
    """A task that was taken, with the hash of the request and that of the reply."""

    requestHash: Digest
    responseHash: Digest


class ApiChatCompletionRequest(ChatCompletionRequest):
    """A chat completion as a client asks for it under ``/api``: ``model`` and a limit of tokens may be left out."""

    model: Annotated[str, Field(min_length=1)] | None = "gemini-2.5-flash"  # type: ignore[assignment] # filled in
    max_tokens: Positive | None = 4096


class ErrorDetail(ReplyShape):
    """What went wrong, for the client's developer; ``param`` names the member of the request that is at fault."""

    model_config = ConfigDict(extra="forbid")

    message: Annotated[str, Field(min_length=1)]
    type: ErrorType
    param: str | None
    code: str | None


class Error(ReplyShape):
    """The body of every reply that is not a success."""

    model_config = ConfigDict(extra="forbid")

    error: ErrorDetail


class OpenAPIDocument(ReplyShape):
    """This document."""

    openapi: Literal["3.1.1"] = "3.1.1"
