"""The functions of pictures and videos over a studio in memory, and what carries their jobs out.

Two owners have keys there. A job is carried out the moment its execution is started, unless a test says otherwise.
"""

import importlib.util
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest

from asgi_client import Client
from fake_dynamodb import FakeDynamoDB
from key_records import FakeKeys, key_record
from local_stack import ROOT
from sluice.api.webhooks import DeliveryList, WebhookSecret
from sluice.asgi.application import Application
from sluice.catalog import Catalog
from sluice.config import MediaSettings
from sluice.keys import new_secret
from sluice.pipeline.jobs.failure_file import put_failure
from sluice.pipeline.jobs.failures import FailureCode
from sluice.pipeline.jobs.studio import Studio
from sluice.stores.bucket import Blob, request_key
from sluice.stores.job_records import Job
from sluice_streaming.events import read
from streamed_functions import PLACEHOLDER
from studio_catalog import CATALOG
from studio_world import SECRET, StudioWorld

OTHER_SECRET = new_secret("key")
BOUNDARY = "a-boundary"
VIDEOS = "/v1/videos"
VIDEO: Mapping[str, Any] = {"model": "filmer", "prompt": "a cat"}
"""What it takes to have a video made."""
FUNCTIONS: tuple["FunctionName", ...] = ("images", "videos")

type FunctionName = Literal["images", "videos"]
type Carrier = Callable[["Site", Job], Awaitable[None]]


async def made(site: "Site", job: Job) -> None:
    """All of it is made."""
    await site.world.make(job, seconds=job.seconds)
    await site.world.closer.finish(job.id)


async def untouched(_site: "Site", _job: Job) -> None:
    """Nobody carries it out."""


def left_by_another_version(site: "Site", job_id: str) -> None:
    """Have a job's request be none that is taken any more."""
    file = site.world.request_file(job_id)
    other = file.model_copy(update={"request": file.request | {"prompt": ["of", "another", "version"]}})
    site.world.bucket.objects[request_key(job_id)] = Blob(
        other.model_dump_json().encode(), "application/json"
    )


def failed(code: FailureCode, words: str | None = None) -> Carrier:
    """It fails, and its provider may have said why."""

    async def carry(site: "Site", job: Job) -> None:
        if words is not None:
            await put_failure(site.world.bucket, job.id, code, words)
        await site.world.closer.fail(job.id, code)

    return carry


class Site:
    """The functions' applications over one studio.

    Args:
        monkeypatch: the test's.
        budget_nano_usd, rpm: of the first owner's key.
        catalog: in the place of the studio's own.
        settings: of the studio, beside the usual ones. Addresses have no limit.
    """

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        budget_nano_usd: int | None = None,
        rpm: int | None = None,
        catalog: Catalog = CATALOG,
        **settings: Any,
    ) -> None:
        self.carrier: Carrier = made
        record = key_record(SECRET, id="key_a", owner="ann", budget_nano_usd=budget_nano_usd, rpm=rpm)
        self.world = StudioWorld(record, catalog, **{"ip_rpm": 0, **settings})
        self.keys = FakeKeys(self.world.key, key_record(OTHER_SECRET, id="key_b", owner="bob"))
        """The keys' table, which is asked each time."""
        studio = self.world.studio
        gateway = replace(studio.gateway, keys=self.keys.cache(seconds=0))
        self.studio = replace(studio, gateway=gateway)
        self.world.around.after = self._after
        monkeypatch.setattr(Studio, "open", lambda _: self.studio)
        monkeypatch.setattr(MediaSettings, "from_environment", lambda: self.studio.settings)
        monkeypatch.setattr("time.time", self.world.clock)
        self._apps = {name: _application(name) for name in FUNCTIONS}

    async def _after(self, call: str) -> None:
        """Carry out what was started."""
        if not call.startswith(("machines.start arn:images", "machines.start arn:videos")):
            return
        started = {name for name, _ in self.world.machines.started.values()}
        for job in self.world.all_jobs:
            if job.state == "queued" and job.id in started:
                await self.carrier(self, job)

    def client(self, body: Any = None) -> Client:
        """Somebody who sends a body."""
        return Client(body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode())

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        secret: str | None = SECRET,
        headers: Mapping[str, str] | None = None,
        client: Client | None = None,
        scope: Mapping[str, Any] | None = None,
    ) -> Client:
        """Make a request; a query string may stand in the path. ``scope`` has further members of ASGI's."""
        path, _, query = path.partition("?")
        fields = {} if secret is None else {"authorization": f"Bearer {secret}"}
        fields |= {name.lower(): value for name, value in (headers or {}).items()}
        return await (client or self.client(body)).ask(
            self._apps["images" if "/images/" in path else "videos"],
            path,
            method,
            query_string=query.encode(),
            headers=[(name.encode(), value.encode()) for name, value in fields.items()],
            **(scope or {}),
        )

    async def answered(self, function: FunctionName, event: str) -> Client:
        """What a function answers to one of its sample events."""
        text = (ROOT / "events" / function / f"{event}.json").read_text(encoding="utf-8")
        request = read(text.replace(PLACEHOLDER, SECRET).encode(), None, {})
        client = Client(request.body)
        await self._apps[function](request.scope, client.receive, client.send)
        return client

    @property
    def jobs(self) -> list[Job]:
        """All jobs, the first one first."""
        return sorted(self.world.all_jobs, key=lambda job: job.id)

    @property
    def database(self) -> FakeDynamoDB:
        """The tables."""
        return self.world.database


def _application(name: FunctionName) -> Application[Studio]:
    spec = importlib.util.spec_from_file_location(f"{name}_function", ROOT / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: Application[Studio] = module.app
    return app


def members(client: Client, status: int = 200) -> dict[str, Any]:
    """What a client was answered, which is to be of this status."""
    assert client.status == status, client.body
    found: dict[str, Any] = json.loads(client.body)
    return found


async def create_video(site: Site, **more: Any) -> str:
    """The id of a new video."""
    return str(members(await site.ask("POST", VIDEOS, {**VIDEO, **more}))["id"])


def form(*fields: tuple[str, str | bytes, str]) -> tuple[bytes, Mapping[str, str]]:
    """A form's body and its header; of each field the name with what follows it in its head, the content, the type."""
    lines: list[bytes] = []
    for head, content, kind in fields:
        lines.append(f"--{BOUNDARY}\r\nContent-Disposition: form-data; name={head}\r\n".encode())
        lines.append(f"Content-Type: {kind}\r\n\r\n".encode() if kind else b"\r\n")
        lines.append((content if isinstance(content, bytes) else content.encode()) + b"\r\n")
    body = b"".join([*lines, f"--{BOUNDARY}--\r\n".encode()])
    return body, {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


class Desk:
    """See ``WebhookDesk``."""

    async def secret(self, key: Any) -> WebhookSecret:
        return WebhookSecret(secret=f"whsec_{key.id}")

    async def deliveries(self, job: Job) -> DeliveryList:
        return DeliveryList(state=None, attempts=0, next_attempt_at=None, data=[])

    async def forget(self, job_id: str) -> None:
        pass
