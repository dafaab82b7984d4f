"""What the development server says when it is ready."""

from sluice.catalog import Catalog
from sluice.config import environment_credential

SNIPPETS = """\
Try it:

curl -N {url}/v1/chat/completions \\
  -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"model": "demo", "stream": true, "messages": [{{"role": "user", "content": "Hello!"}}]}}'

Or in Python (pip install openai):

from openai import OpenAI

client = OpenAI(base_url="{url}/v1", api_key="{key}")
stream = client.chat.completions.create(
    model="demo", stream=True, messages=[{{"role": "user", "content": "Hello!"}}]
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
"""


def greeting(url: str, key: str, catalog: Catalog, seconds: float) -> str:
    """The lines that name the address, a key for trying it out, and what answers.

    Args:
        url: where the server listens.
        key: the demo key's secret.
        catalog: says which providers there are; the environment, which of them have a credential.
        seconds: how long the start took.
    """
    ready: list[str] = []
    missing: list[str] = []
    for name, provider in catalog.providers.items():
        if provider.credential is None:
            ready.append(f"{name} (needs no key)")
        elif environment_credential(provider.credential):
            ready.append(f"{name} ({provider.credential})")
        else:
            missing.append(f"{name} (set {provider.credential})")
    lines = [
        "",
        f"Sluice is ready at {url}, after {seconds:.1f} s. Ctrl-C ends it.",
        "",
        f"Demo key:   {key}   (until this server ends)",
        f"Providers:  {', '.join(ready)}",
    ]
    if missing:
        lines.append(f"Not set up: {', '.join(missing)}")
    return "\n".join([*lines, "", SNIPPETS.format(url=url, key=key)])
