"""Web search for a conversation: which engines, what it costs at most, what they found, what the model is told.

    plan = await planned(…)          before admission: what is searched for, where, and for how much
    found = await searched(…)        once the request is admitted: all engines at once
    request = found.told(request)    what the model reads; ``found.cost`` and ``found.members`` are the reply's

An engine that fails is done without. Only if all of them fail, the request does; then nothing is charged for it.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sluice.api.chat_request import ChatCompletionRequest
from sluice.catalog import Catalog
from sluice.catalog_search import SearchRow
from sluice.config import ConfigurationError
from sluice.errors import (
    InvalidRequestError,
    OverloadedError,
    SluiceError,
    UnsupportedParameterError,
    UpstreamError,
    UpstreamTimeoutError,
)
from sluice.observability import logger
from sluice.pipeline.call import body_of, expired
from sluice.pipeline.route import CredentialSource, is_local
from sluice.search.contract import Engine, SearchAccess, SearchResult
from sluice.search.failures import failure
from sluice.search.fence import BOUNDARY_LENGTH, MOST_BYTES, fitting, informed
from sluice.search.merge import MOST_RESULTS, Source, merged
from sluice.search.query import query_of
from sluice.search.registry import engine_of
from sluice.stores.aws import AWSError
from sluice.upstream.client import Upstream, UpstreamResponse

PARAM = "search_enabled"

MOST_REPLY_BYTES = 1024 * 1024
"""Of an engine's reply: more than any page of results."""


class Asked(NamedTuple):
    """An engine that is set up."""

    name: str
    engine: Engine
    access: SearchAccess
    price: int | None
    """Of a query, in nano-USD."""


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """A search that a request asks for, before it is made."""

    query: str
    engines: Sequence[Asked]

    @property
    def cost(self) -> int:
        """The most that it takes, in nano-USD: what it costs if all engines answer."""
        return sum(asked.price or 0 for asked in self.engines)

    @property
    def added_bytes(self) -> int:
        """The most that it adds to the prompt, in UTF-8, whatever is found."""
        return MOST_BYTES


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found.

    Attributes:
        sources: what the model and the client are told of, in the order of its numbers.
        searches: how many engines answered.
        cost: what those cost, in nano-USD.
        boundary: of the fence, drawn once the pages were written, so that none can know it.
    """

    sources: Sequence[Source]
    searches: int
    cost: int
    boundary: str

    def told(self, request: ChatCompletionRequest) -> ChatCompletionRequest:
        """The request as the model gets it, with what was found."""
        return informed(request, self.sources, self.boundary)

    @property
    def members(self) -> dict[str, Any]:
        """What the reply tells the client, as members of its own."""
        rows = [
            {"url": each.url, "context": each.text or each.title, "source_from": each.source}
            for each in self.sources
        ]
        return {"search_result": rows}


async def planned(
    catalog: Catalog, credentials: CredentialSource, request: ChatCompletionRequest, *, bounded: bool
) -> SearchPlan | None:
    """The search that a request asks for; None if it asks for none.

    Args:
        catalog: the file's, with its engines.
        credentials: the engines' as well.
        request: as it was understood.
        bounded: whether the key has a budget, which what has no price cannot be held against.

    Raises:
        UnsupportedParameterError: no engine is set up, or one of them has no price.
        InvalidRequestError: there is nothing to search for.
        OverloadedError: no engine's credential could be read.
    """
    if not request.search_enabled:
        return None
    engines = await _set_up(catalog, credentials)
    if not engines:
        raise UnsupportedParameterError("No search engine is configured.", param=PARAM)
    if bounded:
        for asked in engines:
            if asked.price is None:
                raise UnsupportedParameterError(
                    f"An API key with a budget may not use '{PARAM}': the gateway's catalogue has no price for "
                    f"the search engine '{asked.name}'.",
                    param=PARAM,
                )
    query = query_of(request.messages)
    if not query:
        raise InvalidRequestError(
            f"With '{PARAM}' a user's message has to have a text: it is what is searched for.", param=PARAM
        )
    return SearchPlan(query, engines)


async def searched(upstream: Upstream, plan: SearchPlan, deadline: float, seconds: float) -> Found:
    """Ask all engines at once, and merge what comes in time.

    Args:
        upstream: the way to them.
        plan: as it was made before.
        deadline: the request's own, by the loop's clock.
        seconds: how long the engines have.

    Raises:
        OutOfTimeError: the request's own time is over.
        OverloadedError: all engines fail, for the time being.
        UpstreamError: all engines fail.
    """
    clock = asyncio.get_running_loop().time
    until = min(deadline, clock() + seconds)
    async with asyncio.TaskGroup() as group:
        tasks = [
            (asked, group.create_task(_answer(upstream, asked, plan.query, until))) for asked in plan.engines
        ]
    answers = [(asked, task.result()) for asked, task in tasks]
    found = [(asked, answer) for asked, answer in answers if not isinstance(answer, SluiceError)]
    if not found:
        if clock() >= deadline:
            raise expired()
        raise _failure([answer for _, answer in answers if isinstance(answer, SluiceError)])
    return Found(
        sources=fitting(merged((asked.engine.source, answer) for asked, answer in found)),
        searches=len(found),
        cost=sum(asked.price or 0 for asked, _ in found),
        boundary=secrets.token_hex(BOUNDARY_LENGTH // 2),
    )


async def _set_up(catalog: Catalog, credentials: CredentialSource) -> list[Asked]:
    """The engines that can be asked; one whose credential cannot be read is done without, if there are others."""
    rows = {name: row for name, row in catalog.search.items() if row.enabled}
    found = await asyncio.gather(*(_asked(name, row, credentials) for name, row in rows.items()))
    engines = [each for each in found if isinstance(each, Asked)]
    failures = [each for each in found if isinstance(each, OverloadedError)]
    if failures and not engines:
        raise failures[0]
    return engines


async def _asked(name: str, row: SearchRow, credentials: CredentialSource) -> Asked | OverloadedError | None:
    engine = engine_of(row.kind)
    base_url = row.base_url or engine.address or ""
    try:
        credential = await credentials.get(row.credential) if row.credential else None
    except OverloadedError as error:
        logger.warning("search engine %s is not asked: its credential could not be read", name)
        return error
    except (ConfigurationError, AWSError):
        logger.exception("the credential of search engine %s cannot be used", name)
        return None
    if row.credential and credential is None and not is_local(base_url):
        return None
    secret = credential if isinstance(credential, str) else None
    return Asked(name, engine, SearchAccess(base_url, secret, row.engine_id or ""), row.nano_price)


async def _answer(
    upstream: Upstream, asked: Asked, query: str, until: float
) -> Sequence[SearchResult] | SluiceError:
    """What an engine found, or how it failed, which is in the log."""
    try:
        return await _results(upstream, asked, query, until)
    except SluiceError as error:
        log = logger.error if error.retriable is False else logger.warning
        status = f" (status {error.upstream_status})" if error.upstream_status is not None else ""
        log("search engine %s failed: %s%s", asked.name, error.message, status)
        return error


async def _results(upstream: Upstream, asked: Asked, query: str, until: float) -> Sequence[SearchResult]:
    request = asked.engine.search_request(query, asked.access, MOST_RESULTS)
    try:
        async with asyncio.timeout_at(until), upstream.send(request) as response:
            if response.status != 200:
                raise _refusal(response)
            return asked.engine.results(
                await body_of(response, MOST_REPLY_BYTES, "The search engine's reply is too large.")
            )
    except TimeoutError as error:
        raise UpstreamTimeoutError("The search engine did not answer in time.") from error


def _refusal(response: UpstreamResponse) -> SluiceError:
    error = failure(response.status, response.headers)
    error.upstream_status = response.status
    return error


def _failure(failures: Sequence[SluiceError]) -> SluiceError:
    """What the failures of all engines are together; busy ones may be free again soon."""
    waits = [error.retry_after or 0 for error in failures if isinstance(error, OverloadedError)]
    if waits:
        return OverloadedError("The web search failed: its engines are busy.", retry_after=min(waits))
    return UpstreamError("The web search failed: no search engine answered.")
