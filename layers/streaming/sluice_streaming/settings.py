"""What Lambda tells the runtime in its environment."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class SettingsError(Exception):
    """The environment lacks a variable or holds one that cannot be used; the message names it."""


class Settings(NamedTuple):
    """The environment, read once.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """

    address: str
    """Host and port of the Runtime API."""

    handler: str
    """Module and attribute of the ASGI application, as ``app.app``."""

    max_concurrency: int
    """How many invocations Lambda may have in flight here; 1 unless it says otherwise."""

    buffered: bool
    """Answer with an ordinary proxy response: ``sam local`` cannot pass a streamed one on."""

    snap_start: bool
    """The environment is about to become a snapshot."""

    @classmethod
    def from_environment(cls, arguments: Sequence[str], environment: Mapping[str, str]) -> "Settings":
        """Read the settings; a handler among the command's arguments goes before ``_HANDLER``.

        Raises:
            SettingsError: a variable is missing or malformed.
        """
        address = environment.get("AWS_LAMBDA_RUNTIME_API", "")
        if not address.rpartition(":")[2].isdecimal():
            raise SettingsError(f"AWS_LAMBDA_RUNTIME_API must be host:port, not {address!r}")
        handler = arguments[0] if arguments else environment.get("_HANDLER", "")
        if not handler:
            raise SettingsError("_HANDLER must name the application, as app.app")
        return cls(
            address=address,
            handler=handler,
            max_concurrency=_max_concurrency(environment),
            buffered=environment.get("AWS_SAM_LOCAL", "").lower() == "true",
            snap_start=environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start",
        )


def _max_concurrency(environment: Mapping[str, str]) -> int:
    text = environment.get("AWS_LAMBDA_MAX_CONCURRENCY", "1")
    if not text.isdecimal() or int(text) == 0:
        raise SettingsError(f"AWS_LAMBDA_MAX_CONCURRENCY must be a positive integer, not {text!r}")
    return int(text)
