"""Who has answered, told in the reply's headers; of a failure, who was asked."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence

from sluice.money import format_usd
from sluice.observability import Try
from sluice.pipeline.reply import Reply, WholeReply
from sluice.pipeline.route import PROVIDER
from sluice.stores.kept_replies import KeptReply
from sluice.wire.header_text import header_text

ATTEMPTS = "x-sluice-attempts"
"""How many times a provider was asked."""
MODEL = "x-sluice-model"
"""The model that has answered, where it is not the one that was asked for."""
COST = "x-sluice-cost"
"""What a whole reply costs, in USD. What a stream will cost is not known when its headers leave."""
MAX_TOKENS = "x-sluice-max-tokens"
"""Tells a client that set no output limit which one its key's limits made of it."""

type Headers = MutableMapping[str, str]


def tell_limit(headers: Headers, output_tokens: int | None) -> None:
    """Tell of the output limit that was filled in for the leg which is asked now, if one was."""
    if output_tokens is None:
        headers.pop(MAX_TOKENS, None)
    else:
        headers[MAX_TOKENS] = str(output_tokens)


def tell_attempts(headers: Headers, tries: Sequence[Try]) -> None:
    """Tell who was asked so far."""
    headers[ATTEMPTS] = str(len(tries))
    headers[PROVIDER] = ", ".join(_names(tries))


def tell_answer(headers: Headers, tries: Sequence[Try], model: str | None, reply: Reply) -> Mapping[str, str]:
    """Tell that the last one asked has answered, and which model in the place of the one asked for.

    Returns:
        What is true of the reply however often it is given.
    """
    lasting = {PROVIDER: header_text(tries[-1].provider)}
    if model is not None:
        lasting[MODEL] = header_text(model)
    headers.update(lasting)
    headers[ATTEMPTS] = str(len(tries))
    if isinstance(reply, WholeReply) and reply.cost is not None:
        headers[COST] = format_usd(reply.cost)
    return lasting


def tell_repeated(headers: Headers, kept: KeptReply, reply: Reply) -> None:
    """Tell of a reply that was made for an earlier request: nobody was asked for this one, and it costs nothing."""
    headers.update(kept.headers)
    headers[ATTEMPTS] = "0"
    if isinstance(reply, WholeReply):
        headers[COST] = format_usd(0)


def _names(tries: Sequence[Try]) -> Iterable[str]:
    return dict.fromkeys(header_text(each.provider) for each in tries)
