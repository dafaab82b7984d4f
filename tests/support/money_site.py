"""Gateways in processes of their own over one engine and one provider, with keys whose budgets they have to keep.

A request reserves ``HELD`` nano-USD. What it costs is in the test's hands: the provider reports the tokens that the
request itself names.
"""

import itertools
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from account import Account, until
from chat_client import http_client
from engines import Engine
from fault_proxy import FaultProxy
from faults import Judge, nothing_goes_wrong
from forked_gateway import ForkedGateway
from function_apps import FunctionName
from key_records import key_record
from made_settings import TABLE_VARIABLES
from mock_provider import MockProvider
from sluice.accounting.costs import Rates, TokenCount
from sluice.accounting.counter import Counter
from sluice.keys import new_id, new_secret
from sluice.stores.aws import AWS
from sluice.stores.counters import counter_of
from sluice.stores.keys import KeyStore

MODEL = "metered"
PROMPT_TOKENS = 100
"""The model reads no more, and the body of every request has more bytes: so this is the bound of a prompt."""
COMPLETION_TOKENS = 50

RATES = Rates(unit=1, input=1_000, cached=1_000, output=10_000, reasoning=10_000, cache_write=1_000)
"""The prices of the catalogue below, in nano-USD a token."""

CATALOG = """\
[providers.openai]
kind = "openai"
base_url = "{provider}/v1"
credential = "OPENAI_API_KEY"

[[models]]
id = "metered"
candidates = [{{ provider = "openai", model = "gpt-4o-mini" }}]
context_tokens = {context}
price = {{ input = "1", output = "10" }}

[[models]]
id = "metered-text"
kind = "completion"
candidates = [{{ provider = "openai", model = "gpt-3.5-turbo-instruct" }}]
context_tokens = {context}
price = {{ input = "1", output = "10" }}

[[models]]
id = "metered-embedding"
kind = "embedding"
candidates = [{{ provider = "openai", model = "text-embedding-3-small" }}]
context_tokens = {context}
price = {{ input = "1" }}
"""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider reports of a request."""

    prompt: int
    completion: int

    @property
    def cost(self) -> int:
        """In nano-USD."""
        return RATES.cost(TokenCount(self.prompt, self.completion))


ALL = Tokens(PROMPT_TOKENS, COMPLETION_TOKENS)
"""As much as a request can use."""
SOME = Tokens(20, 4)

HELD = ALL.cost
COST = SOME.cost
"""Of a request that uses ``SOME``: a tenth of what is held for it."""

ATTEMPT_SECONDS = 30.0
"""How long a gateway waits for an engine: longer than for DynamoDB, which is no process on a busy machine."""

COUNT = "UpdateItem CountersTable"
"""The call that admits, and the one that settles."""

_numbers = itertools.count(1)


def chat_body(
    account: Account, *, stream: bool = False, tokens: Tokens = SOME, behaviour: str = "ok"
) -> dict[str, Any]:
    """A request that uses so many tokens; the provider behaves in this way (``mock_faults.BEHAVIOURS``)."""
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": COMPLETION_TOKENS,
        "stream": stream,
        **_told(account, tokens, behaviour),
    }


def text_body(account: Account, *, stream: bool = False, tokens: Tokens = SOME) -> dict[str, Any]:
    """The same of text completions; the best of two answers is asked for where that can be, of half the length."""
    most, written = (1, COMPLETION_TOKENS) if stream else (2, COMPLETION_TOKENS // 2)
    return {
        "model": "metered-text",
        "prompt": "Hello",
        "best_of": most,
        "max_tokens": written,
        "stream": stream,
        **_told(account, tokens),
    }


def text_to_chat_body(account: Account, *, stream: bool = False, tokens: Tokens = SOME) -> dict[str, Any]:
    """The same of text completions by a chat model."""
    return {
        "model": MODEL,
        "prompt": "Hello",
        "max_tokens": COMPLETION_TOKENS,
        "stream": stream,
        **_told(account, tokens),
    }


def embeddings_body(account: Account, *, stream: bool = False, tokens: Tokens = SOME) -> dict[str, Any]:
    """The same of embeddings, which never stream and write nothing."""
    assert tokens.completion == 0
    return {"model": "metered-embedding", "input": "Hello", **_told(account, tokens)}


def _told(account: Account, tokens: Tokens, behaviour: str = "ok") -> dict[str, Any]:
    return {
        "user": f"{behaviour}/{account.id}",
        "metadata": {"prompt_tokens": str(tokens.prompt), "completion_tokens": str(tokens.completion)},
    }


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway's process, and the proxy that it calls everything through."""

    process: ForkedGateway
    proxy: FaultProxy

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self.process.url

    async def done_with(self, account: Account) -> None:
        """Wait until it has nothing more to do for an account's first request: it says so in its log."""

        async def done() -> bool:
            return account.id in self.process.log

        await until(done, self.process.log)


class MoneySite:
    """All that a test of money over HTTP needs.

    Args:
        engine: has the tables.
        aws: our client of it.
        provider: answers.
        client: asks.
        folder: takes catalogues and logs.
    """

    def __init__(
        self, engine: Engine, aws: AWS, provider: MockProvider, client: httpx.AsyncClient, folder: Path
    ) -> None:
        self.engine = engine
        self.client = client
        self._aws = aws
        self._keys = KeyStore(aws, "KeysTable")
        self._provider = provider
        self._folder = folder

    async def account(self, budget: int, **limits: Any) -> Account:
        """A new key with a budget of so many nano-USD."""
        secret = new_secret("key")
        record = key_record(secret, id=new_id(), budget_nano_usd=budget, budget_period="lifetime", **limits)
        await self._keys.put_new(record)
        return Account(secret, record, self._aws)

    def provided(self, account: Account) -> int:
        """How many requests of an account the provider has got."""
        return len(self._provider.containing(account.id))

    @asynccontextmanager
    async def gateway(
        self,
        judge: Judge = nothing_goes_wrong,
        *,
        attempt_seconds: float = ATTEMPT_SECONDS,
        settings: Mapping[str, str] | None = None,
        function: FunctionName = "chat",
    ) -> AsyncIterator[Gateway]:
        """Run a gateway while the context lasts.

        Args:
            judge: decides what goes wrong with its calls.
            attempt_seconds: how long it waits for a reply of the engine's.
            settings: variables of its environment.
            function: which one it serves.
        """
        name = f"gateway-{next(_numbers)}"
        catalog = self._folder / f"{name}.toml"
        provider = self._provider.url.removesuffix("/v1")
        async with AsyncExitStack() as stack:
            proxy = await stack.enter_async_context(FaultProxy(self.engine.endpoint.url, provider, judge))
            catalog.write_text(CATALOG.format(provider=proxy.url, context=PROMPT_TOKENS))
            environment = {
                **TABLE_VARIABLES,
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_REGION": self.engine.endpoint.region,
                "AWS_ENDPOINT_URL": proxy.url,
                "OPENAI_API_KEY": self._provider.credential,
                "SLUICE_CATALOG": str(catalog),
                "SLUICE_IP_RPM": "0",  # all tests come from one address
                "SLUICE_RETRIES": "0",
                **(settings or {}),
            }
            log = self._folder / f"{name}.txt"
            process = stack.enter_context(ForkedGateway(environment, log, attempt_seconds, function))
            yield Gateway(process, proxy)


@asynccontextmanager
async def money_site(engine: Engine, provider: MockProvider, folder: Path) -> AsyncIterator[MoneySite]:
    """A site while the context lasts."""
    with closing(AWS(engine.endpoint)) as aws:
        async with http_client() as client:
            yield MoneySite(engine, aws, provider, client, folder)


def counters_after_writes(gateway: Gateway, account: Account) -> Iterator[Counter]:
    """The counter of an account after each write that a gateway's process has made to it."""
    for result in gateway.proxy.results:
        if result.call.name == COUNT and result.status == 200 and result.call.mentions(account.id):
            yield counter_of(json.loads(result.body)["Attributes"])
