"""Text completions by the demo model: OpenAI's format, for an address that this process answers itself."""

from dataclasses import replace

from sluice.api.completion_request import CompletionRequest
from sluice.errors import UnsupportedParameterError
from sluice.providers.contract import ProviderCall, UpstreamRequest
from sluice.providers.demo.completion_answers import answers
from sluice.providers.openai import completions as openai

STREAM_CONTENT_TYPE = openai.STREAM_CONTENT_TYPE
new_decoder = openai.new_decoder
whole_reply = openai.whole_reply
reply_stream = openai.reply_stream


def upstream_request(call: ProviderCall[CompletionRequest]) -> UpstreamRequest:
    """The request as OpenAI's format has it, for this process's own address.

    Raises:
        UnsupportedParameterError: the demo model cannot do what is asked.
        InvalidRequestError: the prompts are longer than it reads.
    """
    if call.request.logprobs is not None:
        raise UnsupportedParameterError("The demo model does not support 'logprobs'.", param="logprobs")
    answers(call.request)
    return openai.upstream_request(replace(call, target=replace(call.target, credential=None)))
