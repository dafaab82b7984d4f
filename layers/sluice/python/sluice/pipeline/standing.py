"""See that each reply to a known key tells what is left of its limits, one that refuses the request too."""

import contextlib
import time
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sluice.errors import OverloadedError, SluiceError
from sluice.pipeline.admit import Admission, Admitter
from sluice.pipeline.limits import limits_of
from sluice.pipeline.rate_limit_headers import rate_limit_headers
from sluice.stores.keys import KeyRecord


@dataclass(slots=True)
class Standing:
    """Puts the headers together, once."""

    key: KeyRecord
    headers: MutableMapping[str, str]
    admitter: Admitter
    told: bool = False

    def tell(self, admission: Admission) -> None:
        """Tell of a request that is admitted."""
        self.headers.update(rate_limit_headers(admission.limits, admission.counter, time.time()))
        self.told = True

    async def tell_unadmitted(self) -> None:
        """Tell of one that is not, by the counter as it was last seen; nothing, if it cannot be read."""
        if self.told:
            return
        with contextlib.suppress(OverloadedError):
            counter = await self.admitter.standing(self.key)
            self.headers.update(rate_limit_headers(limits_of(self.key), counter, time.time()))
            self.told = True


@asynccontextmanager
async def standing_of(
    key: KeyRecord, headers: MutableMapping[str, str], admitter: Admitter
) -> AsyncIterator[Standing]:
    """Have the limits told in ``headers``, whether the body tells them or fails before."""
    standing = Standing(key, headers, admitter)
    try:
        yield standing
    except SluiceError:
        await standing.tell_unadmitted()
        raise
