"""What functions call of AWS, read of their variables and use of their settings, each under the function's name."""

import json
import types
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Self

import botocore.client
import pytest

import sluice.config
from needed_permissions import NO_KEYS, Permission, of_bedrock, of_json_protocol, of_s3
from sluice.config import PREFIX, EnvironmentSettings
from sluice.providers.contract import UpstreamRequest
from sluice.stores.aws import AWS
from sluice.stores.connections import Connections, Reply
from sluice.stores.s3 import BucketClient
from sluice.upstream.client import HTTPUpstream
from watching import Environments, running

_FORGETFUL: ContextVar[bool] = ContextVar("forgetful", default=False)
_SIGNED_FOR_BEDROCK = "/bedrock/aws4_request"


@dataclass(frozen=True, slots=True, order=True)
class Needed:
    """A permission that a call needs.

    Attributes:
        function: who makes the call.
        action: IAM's name.
        arn: on what.
        keys: the partition keys of the items there.
    """

    function: str
    action: str
    arn: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Variable:
    """A variable, and a function that reads it, or uses what it says."""

    function: str
    name: str


@dataclass(frozen=True)
class Recording:
    """What was seen of all functions in their journeys.

    Attributes:
        needed: the permissions that they needed.
        read: the variables that they have asked for.
        used: those whose values something has made use of.
        required: those without which their settings cannot be made.
        names: what resources of the template were called there.
    """

    needed: frozenset[Needed]
    read: frozenset[Variable]
    used: frozenset[Variable]
    required: frozenset[Variable]
    names: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        """For another process."""
        rows = {
            name: sorted([getattr(row, part) for part in row.__slots__] for row in getattr(self, name))
            for name in ("needed", "read", "used", "required")
        }
        return json.dumps(rows | {"names": dict(self.names)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What another process has seen."""
        found = json.loads(text)
        variables = {
            name: frozenset(Variable(*row) for row in found[name]) for name in ("read", "used", "required")
        }
        needed = frozenset(
            Needed(function, action, arn, tuple(keys)) for function, action, arn, keys in found["needed"]
        )
        return cls(needed=needed, names=found["names"], **variables)


@contextmanager
def forgetful_tables() -> Iterator[None]:
    """In this context no table tells what it is that a condition did not hold of; some engines never do."""
    token = _FORGETFUL.set(True)
    try:
        yield
    finally:
        _FORGETFUL.reset(token)


class Recorder:
    """Takes it all down while ``monkeypatch`` lasts.

    Args:
        monkeypatch: the test's.
        environments: the functions'.
        waiting: the ARN of the machine that waits for calls.
        partitions: the names of tables' partition keys, by the tables'.
    """

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        environments: Environments,
        waiting: str,
        partitions: Mapping[str, str],
    ) -> None:
        self._environments = environments
        self._waiting = waiting
        self._partitions = partitions
        self._needed: dict[tuple[str, str, str], frozenset[str]] = {}
        self._used: set[Variable] = set()
        self._required: set[Variable] = set()
        monkeypatch.setattr(sluice.config, "os", types.SimpleNamespace(environ=environments))
        self._watch_calls(monkeypatch)
        self._watch_links(monkeypatch)
        self._watch_providers(monkeypatch)
        self._watch_botocore(monkeypatch)
        self._watch_settings(monkeypatch)
        self._opened: list[AWS] = []
        self._upstreams: list[HTTPUpstream] = []
        self._watch_connections(monkeypatch)

    async def close(self) -> None:
        """Close all connections of functions: on Lambda they end with their processes."""
        for upstream in self._upstreams:
            await upstream.close()
        for aws in self._opened:
            aws.close()

    def recording(self, names: Mapping[str, str]) -> Recording:
        """What was seen so far."""
        return Recording(
            needed=frozenset(Needed(*need, tuple(sorted(keys))) for need, keys in self._needed.items()),
            read=frozenset(Variable(*each) for each in self._environments.read),
            used=frozenset(self._used),
            required=frozenset(self._required),
            names=names,
        )

    def _note(self, permissions: Iterator[Permission]) -> None:
        function = running()
        for action, arn, keys in permissions:
            need = (function, action, arn)
            self._needed[need] = self._needed.get(need, NO_KEYS) | keys

    def _watch_connections(self, monkeypatch: pytest.MonkeyPatch) -> None:
        aws, upstream = AWS.__init__, HTTPUpstream.__init__

        def open_aws(own: AWS, *args: Any, **named: Any) -> None:
            aws(own, *args, **named)
            self._opened.append(own)

        def open_upstream(own: HTTPUpstream, *args: Any) -> None:
            upstream(own, *args)
            self._upstreams.append(own)

        monkeypatch.setattr(AWS, "__init__", open_aws)
        monkeypatch.setattr(HTTPUpstream, "__init__", open_upstream)

    def _watch_calls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent = Connections.send

        async def send(
            connections: Connections,
            method: str,
            target: str,
            headers: Sequence[tuple[str, str]],
            body: bytes,
            **more: Any,
        ) -> Reply:
            reply = await sent(connections, method, target, headers, body, **more)
            if running():
                name = dict(headers).get("x-amz-target")
                if name is None:
                    self._note(of_s3(method, target, reply.status))
                else:
                    self._note(of_json_protocol(name, body, self._waiting, self._partitions))
            return _forgotten(reply) if _FORGETFUL.get() else reply

        monkeypatch.setattr(Connections, "send", send)

    def _watch_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever signs a link lends its own permission to who follows it."""
        link = BucketClient.link

        async def noting(client: BucketClient, key: str, *args: Any) -> str:
            found = await link(client, key, *args)
            if running():
                self._note(of_s3("GET", found.partition("?")[0], 200))
            return found

        monkeypatch.setattr(BucketClient, "link", noting)

    def _watch_providers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent = HTTPUpstream.send

        @asynccontextmanager
        async def send(upstream: HTTPUpstream, request: UpstreamRequest) -> AsyncIterator[Any]:
            signature = request.headers.get("authorization", "")
            if running() and signature.startswith("AWS4-"):
                assert _SIGNED_FOR_BEDROCK in signature, "a request of a service that nobody here knows"
                self._note(of_bedrock(request.method, request.url, request.body))
            async with sent(upstream, request) as response:
                yield response

        monkeypatch.setattr(HTTPUpstream, "send", send)

    def _watch_botocore(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No function uses it; one that does is seen, and needs a permission on what nobody here can tell."""
        called = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined] # the stubs leave it out

        def call(client: Any, operation: str, members: Any) -> Any:
            if running():
                service = client.meta.service_model.service_name
                self._note(iter([(f"{service}:{operation}", "by botocore", NO_KEYS)]))
            return called(client, operation, members)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)

    def _watch_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        built = EnvironmentSettings.from_environment.__func__  # type: ignore[attr-defined] # a class method has one

        def build(kind: type[EnvironmentSettings], *args: Any) -> Any:
            self._required |= {
                Variable(running(), PREFIX + name.upper())
                for name, about in kind.model_fields.items()
                if about.is_required()
            }
            return built(kind, *args)

        def use(settings: EnvironmentSettings, name: str) -> Any:
            if running() and name in type(settings).model_fields:
                self._used.add(Variable(running(), PREFIX + name.upper()))
            return object.__getattribute__(settings, name)

        monkeypatch.setattr(EnvironmentSettings, "from_environment", classmethod(build))
        monkeypatch.setattr(EnvironmentSettings, "__getattribute__", use)


def _forgotten(reply: Reply) -> Reply:
    """A reply that says no more than that a condition did not hold."""
    if reply.status != 400 or b"ConditionalCheckFailed" not in reply.body:
        return reply
    members = json.loads(reply.body)
    members.pop("Item", None)
    headers = {name: value for name, value in reply.headers.items() if name != "x-amz-crc32"}
    return reply._replace(headers=headers, body=json.dumps(members).encode())
