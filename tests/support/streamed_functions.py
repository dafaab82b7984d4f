"""Functions that answer in streams, as Lambda runs them: behind the streaming runtime, fed with their sample events."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from key_records import key_record
from local_stack import ROOT, local_stack
from made_settings import TABLE_VARIABLES
from runtime_api import Call
from runtime_process import Platform, RuntimeProcess, running_platform
from sluice.keys import new_secret
from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS
from sluice.stores.keys import KeyStore

PLACEHOLDER = "sk-replace-this-with-a-key"
SECRET = new_secret("key")
SOURCE = """
import importlib.util
spec = importlib.util.spec_from_file_location("function_app", {path!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
app = module.app
"""


@dataclass(frozen=True)
class StreamedFunction:
    """A function of this name that runs."""

    name: str
    platform: Platform
    process: RuntimeProcess

    async def answered(self, event: str) -> Call:
        """What it answers to one of its sample events."""
        call = self.platform.api.invoke(_event(self.name, event))
        await self.platform.api.completed(call)
        return call


def sample_events(name: str) -> set[str]:
    """The names of a function's sample events."""
    return {path.stem for path in (ROOT / "events" / name).glob("*.json")}


@contextmanager
def stack_with_key() -> Iterator[tuple[Endpoint, Stack]]:
    """The stack on an emulator, with the key of the sample events in it."""
    with local_stack() as (endpoint, made):
        asyncio.run(KeyStore(AWS(endpoint), made.tables["KeysTable"]).put_new(key_record(SECRET)))
        yield endpoint, made


@asynccontextmanager
async def running_function(
    name: str, folder: Path, endpoint: Endpoint, stack: Stack, **more: str
) -> AsyncIterator[StreamedFunction]:
    """The function in ``functions/<name>``, in a process of its own while the context lasts, with ``more`` variables."""
    async with running_platform(folder) as platform:
        process = await platform.start(
            SOURCE.format(path=str(ROOT / "functions" / name / "app.py")),
            **{variable: stack.tables[table] for variable, table in TABLE_VARIABLES.items()},
            AWS_ENDPOINT_URL=endpoint.url,
            AWS_REGION=endpoint.region,
            AWS_DEFAULT_REGION=endpoint.region,
            AWS_ACCESS_KEY_ID="local",
            AWS_SECRET_ACCESS_KEY="local",
            AWS_LAMBDA_FUNCTION_NAME=name,
            **more,
        )
        yield StreamedFunction(name, platform, process)


def _event(function: str, name: str) -> Any:
    text = (ROOT / "events" / function / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text.replace(PLACEHOLDER, SECRET))
