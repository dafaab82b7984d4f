"""The catalogue's search engines: ``[search.<name>]``, asked for requests with ``search_enabled``."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sluice.money import DECIMALS, NANO_PER_USD

PricePerQuery = Annotated[
    Decimal, Field(ge=0, allow_inf_nan=False, max_digits=DECIMALS + 4, decimal_places=DECIMALS)
]
"""In USD, and no finer than a nano-USD, so that sums of such prices are whole."""


class SearchRow(BaseModel):
    """A search engine: its wire format, where it is, what lets the gateway in, and what a query costs.

    ``kind`` is a name of the engines' registry. Without a price, keys with a budget are refused ``search_enabled``;
    that an engine is free is said by ``price = "0"``. ``engine_id`` is Google's ``cx``.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: Annotated[str, Field(min_length=1)]
    base_url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    credential: Annotated[str, Field(min_length=1)] | None = None
    engine_id: Annotated[str, Field(min_length=1)] | None = None
    price: PricePerQuery | None = None
    enabled: bool = True

    @property
    def nano_price(self) -> int | None:
        """What a query costs in nano-USD; None where that is not known."""
        return None if self.price is None else int(self.price * NANO_PER_USD)
