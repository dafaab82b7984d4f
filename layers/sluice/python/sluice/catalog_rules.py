"""What the rows of a catalogue file mean together: mistakes end the start, doubts are told in the log.

Only the file is looked at. Rows of the models table come and go while requests are answered, so what makes no sense in
one of them is passed over there (see ``pipeline.live_catalog``).
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sluice.catalog import Catalog, ModelKind, ModelRow, Price

CAPABILITIES: Final = frozenset(
    {
        *("tools", "vision", "audio", "files", "json_schema", "logprobs"),
        *("reasoning", "dimensions", "completions", "system_messages"),
        *("thinking", "adaptive_thinking", "thinking_budget", "thinking_level"),
        *("thinking_minimal", "thinking_always", "nova_reasoning", "reasoning_effort"),
    }
)
"""All that a model may be said to be capable of; the head of the shipped catalogue says what each word means."""

STAND_INS: Final[Mapping["ModelKind", frozenset["ModelKind"]]] = {
    "chat": frozenset({"chat"}),
    "completion": frozenset({"completion", "chat"}),
    "embedding": frozenset(),
    "image": frozenset({"image"}),
    "video": frozenset({"video"}),
}
"""By a model's kind, the kinds of models that can answer in its place: vectors of two models do not mix."""


PIECES: Final[Mapping["ModelKind", str]] = {"image": "image", "video": "second"}
"""By a kind of model that is sold by the piece, what a piece is called in a price; all others are sold by the token."""

_SIZE: Final = re.compile(r"[1-9]\d*x[1-9]\d*")


def mistakes(catalog: "Catalog") -> Iterator[str]:
    """What cannot be meant, each as a sentence that names the model's id."""
    for row in catalog.models:
        if row.policy == "weighted" and row.candidates and not any(each.weight for each in row.candidates):
            yield f"model '{row.id}' is weighted, and all of its weights are 0"
        for name in row.fallbacks if STAND_INS[row.kind] else ():
            found = catalog.find(name)
            if found is row:
                yield f"model '{row.id}' is its own fallback"
            elif found is not None and found.kind not in STAND_INS[row.kind]:
                yield (
                    f"model '{row.id}' is of the kind '{row.kind}', "
                    f"for which its fallback '{name}', of the kind '{found.kind}', cannot answer"
                )


def doubts(catalog: "Catalog") -> Iterator[str]:
    """What is probably not meant, but can be: each as a sentence that names the model's id."""
    for row in catalog.models:
        yield from _of_terms(row)
        yield from _of_media(row)
        if row.fallbacks and not STAND_INS[row.kind]:
            yield f"model '{row.id}' is of the kind '{row.kind}', whose fallbacks are never asked"
        for name in row.fallbacks if STAND_INS[row.kind] else ():
            found = catalog.find(name)
            if found is None:
                yield f"model '{row.id}' has the fallback '{name}', which is not in the file"
            elif (end := _end_of(catalog, found)) is not None:
                yield (
                    f"model '{row.id}' has the fallback '{name}', which ends with the retirement of "
                    f"'{end.id}': that has no successor"
                )
        candidates = row.candidates
        if row.policy != "weighted" and any("weight" in each.model_fields_set for each in candidates):
            yield f"model '{row.id}' has weights, which its policy '{row.policy}' does not look at"
        unpriced = [each for each in candidates if each.price is None] if row.price is None else []
        if 0 < len(unpriced) < len(candidates):
            each = unpriced[0]
            yield (
                f"model '{row.id}' has a candidate without a price, '{each.model}' of '{each.provider}', "
                "beside one that has one"
            )


def _of_terms(row: "ModelRow") -> Iterator[str]:
    """A word that nothing here knows may be of a later version, or the operator's own; it does nothing."""
    unknown = frozenset[str]().union(*(each.capabilities for each in (row, *row.candidates))) - CAPABILITIES
    if unknown:
        words, known = ", ".join(sorted(unknown)), ", ".join(sorted(CAPABILITIES))
        yield f"model '{row.id}' has capabilities that mean nothing here: {words}; there are: {known}"
    places = [(each.provider, each.model) for each in row.candidates]
    for provider, model in dict.fromkeys(place for place in places if places.count(place) > 1):
        yield f"model '{row.id}' has the candidate '{model}' of '{provider}' more than once"


def _of_media(row: "ModelRow") -> Iterator[str]:
    """Prices and sizes that no request of the model's kind would come by."""
    piece = PIECES.get(row.kind)
    for terms in (row, *row.candidates):
        if terms.price is not None:
            for fault in dict.fromkeys(_of_price(terms.price, piece, terms.sizes or row.sizes)):
                yield f"model '{row.id}' is of the kind '{row.kind}', and {fault}"
        if terms.sizes and piece is None:
            yield f"model '{row.id}' is of the kind '{row.kind}', which has no sizes"
        if terms.seconds and piece != "second":
            yield f"model '{row.id}' is of the kind '{row.kind}', which has no seconds"
        for size in terms.sizes:
            if not _SIZE.fullmatch(size):
                yield f"model '{row.id}' has the size '{size}', which is no width and height, as 1024x1024 is"


def _of_price(price: "Price", piece: str | None, sizes: tuple[str, ...]) -> Iterator[str]:
    for other in PIECES.values():
        if other != piece and getattr(price, other) is not None:
            yield f"its price is told by the {other}"
    if piece is None:
        if price.variants:
            yield "its price has variants, which it cannot be asked for by"
        return
    if getattr(price, piece) is None:
        yield f"its price has no '{piece}'"
    for variant in price.variants:
        if getattr(variant, piece) is None:
            yield f"its price has a variant without '{piece}', which never counts"
        elif variant.size is None and variant.quality is None:
            yield "its price has a variant of neither size nor quality, which always counts"
        elif variant.size is not None and sizes and variant.size not in sizes:
            yield f"its price has a variant of the size '{variant.size}', which it has not"


def _end_of(catalog: "Catalog", row: "ModelRow") -> "ModelRow | None":
    """The model with which a succession comes to its end; None where one is there that stays."""
    while row.successor is not None and (successor := catalog.find(row.successor)) is not None:
        row = successor
    return None if row.retired is None else row
