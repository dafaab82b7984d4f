"""What a key with a budget may ask for: only what the catalogue's prices put a bound to.

Members that are not named here reach providers of OpenAI's format unchanged, as always. A host that charges apart for
another one is one for a row of this table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sluice.accounting.costs import rates_of_model
from sluice.api.shapes import RequestShape
from sluice.catalog import ModelRow
from sluice.errors import ModelNotAllowedError, UnsupportedParameterError


@dataclass(frozen=True, slots=True)
class _Charge:
    """Why a request member may cost more than is held, and the values with which it does not."""

    reason: str
    harmless: Sequence[object] = ()


_ANSWERS = "more answers are written, and billed, than are returned"
_SEARCH = "searches are billed apart from tokens"
_OTHER_OUTPUT = "replies in sound or pictures have prices of their own"
_OTHER_LIMIT = "it may stand in for max_tokens, which is what is held for"
_OTHER_PRICE = "who answers then may have another price"

_NOTHING = (None, False)

CHARGES: Mapping[str, _Charge] = {
    "additionalModelRequestFields": _Charge(
        _OTHER_LIMIT, harmless=({},)
    ),  # Bedrock: Llama's max_gen_len, for one
    "audio": _Charge(_OTHER_OUTPUT),
    "best_of": _Charge(_ANSWERS, harmless=(1,)),  # vLLM
    "enable_search": _Charge(_SEARCH),  # Alibaba
    "guardrailConfig": _Charge("guardrails are billed apart from tokens", harmless=({},)),  # Bedrock
    "modalities": _Charge(_OTHER_OUTPUT, harmless=([], ["text"])),
    "max_completion_tokens": _Charge(_OTHER_LIMIT),  # of a completion; chat has it
    "n_predict": _Charge(_OTHER_LIMIT),  # llama.cpp, before max_tokens
    "performanceConfig": _Charge("what answers faster has another price", harmless=({},)),  # Bedrock
    "plugins": _Charge(_SEARCH),  # OpenRouter
    "prediction": _Charge("what does not come true of a prediction is billed as output, beside max_tokens"),
    "provider": _Charge(_OTHER_PRICE, harmless=({},)),  # OpenRouter
    "search_parameters": _Charge(_SEARCH),  # xAI
    "service_tier": _Charge("other tiers have other prices", harmless=("auto", "default", "flex")),
    "use_beam_search": _Charge(_ANSWERS),  # vLLM
    "web_search_options": _Charge(_SEARCH),
}
"""By member. Null and false ask for nothing. The tier ``flex`` is billed by its provider at less than is charged here;
``auto``, which is also the tier of a request that names none, is what the operator has set at the provider."""


def check_billable(request: RequestShape, row: ModelRow, provider: str | None = None) -> None:
    """Refuse what a key with a budget may not ask for.

    Args:
        request: it.
        row: the model's, as the candidate has it.
        provider: the candidate's, where the client wants that and no other; it may be the only one without a price.

    Raises:
        ModelNotAllowedError: the model has no price. Neither the request nor the model is at fault, only this key and
            this model do not go together.
        UnsupportedParameterError: a member of the request may cost more than its tokens.
    """
    if rates_of_model(row) is None:
        raise unpriced(row, provider)
    check_members(request)


def unpriced(row: ModelRow, provider: str | None = None) -> ModelNotAllowedError:
    """The refusal of a model, or of a provider's, that has no price; see ``check_billable``."""
    at, other = (f" at the provider '{provider}'", "provider") if provider else ("", "model")
    return ModelNotAllowedError(
        f"This API key has a budget, which cannot be kept with the model '{row.id}'{at}: the gateway's catalogue "
        f"has no full price for it. Use another {other}, or ask the gateway's operator for a price.",
        param="model",
    )


def check_members(request: RequestShape) -> None:
    """Refuse members that may cost more than what is held for.

    Raises:
        UnsupportedParameterError: naming the member.
    """
    for member, value in (request.model_extra or {}).items():
        charge = CHARGES.get(member)
        if charge is not None and value not in _NOTHING and value not in charge.harmless:
            raise UnsupportedParameterError(
                f"An API key with a budget may not use '{member}' in this way: {charge.reason}.", param=member
            )
