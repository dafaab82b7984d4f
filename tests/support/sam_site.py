"""The gateway in sam local's containers, and a stand-in for AWS on this machine that they use."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from docker_engine import Docker
from far_bridge import far_bridge
from hook_receiver import HookReceiver
from local_stack import ROOT, blueprint, botocore_client
from sam_command import ARCHITECTURE, Sam
from sam_server import SamServer, serving
from sluice.local.aws_process import LOOPBACK, REGION, LocalAWS
from sluice.local.far_functions import INVOCATIONS
from sluice.local.http import address_of, reserved_port
from sluice.local.sam_local import function_variables
from sluice.local.stack import Stack, create_stack
from sluice.stores.access import Endpoint

COMMAND = Path(sys.executable).with_name("sluice")
DEAR = "dear-demo"
"""A model that answers without a network as the demo model does, and has a price."""

WEBHOOK_SECRET = "a-secret-that-webhooks-are-made-of"


@dataclass(frozen=True)
class SamSite:
    """All of it.

    Attributes:
        endpoint, stack: the stand-in for AWS, and what was made there.
        options: what every ``sam local`` command is told.
        api: where clients reach the gateway.
        functions: where functions are called by their names.
        hooks: takes webhooks.
    """

    sam: Sam
    endpoint: Endpoint
    stack: Stack
    options: list[str]
    api: SamServer
    functions: SamServer
    hooks: HookReceiver

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://{self.api.address}"

    def client(self, service: str) -> Any:
        """AWS's own client."""
        return botocore_client(self.endpoint, service)

    def sluice(self, *arguments: str) -> Any:
        """What the operator's command prints about the stack, which it knows by its name alone."""
        done = subprocess.run(
            [COMMAND, *arguments, "--stack", self.stack.name, "--json"],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "AWS_ENDPOINT_URL": self.endpoint.url,
                "AWS_REGION": REGION,
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def create_key(self, *terms: str) -> dict[str, Any]:
        """A new key as the operator makes it: its ``id``, and its secret as ``key``."""
        found: dict[str, Any] = self.sluice("keys", "create", "--name", "sam", "--owner", "ann", *terms)
        return found

    def invoke(self, function: str, event: Path) -> str:
        """What ``sam local invoke`` prints of a function's reply to a file's event."""
        return self.sam("local", "invoke", function, "--event", event, *self.options)

    def call(self, function: str, event: Path) -> str:
        """The same of a function that runs already, by ``sam local start-lambda``."""
        path = INVOCATIONS.format(function)
        reply = httpx.post(
            f"http://{self.functions.address}{path}", content=event.read_bytes(), timeout=180, trust_env=False
        )
        assert reply.status_code == 200, reply.text
        return reply.text


@contextlib.contextmanager
def sam_site(sam: Sam, docker: Docker, built: Path, folder: Path) -> Iterator[SamSite]:
    """The site while the context lasts.

    Args:
        sam: the command.
        docker: the engine, which has the base image.
        built: what ``sam build`` has made.
        folder: an empty one.
    """
    plan = blueprint()
    host = _reachable(docker.gateway())
    before = docker.holdings()
    with (
        reserved_port(0) as listener,
        LocalAWS(address_of(listener), host) as local_aws,
        HookReceiver(host) as hooks,
    ):
        stack = create_stack(local_aws.endpoint, plan.stack)
        _put_secrets(local_aws.endpoint, stack, plan.secrets)
        variables = function_variables(plan.functions, stack.outputs, local_aws.endpoint.url)
        for function in variables.values():
            if "SLUICE_WEBHOOK_HOSTS" in function:
                function["SLUICE_WEBHOOK_HOSTS"] = hooks.address
        (folder / "variables.json").write_text(json.dumps(variables), encoding="utf-8")
        options = local_options(built, folder, local_aws.endpoint.url)
        warm = [*options, "--warm-containers", "LAZY"]
        with (
            serving(sam, "start-lambda", warm, folder / "start-lambda.log") as functions,
            far_bridge(plan, stack.machines, functions.address, listener),
            serving(sam, "start-api", warm, folder / "start-api.log") as api,
        ):
            for server in (functions, api):
                server.wait_until_ready()
            site = SamSite(sam, local_aws.endpoint, stack, options, api, functions, hooks)
            site.sluice(
                *("models", "set", DEAR, "--provider", "demo", "--upstream", "demo", "--kind", "chat"),
                *("--input-price", "100", "--output-price", "200"),
                *("--context-tokens", "10000", "--output-tokens", "1000"),
            )
            yield site
            docker.kill_beside(before)  # SAM gives each three seconds to end, one after the other


def local_options(built: Path, folder: Path, endpoint_url: str | None) -> list[str]:
    """What ``sam local`` is told, whatever it is to do."""
    overrides = [f"Architecture={ARCHITECTURE}"]
    if endpoint_url is not None:
        overrides.append(f"AwsEndpointUrl={endpoint_url}")
    return [
        *("--template", str(built / "template.yaml")),
        *("--parameter-overrides", *overrides),
        *("--env-vars", str(folder / "variables.json")),
        *("--layer-cache-basedir", str(folder / "layers")),
        "--skip-pull-image",
    ]


def _reachable(gateway: str) -> str:
    """An address of this machine that containers reach: the gateway's, unless it is that of a virtual machine."""
    with socket.socket() as probe:
        try:
            probe.bind((gateway, 0))
        except OSError:
            return LOOPBACK
        return gateway


def _put_secrets(endpoint: Endpoint, stack: Stack, names: tuple[str, ...]) -> None:
    secrets = botocore_client(endpoint, "secretsmanager")
    for name in names:
        secrets.create_secret(Name=f"{stack.name}/{name}", SecretString=WEBHOOK_SECRET)
