"""Vectors by the demo model: OpenAI's format, for an address that this process answers itself."""

from dataclasses import replace

from sluice.api.embeddings import EmbeddingsRequest
from sluice.providers.contract import ProviderCall, UpstreamRequest
from sluice.providers.demo.vectors import check
from sluice.providers.openai import embeddings as openai

whole_reply = openai.whole_reply
most_texts = openai.most_texts


def upstream_request(call: ProviderCall[EmbeddingsRequest]) -> UpstreamRequest:
    """The request as OpenAI's format has it, for this process's own address.

    Raises:
        InvalidRequestError: the demo model cannot do what is asked.
    """
    check(call.request)
    return openai.upstream_request(replace(call, target=replace(call.target, credential=None)))
