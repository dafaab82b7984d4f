"""Values of request members that ask for what happens anyway.

Many clients send them unasked, LangChain a temperature of 1 to models that reason among them. Where a model's provider
refuses the member, it goes without: nothing is lost.
"""

from collections.abc import Mapping, Set

from sluice.api.model_request import ModelRequest

NEUTRAL: Mapping[str, object] = {
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "n": 1,
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "temperature": 1,
    "top_logprobs": 0,
    "top_p": 1,
}
"""By member, as OpenAI has its defaults; for any member null asks for nothing."""


def without_neutral[Request: ModelRequest](request: Request, refused: Set[str]) -> Request:
    """The request without those of the ``refused`` members that ask for nothing."""
    gone = {name for name in refused & request.model_fields_set if _is_neutral(name, getattr(request, name))}
    if not gone:
        return request
    changed = request.model_copy(update=dict.fromkeys(gone))
    changed.model_fields_set.difference_update(gone)  # what is not set is not sent
    return changed


def _is_neutral(name: str, value: object) -> bool:
    if value is None:
        return True
    neutral = NEUTRAL.get(name)  # a completion's logprobs of 0 are a wish, and no False
    return value == neutral and isinstance(value, bool) == isinstance(neutral, bool)
