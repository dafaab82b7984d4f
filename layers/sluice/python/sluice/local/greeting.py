"""What the development server says when it is ready."""

import json
import shlex

from sluice.catalog import Catalog, ModelRow, ProviderRow
from sluice.config import environment_credential
from sluice.pipeline.route import is_local
from sluice.providers.registry import PROVIDERS

SNIPPETS = """\
Try it:

curl -N {url}/v1/chat/completions \\
  -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' \\
  -d {body}

Or in Python (pip install openai):

from openai import OpenAI

client = OpenAI(base_url="{url}/v1", api_key="{key}")
stream = client.chat.completions.create(
    model={model}, stream=True, messages=[{{"role": "user", "content": "Hello!"}}]
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
"""
MESSAGES = [{"role": "user", "content": "Hello!"}]

NOTHING_SET = "Nothing can answer yet: set one of the variables above and start again.\n"
NOTHING_TO_CHAT_WITH = (
    "The catalogue has no chat model of a provider that is ready. Those that the providers list can be used as well;\n"
    "GET {url}/v1/models shows them.\n"
)

DEMO = "demo"


def greeting(url: str, key: str, catalog: Catalog, seconds: float) -> str:
    """The lines that name the address, a key for trying it out, and what answers.

    Args:
        url: where the server listens.
        key: the demo key's secret.
        catalog: its providers' kinds are known; the environment says which of them have a credential.
        seconds: how long the start took.
    """
    ready = {name: how for name, row in catalog.providers.items() if (how := _readiness(row))}
    missing = {name: row.credential for name, row in catalog.providers.items() if name not in ready}
    lines = [
        "",
        f"Sluice is ready at {url}, after {seconds:.1f} s. Ctrl-C ends it.",
        "",
        f"Demo key:   {key}   (until this server ends)",
        f"API:        {url}/docs",
        f"Providers:  {', '.join(f'{name} ({how})' for name, how in ready.items()) or 'none'}",
    ]
    lines += _engines(catalog)
    if missing:
        listed = ", ".join(f"{name} (set {variable})" for name, variable in missing.items())
        lines.append(f"Not set up: {listed}")
    chat_models = [
        row
        for row in catalog.models
        if row.kind == "chat" and row.retired is None and row.candidates[0].provider in ready
    ]
    if chat_models:
        ending = _snippets(url, key, _preferred(catalog, chat_models))
    else:
        ending = NOTHING_TO_CHAT_WITH.format(url=url) if ready else NOTHING_SET
    return "\n".join([*lines, "", ending])


def _engines(catalog: Catalog) -> list[str]:
    """What ``search_enabled`` would ask; nothing where the catalogue has no search engine."""
    rows = {name: row for name, row in catalog.search.items() if row.enabled}
    ready = [
        name for name, row in rows.items() if not row.credential or environment_credential(row.credential)
    ]
    variables = [row.credential for name, row in rows.items() if name not in ready and row.credential]
    wanted = f"none (set {' or '.join(variables)})"
    return [f"Web search: {', '.join(ready) or wanted}"] if rows else []


def _readiness(row: ProviderRow) -> str | None:
    """What lets a provider answer, None if nothing does; the rule is the one that requests are routed by."""
    if row.credential is None:
        return "needs no key"
    if environment_credential(row.credential):
        return row.credential
    address = row.base_url or PROVIDERS[row.kind].address or ""
    return "on this machine, without a key" if is_local(address) else None


def _preferred(catalog: Catalog, rows: list[ModelRow]) -> str:
    """The id of a model that answers without costs if there is one, of the first one if not."""
    free = (row for row in rows if catalog.providers[row.candidates[0].provider].kind == DEMO)
    return next(free, rows[0]).id


def _snippets(url: str, key: str, model: str) -> str:
    body = json.dumps({"model": model, "stream": True, "messages": MESSAGES})
    return SNIPPETS.format(url=url, key=key, body=shlex.quote(body), model=json.dumps(model))
