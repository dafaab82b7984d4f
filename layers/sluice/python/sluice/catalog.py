"""The model catalogue: which models exist, who serves them, what they cost.

A TOML file ships with the package; ``SLUICE_CATALOG`` names one that replaces it. It is read once, when the gateway
is built, and is immutable from then on. Members this version does not know are kept aside and named in a warning.
"""

import datetime as dt
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sluice.catalog_rules import mistakes
from sluice.catalog_search import SearchRow
from sluice.catalog_videos import VideoService
from sluice.config import ConfigurationError

ModelKind = Literal["chat", "completion", "embedding", "image", "video"]
OutputLimit = Literal["max_tokens", "max_completion_tokens"]
Probe = Literal["list", "call", "none"]
Policy = Literal["priority", "weighted", "cheapest", "fastest"]
USD = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


UNKNOWN_OWNER = "unknown"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class ProviderRow(_Row):
    """A provider: its wire format, where it is, and the name of the credential it wants.

    ``kind`` is a name of the providers' registry. The credential ``aws`` is the function's own role.
    """

    kind: Annotated[str, Field(min_length=1)]
    base_url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    credential: Annotated[str, Field(min_length=1)] | None = None
    headers: Mapping[str, str] = {}
    discover: bool = True
    """Whether models that the provider lists, and this catalogue does not have, can be used as well."""
    probe: Probe = "list"
    """How its health is checked: by asking for its list of models, or by a request of one token for each of the models
    here or set by the operator, which costs their price. ``none`` leaves it to what becomes of real requests."""
    videos: VideoService | None = None
    """How it is asked for videos, where no package knows that."""


class LongPrice(_Row):
    """What tokens cost in a request whose prompt has more than ``above`` tokens; all of them, and not only the excess.

    A part without a price of its own costs what the whole costs, as in ``Price``.
    """

    above: Annotated[int, Field(gt=0)]
    input: USD
    cached_input: USD | None = None
    cache_write: USD | None = None
    audio_input: USD | None = None
    output: USD
    reasoning: USD | None = None


class PriceVariant(_Row):
    """What an image or a second of video costs in one size, of one quality, or both; None is any."""

    size: str | None = None
    quality: str | None = None
    image: USD | None = None
    second: USD | None = None


class Price(_Row):
    """USD per million tokens, per image or per second of video.

    ``cached_input``, ``cache_write`` and ``audio_input`` are parts of the input and ``reasoning`` is a part of the
    output that may have prices of their own. Of several prices for one thing, the dearest belongs here: by it budgets
    are kept. Only where the length of the prompt decides, ``long`` has the other ones.
    ``source`` is the page that the prices were taken from, or says that they were set here; ``as_of`` is the day.
    """

    input: USD | None = None
    cached_input: USD | None = None
    cache_write: USD | None = None
    audio_input: USD | None = None
    output: USD | None = None
    reasoning: USD | None = None
    long: LongPrice | None = None
    image: USD | None = None
    second: USD | None = None
    variants: tuple[PriceVariant, ...] = ()
    """Prices of an image or a second that depend on what is asked for: the first one that fits counts, and where none
    does, ``image`` or ``second``."""
    source: str | None = None
    as_of: dt.date | None = None


class _Terms(_Row):
    """What a model's row says for all of its candidates, and a candidate for itself alone."""

    context_tokens: Annotated[int, Field(gt=0)] | None = None
    output_tokens: Annotated[int, Field(gt=0)] | None = None
    image_tokens: Annotated[int, Field(gt=0)] | None = None
    """What one picture in a prompt counts for at most."""
    added_tokens: Annotated[int, Field(gt=0)] | None = None
    """What the provider adds to each prompt at most: a system prompt of its own, instructions on tools."""
    output_limit: OutputLimit | None = None
    """The one request member in which the provider takes an output limit; None where it takes either."""
    price: Price | None = None
    capabilities: frozenset[str] = frozenset()
    unsupported_parameters: frozenset[str] = frozenset()
    """Request members that the provider takes for other models, but refuses for this one."""
    seconds: tuple[Annotated[int, Field(gt=0)], ...] = ()
    """How long a video may be, the length first that it has where the client names none; empty for any length."""
    sizes: tuple[str, ...] = ()
    """Sizes of an image or a video, the one first that it has where the client names none; empty for any size."""


class Candidate(_Terms):
    """One way to have a model answered: a provider and the id the model has there.

    What it says of limits, price and capabilities counts in place of what the model's row says.
    """

    provider: str
    model: Annotated[str, Field(min_length=1)]
    weight: Annotated[int, Field(ge=0)] = 1
    """Its share of the requests, under the policy ``weighted``."""


class ModelRow(_Terms):
    """A model that clients can ask for."""

    id: Annotated[str, Field(min_length=1)]
    aliases: tuple[str, ...] = ()
    kind: ModelKind = "chat"
    retired: dt.date | None = None
    """The day from which (UTC) its provider serves it no more; it may be to come."""
    successor: str | None = None
    """The model that answers from then on, at its own price and within its own limits."""
    candidates: tuple[Candidate, ...] = Field(default=(), validate_default=True)
    """Who answers, until it is retired."""
    policy: Policy = "priority"
    """Which candidate is asked first; the others follow where it fails."""
    fallbacks: tuple[str, ...] = ()
    """Models that answer, in this order, where no candidate does."""
    created: Annotated[int, Field(ge=0)] = 0
    owned_by: str | None = None

    @field_validator("candidates")
    @classmethod
    def _somebody_answers(
        cls, candidates: tuple[Candidate, ...], info: ValidationInfo
    ) -> tuple[Candidate, ...]:
        if not candidates and info.data.get("retired") is None:
            raise ValueError("a model that is not retired needs a candidate")
        return candidates

    @property
    def names(self) -> tuple[str, ...]:
        """All names that it goes by, its id first."""
        return (self.id, *self.aliases)

    @property
    def owner(self) -> str:
        """Who stands behind the model, for the models list."""
        return self.owned_by or (self.candidates[0].provider if self.candidates else UNKNOWN_OWNER)

    def is_retired(self, today: dt.date) -> bool:
        """Whether its provider serves it no more; one without a candidate nobody serves, whatever the day."""
        return not self.candidates or (self.retired is not None and self.retired <= today)

    def served_by(self, candidate: Candidate) -> "ModelRow":
        """The row as one candidate has it: with the terms that the candidate sets for itself."""
        own = {name: getattr(candidate, name) for name in candidate.model_fields_set & _TERMS}
        return self.model_copy(update=own) if own else self


_TERMS = frozenset(_Terms.model_fields)


class Catalog(_Row):
    """All providers and models, and the search engines."""

    providers: Mapping[str, ProviderRow]
    models: tuple[ModelRow, ...] = ()
    search: Mapping[str, SearchRow] = {}

    @model_validator(mode="after")
    def _is_consistent(self) -> "Catalog":
        names: set[str] = set()
        for row in self.models:
            for name in row.names:
                if name in names:
                    raise ValueError(f"the model id or alias '{name}' is given twice")
                names.add(name)
            for candidate in row.candidates:
                if candidate.provider not in self.providers:
                    known = ", ".join(self.providers) or "none"
                    raise ValueError(
                        f"model '{row.id}' names the unknown provider '{candidate.provider}'; there are: {known}"
                    )
        for row in self.models:
            self._check_succession(row)
        return self

    def _check_succession(self, row: ModelRow) -> None:
        if row.successor is None:
            return
        if row.retired is None:
            raise ValueError(f"model '{row.id}' has a successor, but no day on which it is retired")
        passed = {row.id}
        while row.successor is not None:
            successor = self.find(row.successor)
            if successor is None:
                raise ValueError(f"model '{row.id}' names the unknown successor '{row.successor}'")
            if successor.id in passed:
                raise ValueError(f"model '{row.id}' is its own successor")
            passed.add(successor.id)
            row = successor

    @cached_property
    def _by_name(self) -> dict[str, ModelRow]:
        return {name: row for row in self.models for name in row.names}

    def find(self, name: str) -> ModelRow | None:
        """The model of that id or alias."""
        return self._by_name.get(name)

    def in_service(self, row: ModelRow, today: dt.date) -> ModelRow | None:
        """The model itself, or, once it is retired, the one that has succeeded it; None where there is none."""
        while row.is_retired(today):
            successor = None if row.successor is None else self.find(row.successor)
            if successor is None:
                return None
            row = successor
        return row

    def extended(self, rows: Iterable[ModelRow]) -> "Catalog":
        """The same with more models; one whose id is taken, or whose provider is unknown here, is left out.

        An alias that is taken is left out as well: by a model here, by any id, or by a row before its own.
        """
        new: dict[str, ModelRow] = {}
        for row in rows:
            if row.id not in self._by_name and all(
                each.provider in self.providers for each in row.candidates
            ):
                new.setdefault(row.id, row)
        names = {*self._by_name, *new}
        models = list(self.models)
        for row in new.values():
            aliases = tuple(alias for alias in row.aliases if alias not in names)
            names.update(aliases)
            models.append(row if aliases == row.aliases else row.model_copy(update={"aliases": aliases}))
        return Catalog.model_construct(providers=self.providers, models=tuple(models), search=self.search)

    def unknown_members(self) -> Iterator[str]:
        """Members that this version does not know, as dotted paths: misspelt, or of a later version."""
        rows: list[tuple[str, BaseModel]] = [("", self)]
        rows += [(f"providers.{name}.", row) for name, row in self.providers.items()]
        rows += [(f"search.{name}.", row) for name, row in self.search.items()]
        rows += [(f"models.{row.id}.", row) for row in self.models]
        for row in self.models:
            rows += _prices(f"models.{row.id}.", row)
            for number, candidate in enumerate(row.candidates):
                place = f"models.{row.id}.candidates.{number}."
                rows += [(place, candidate), *_prices(place, candidate)]
        return (prefix + member for prefix, row in rows for member in row.model_extra or {})


def _prices(place: str, terms: _Terms) -> Iterator[tuple[str, BaseModel]]:
    """The objects that a price is made of, each with its place in the file."""
    if terms.price is not None:
        yield place + "price.", terms.price
        if terms.price.long is not None:
            yield place + "price.long.", terms.price.long
        for number, variant in enumerate(terms.price.variants):
            yield f"{place}price.variants.{number}.", variant


def load_catalog(path: Path | None = None) -> Catalog:
    """Read the catalogue at ``path``, or the shipped one.

    Raises:
        ConfigurationError: the file cannot be read, is not TOML or breaks a rule; the message names file and member.
    """
    source = path if path is not None else resources.files("sluice") / "catalog.toml"
    try:
        content = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"the catalogue {source} cannot be read: {error}") from error
    try:
        catalog = Catalog.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"the catalogue {source} is wrong{fault_of(error, content)}") from error
    for mistake in mistakes(catalog):
        raise ConfigurationError(f"the catalogue {source} is wrong: {mistake}")
    return catalog


def fault_of(error: ValidationError, content: Mapping[str, Any]) -> str:
    """The first thing that is wrong, after its place where it has one; a model's place is told by its id."""
    fault = error.errors(include_url=False)[0]
    own = fault.get("ctx", {}).get(
        "error"
    )  # what a rule of this module has raised, without pydantic's preface
    words = fault["msg"] if own is None else str(own)
    place = ".".join(_named(fault["loc"], content))
    return f" at '{place}': {words}" if place else f": {words}"


def _named(place: Sequence[int | str], content: Mapping[str, Any]) -> Iterator[str]:
    match place:
        case ["models", int(number), *rest]:
            row = content["models"][number]
            name = row.get("id") if isinstance(row, dict) else None
            place = ["models", name if isinstance(name, str) and name else number, *rest]
        case _:
            pass
    return map(str, place)
