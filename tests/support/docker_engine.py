"""The Docker engine, by its command."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

SECONDS = 300
LISTINGS: Mapping[str, tuple[str, ...]] = {
    "container": ("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Image}}"),
    "image": ("images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"),
    "network": ("network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}}"),
}
"""What a run may leave behind, and how it is listed: one in a line."""

MAPPED_BY = ("samcli/lambda", "-rapid-")
"""What the names of the images have in them that SAM makes of a base image."""

NAMELESS = "<none>:<none>"
"""How an image is listed whose name another has taken."""


class NoEngineError(Exception):
    """No Docker engine answers; the message says what to do."""


@dataclass(frozen=True)
class Holdings:
    """What an engine has: by kind, a line for each."""

    lines: Mapping[str, frozenset[str]]

    def beside(self, before: "Holdings") -> list[str]:
        """What is here and was not there before, for a person to read."""
        return sorted(
            f"{kind} {line}" for kind, lines in self.lines.items() for line in lines - before.lines[kind]
        )


class Docker:
    """Runs the command docker.

    Raises:
        NoEngineError: there is none, or no engine answers it.
    """

    def __init__(self) -> None:
        try:
            done = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise NoEngineError(
                "the command docker was not found: install Docker (Debian: docker.io)"
            ) from None
        if done.returncode != 0:
            said = done.stderr.strip() or done.stdout.strip()
            raise NoEngineError(
                "no Docker engine answers: start one (systemctl start docker, dockerd, or Docker Desktop), or set "
                f"DOCKER_HOST to one that runs. Docker says: {said}"
            )

    def __call__(self, *arguments: str, timeout: float = SECONDS) -> str:
        """What it prints; a failure is the test's."""
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def has_image(self, tag: str) -> bool:
        """Whether it lies here."""
        return bool(self("images", "--quiet", tag))

    def gateway(self) -> str:
        """The address under which containers reach this machine."""
        (network,) = json.loads(self("network", "inspect", "bridge"))
        return str(network["IPAM"]["Config"][0].get("Gateway", "172.17.0.1"))

    def holdings(self) -> Holdings:
        """What it has now."""
        return Holdings({kind: frozenset(self(*listing).splitlines()) for kind, listing in LISTINGS.items()})

    def kill_beside(self, before: Holdings) -> None:
        """Kill the containers that run and were not there before, which whoever has started them would wait for."""
        old = {line.split(" ")[0] for line in before.lines["container"]}
        running = [each for each in self("ps", "--quiet", "--no-trunc").splitlines() if each not in old]
        if running:
            self("kill", *running)

    def remove_what_sam_made(self, before: Holdings, base_image: str) -> None:
        """Remove the images that were not there before: those that SAM has made of the base image, and then itself.

        Two requests at once let SAM make one of its images twice; the first is then an image without a name.
        """
        new = [line.split(" ")[1:] for line in self.holdings().beside(before) if line.startswith("image ")]
        base_layers = self._layers(base_image) if self.has_image(base_image) else []
        for image, tag in new:
            if any(part in tag for part in MAPPED_BY):
                self("rmi", "--force", tag)
            elif tag == NAMELESS and base_layers and self._layers(image)[: len(base_layers)] == base_layers:
                self("rmi", image)
        if any(tag == base_image for _, tag in new):
            self("rmi", "--force", base_image)

    def _layers(self, image: str) -> list[str]:
        """The digests of the layers of its file system, the lowest first."""
        layers: list[str] = json.loads(self("image", "inspect", "--format", "{{json .RootFS.Layers}}", image))
        return layers


def pulling(tag: str) -> "subprocess.Popen[str]":
    """Begin to pull an image, so that something else can be done meanwhile."""
    return subprocess.Popen(
        ["docker", "pull", "--quiet", tag], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    )


def pulled(pull: "subprocess.Popen[str]", seconds: float) -> bool:
    """Whether it comes within that time; if not, it is given up."""
    try:
        return pull.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        pull.kill()
        pull.wait()
        return False


def make_stand_in(script: str, tag: str) -> None:
    """Run the script that makes a base image."""
    done = subprocess.run([sys.executable, script, tag], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
