"""A gateway in front of every provider's server: one model of each, priced alike."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway_process import GatewayProcess
from participant import CREDENTIAL
from participants import SERVED
from turn_server import TurnServer

PRICES = {"input": "1.1", "cached_input": "0.17", "cache_write": "1.9", "output": "7.3"}
"""USD per million tokens; no two kinds cost the same."""

PROVIDER = """
[providers.{kind}]
kind = "{kind}"
base_url = "{url}"
credential = "{credential}"
discover = false
probe = "none"

[[models]]
id = "{model}"
kind = "chat"
candidates = [{{ provider = "{kind}", model = "{upstream}" }}]
context_tokens = 200000
output_tokens = 8192
price = {{ {price} }}
capabilities = [{capabilities}]
"""


def model_of(kind: str) -> str:
    """The model of a provider, as clients ask for it."""
    return f"the-model-of-{kind}"


def catalog(servers: Mapping[str, TurnServer]) -> str:
    """The catalogue as TOML."""
    price = ", ".join(f'{name} = "{usd}"' for name, usd in PRICES.items())
    return "".join(
        PROVIDER.format(
            kind=kind,
            url=server.url,
            credential=SERVED[kind].credential,
            model=model_of(kind),
            upstream=SERVED[kind].target.model,
            price=price,
            capabilities=", ".join(f'"{each}"' for each in sorted(SERVED[kind].target.capabilities)),
        )
        for kind, server in servers.items()
    )


class _Gateway(GatewayProcess):
    """One over a catalogue of its own."""

    def __init__(self, state: Path, servers: Mapping[str, TurnServer]) -> None:
        super().__init__(state, upstream="http://127.0.0.1:9/v1", credential="unused")
        self._catalog.write_text(catalog(servers))
        for kind in servers:
            self._environment[SERVED[kind].credential] = CREDENTIAL


@dataclass(frozen=True)
class TurnSite:
    """What runs."""

    gateway: GatewayProcess
    servers: Mapping[str, TurnServer]


@contextmanager
def turn_site(state: Path) -> Iterator[TurnSite]:
    """Run it; ``state`` is an empty folder."""
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(TurnServer(participant)) for kind, participant in SERVED.items()}
        yield TurnSite(stack.enter_context(_Gateway(state, servers)), servers)
