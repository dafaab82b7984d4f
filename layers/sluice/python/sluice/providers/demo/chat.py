"""Chat with the demo model: OpenAI's format, for an address that this process answers itself."""

from collections.abc import Mapping
from dataclasses import replace

from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import UnsupportedParameterError
from sluice.providers.contract import ProviderCall, UpstreamRequest
from sluice.providers.demo.chat_answers import answer
from sluice.providers.openai import chat as openai

STREAM_CONTENT_TYPE = openai.STREAM_CONTENT_TYPE
new_decoder = openai.new_decoder
whole_reply = openai.whole_reply
reply_stream = openai.reply_stream

_UNSUPPORTED: Mapping[str, tuple[object, ...]] = {
    "audio": (None, False),
    "modalities": (None, [], ["text"]),
    "prediction": (None, False),
}
"""Members, and the values with which they ask for nothing."""


def upstream_request(call: ProviderCall[ChatCompletionRequest]) -> UpstreamRequest:
    """The request as OpenAI's format has it, for this process's own address.

    Raises:
        UnsupportedParameterError: the demo model cannot do what is asked.
        InvalidRequestError: the conversation is longer than it reads.
    """
    request = call.request
    members = request.model_extra or {}
    for member, nothing in _UNSUPPORTED.items():
        if members.get(member) not in nothing:
            raise UnsupportedParameterError(f"The demo model does not support '{member}'.", param=member)
    answer(request)
    return openai.upstream_request(replace(call, target=replace(call.target, credential=None)))
