"""sluice models: which models there are beside the catalogue file's, and what they cost."""

import asyncio
import time
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from sluice.catalog import ModelRow, fault_of, load_catalog
from sluice.cli.current_models import current_models
from sluice.cli.models_rendering import model_object, models_table, price_object
from sluice.cli.rendering import as_json, say
from sluice.cli.target import JSON, Local, Stack, State, Stores, target_of
from sluice.local.state import DIRECTORY
from sluice.pipeline.live_catalog import Current, utc_today
from sluice.pipeline.model_status import status_list
from sluice.stores.model_items import Members

app = typer.Typer(no_args_is_help=True, help="List models, and set what they cost.")

ServedKind = Literal["chat", "completion", "embedding", "image", "video"]
"""The kinds of models that an endpoint takes."""

Model = Annotated[str, typer.Argument(metavar="ID", help="The model's id.")]


class UnknownModelError(Exception):
    """A model that this command can do nothing with; the message says why."""


def price(text: str) -> str:
    """USD per million tokens, per image or per second, as a decimal."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise typer.BadParameter(f"{text!r} is no price: a number of USD, such as 0.15")
    return format(amount, "f")


Price = typer.Option(parser=price, metavar="USD", help="Per million tokens.")
PiecePrice = typer.Option(parser=price, metavar="USD", help="Per image, or per second of video.")


@app.command("list", short_help="Show all models, and how they are.")
def list_models(
    local: Local = False, stack: Stack = None, state: State = DIRECTORY, json: JSON = False
) -> None:
    """Show all models, who answers, where each comes from, its price and how it is."""

    async def read() -> Current:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            return await current_models(stores)

    current = asyncio.run(read())
    states = {row.model_id: row for row in status_list(current, time.time()).data}
    rows = [
        model_object(row, states[row.id], current.snapshot)
        for row in current.catalog.models
        if row.id in states  # all but those that are retired and have no successor
    ]
    say(as_json(rows) if json else models_table(rows, utc_today().isoformat()))


@app.command("set", short_help="Set a model's price, or add a model.")
def set_model(
    model: Model,
    provider: Annotated[
        str | None, typer.Option(metavar="NAME", help="The catalogue's provider, for a model that you add.")
    ] = None,
    upstream: Annotated[
        str | None, typer.Option(metavar="ID", help="The provider's id of it, where that is another one.")
    ] = None,
    kind: Annotated[ServedKind | None, typer.Option(help="What the model is for.")] = None,
    alias: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Another name; may be repeated.")
    ] = None,
    input_price: Annotated[str | None, Price] = None,
    cached_input_price: Annotated[str | None, Price] = None,
    output_price: Annotated[str | None, Price] = None,
    image_price: Annotated[str | None, PiecePrice] = None,
    second_price: Annotated[str | None, PiecePrice] = None,
    context_tokens: Annotated[int | None, typer.Option(min=1, metavar="N", help="How much it reads.")] = None,
    output_tokens: Annotated[int | None, typer.Option(min=1, metavar="N", help="How much it writes.")] = None,
    local: Local = False,
    stack: Stack = None,
    state: State = DIRECTORY,
    json: JSON = False,
) -> None:
    """Set what a model beside the catalogue file is and costs; what is not named here stays as it was set."""
    prices = {
        "input": input_price,
        "cached_input": cached_input_price,
        "output": output_price,
        "image": image_price,
        "second": second_price,
    }
    given = {
        "kind": kind,
        "aliases": alias or None,
        "context_tokens": context_tokens,
        "output_tokens": output_tokens,
        "price": {name: each for name, each in prices.items() if each is not None} or None,
    }
    members: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if provider is not None:
        members["candidates"] = [{"provider": provider, "model": upstream or model}]
    elif upstream is not None:
        raise typer.BadParameter("goes with --provider", param_hint="'--upstream'")
    if not members:
        raise typer.BadParameter("say what is to be set")

    async def write() -> dict[str, Any]:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            return await _set(stores, model, members)

    row = asyncio.run(write())
    say(as_json(row) if json else f"{model} is set.")


@app.command(short_help="Take back what was set of a model.")
def forget(
    model: Model, local: Local = False, stack: Stack = None, state: State = DIRECTORY, json: JSON = False
) -> None:
    """Take back what was set of a model; one that no provider lists is gone then."""

    async def write() -> None:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            stored = (await stores.models.read(consistent=True)).models.get(model)
            if stored is None or not (stored.own or stored.gone_at):
                raise UnknownModelError(f"nothing was set of a model {model!r}")
            await stores.models.forget(model)

    asyncio.run(write())
    say(as_json({"id": model, "forgotten": True}) if json else f"{model} is forgotten.")


async def _set(stores: Stores, model: str, members: Members) -> dict[str, Any]:
    """Write what was set before, and now; the model's row as JSON has it.

    Raises:
        UnknownModelError: the file has the model, or nobody has said who serves it, or the row would make no sense.
    """
    current = await current_models(stores)
    file = load_catalog(stores.catalog)
    taken = file.find(model)
    if taken is not None:
        raise UnknownModelError(f"{model!r} is in the catalogue file: change it there")
    stored = current.snapshot.models.get(model)
    own = {**(stored.own if stored else {}), **members}
    if stored is not None and "price" in members:
        own["price"] = {**stored.own.get("price", {}), **members["price"]}
    try:
        row = ModelRow.model_validate({**(stored.found if stored else {}), **own, "id": model})
    except ValidationError as error:
        if stored is None and "candidates" not in own:
            raise UnknownModelError(
                f"there is no model {model!r}: say with --provider who serves it"
            ) from error
        raise UnknownModelError(f"the model would be wrong{fault_of(error, {})}") from error
    if not file.extended([row]).find(model):
        names = ", ".join(file.providers)
        raise UnknownModelError(
            f"the catalogue has no provider {row.candidates[0].provider!r}; there are: {names}"
        )
    for alias in members.get("aliases", ()):
        other = current.catalog.find(alias)
        if other is not None and other.id != model:
            raise UnknownModelError(f"{alias!r} is a name of {other.id!r} already")
    await stores.models.set_own(model, own)
    candidates = [each.model_dump(mode="json", exclude_unset=True) for each in row.candidates]
    shown = row.model_dump(mode="json", exclude_none=True)
    if row.price is not None:
        shown["price"] = price_object(row.price)
    return {**shown, "candidates": candidates}
