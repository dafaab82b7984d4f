"""Bedrock's Converse and ConverseStream.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and …_ConverseStream.html.
"""

from typing import Any

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk, Choice
from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import UpstreamError
from sluice.providers.bedrock.conversation import conversation_of
from sluice.providers.bedrock.members import (
    MODEL_FIELDS,
    inference_config,
    output_config,
    own_members,
    top_k_field,
)
from sluice.providers.bedrock.replies import finish_reason, message_of
from sluice.providers.bedrock.requests import post
from sluice.providers.bedrock.stream import ConverseReplyStream
from sluice.providers.bedrock.thinking import effort_fields
from sluice.providers.bedrock.tools import tool_config
from sluice.providers.bedrock.usage import usage_of
from sluice.providers.contract import ProviderCall, ReplyStream, UpstreamRequest
from sluice.providers.one_call import one_call_of, one_call_stream
from sluice.providers.reading import parsed_object
from sluice.wire import eventstream

type Call = ProviderCall[ChatCompletionRequest]

STREAM_CONTENT_TYPE = eventstream.CONTENT_TYPE
new_decoder = eventstream.EventStreamDecoder


def upstream_request(call: Call) -> UpstreamRequest:
    """The conversation in Converse's shape, for the candidate's model."""
    request, target = call.request, call.target
    conversation = conversation_of(request.messages)
    own = own_members(request)
    effort = effort_fields(request.reasoning_effort, request.output_limit, target)
    body: dict[str, Any] = {"messages": conversation.messages}
    members = {
        **own,
        "system": conversation.system,
        "inferenceConfig": inference_config(request),
        "toolConfig": tool_config(request, tools_were_used=conversation.tools_were_used),
        "outputConfig": output_config(request),
        # What the client says itself counts for more.
        MODEL_FIELDS: effort | top_k_field(request, target.model) | own.get(MODEL_FIELDS, {}),
    }
    body |= {name: value for name, value in members.items() if value}
    operation = "converse-stream" if request.streams else "converse"
    return post(call, operation, body, streams=request.streams)


def whole_reply(body: bytes, call: Call) -> ChatCompletion:
    """A whole reply, under the name that the client asked for."""
    raw = parsed_object(body)
    match raw:
        case {"output": {"message": {"content": list(blocks)}}}:
            message = message_of(blocks)
        case _:
            raise UpstreamError("The provider answered without a message.")
    reply = ChatCompletion(
        id=call.id,
        created=int(call.now),
        model=call.request.model,
        choices=[Choice(index=0, message=message, finish_reason=finish_reason(raw.get("stopReason")))],
        usage=usage_of(raw.get("usage")),
    )
    return one_call_of(reply, call.request)


def reply_stream(call: Call) -> ReplyStream[ChatCompletionChunk]:
    """A translator for one streamed reply."""
    stream = ConverseReplyStream(call.id, int(call.now), call.request.model)
    return one_call_stream(stream, call.request)
