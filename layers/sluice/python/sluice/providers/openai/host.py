"""A provider that is made of a declaration: a host of OpenAI's format, with its ways."""

from dataclasses import dataclass
from typing import ClassVar

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.embeddings import EmbeddingList, EmbeddingsRequest
from sluice.api.images_request import ImagesRequest
from sluice.providers.contract import Media, Provider, ProviderCall, ReplyStream, UpstreamRequest
from sluice.providers.media_features import MediaFeatures
from sluice.providers.one_call import one_call_of, one_call_stream
from sluice.providers.openai import chat, completions, embeddings, failures, images, models
from sluice.providers.openai.dialect import Dialect
from sluice.providers.openai.image_dialect import ImageDialect
from sluice.wire.events import Decoder


@dataclass(frozen=True, slots=True)
class HostChat:
    """``chat`` in a host's dialect; ``parallel_tool_calls: false`` is kept to, whether the host knows it or not."""

    STREAM_CONTENT_TYPE: ClassVar[str] = chat.STREAM_CONTENT_TYPE
    dialect: Dialect

    def upstream_request(self, call: ProviderCall[ChatCompletionRequest]) -> UpstreamRequest:
        """See ``Operation``."""
        return chat.upstream_request(call, self.dialect)

    def whole_reply(self, body: bytes, call: ProviderCall[ChatCompletionRequest]) -> ChatCompletion:
        """See ``Operation``."""
        return one_call_of(chat.whole_reply(body, call), call.request)

    def new_decoder(self) -> Decoder:
        """See ``StreamingOperation``."""
        return chat.new_decoder()

    def reply_stream(self, call: ProviderCall[ChatCompletionRequest]) -> ReplyStream[ChatCompletionChunk]:
        """See ``StreamingOperation``."""
        return one_call_stream(chat.reply_stream(call), call.request)


@dataclass(frozen=True, slots=True)
class HostEmbeddings:
    """``embeddings`` in a host's dialect."""

    dialect: Dialect

    def upstream_request(self, call: ProviderCall[EmbeddingsRequest]) -> UpstreamRequest:
        """See ``Operation``."""
        return embeddings.upstream_request(call, self.dialect)

    def most_texts(self, model: str) -> int | None:
        """See ``EmbeddingsOperation``."""
        return embeddings.most_texts(model)

    def whole_reply(self, body: bytes, call: ProviderCall[EmbeddingsRequest]) -> EmbeddingList:
        """See ``Operation``."""
        return embeddings.whole_reply(body, call)


@dataclass(frozen=True, slots=True)
class HostImages:
    """``images`` in a host's dialect."""

    dialect: ImageDialect

    @property
    def FEATURES(self) -> MediaFeatures:  # noqa: N802 - as in ``ImageOperation``
        """See ``ImageOperation``."""
        return self.dialect.features

    def upstream_request(self, call: ProviderCall[ImagesRequest], index: int) -> UpstreamRequest:
        """See ``ImageOperation``."""
        return images.upstream_request(call, index, self.dialect)

    def picture(self, body: bytes, call: ProviderCall[ImagesRequest]) -> Media:
        """See ``ImageOperation``."""
        return images.picture(body, call, self.dialect)


def host(
    dialect: Dialect,
    address: str | None = None,
    *,
    has_completions: bool = True,
    has_embeddings: bool = True,
    image_dialect: ImageDialect | None = None,
) -> Provider:
    """The provider that a host is.

    Args:
        dialect: how it wants to be asked.
        address: its base URL, where it has one; a catalogue may give another.
        has_completions: whether it goes on with texts, at an endpoint of their own.
        has_embeddings: whether it makes vectors.
        image_dialect: how it wants to be asked for pictures; None where it makes none.
    """
    return Provider(
        address=address,
        failure=failures.failure,
        chat=HostChat(dialect),
        features=dialect.features,
        completions=completions if has_completions else None,
        embeddings=HostEmbeddings(dialect) if has_embeddings else None,
        models=models,
        images=None if image_dialect is None else HostImages(image_dialect),
    )
