"""The environment of all functions, which share one process here.

On AWS each function has an environment of its own. Here they share this process's, so a variable has to
have the same value in every function that names it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from sluice.config import PROVIDER_PREFIX
from sluice.local.blueprint import Function, Resolved
from sluice.local.errors import LocalError
from sluice.stores.access import Endpoint

AWS_PREFIX = "AWS_"
PROVIDER_KEYS = frozenset({"AWS_BEARER_TOKEN_BEDROCK"})
"""Names of AWS's that are no settings of an account, but API keys of a provider like any other."""

OWN_ACCOUNT = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)
"""What the user's own account is reached with. It goes on under other names, which only providers look at: those whose
catalogue row says that they are called with it, and those on this machine."""

NO_FILE = "/dev/null"
LOOPBACK = "127.0.0.1,localhost"

FORCED = {
    "SLUICE_SECRETS_PREFIX": "",  # provider credentials come from the user's own environment
    "POWERTOOLS_METRICS_NAMESPACE": "",  # no metrics: nothing here reads them, and they would fill the terminal
}
"""What is neither the template's nor the user's to say."""

DEFAULTS = {
    "SLUICE_KEY_CACHE_SECONDS": "0",
    "SLUICE_MODELS_CACHE_SECONDS": "1",
    "SLUICE_POLL_SECONDS": "0.5",
    "SLUICE_LONGEST_POLL_SECONDS": "5",
}
"""A revoked key stops at once, a new model is there at once, and so is a video: an extra read costs nothing here."""

CATALOG = "SLUICE_CATALOG"


class EnvironmentConflictError(LocalError):
    """Two functions want different values in one variable; the message names all three."""


def local_environment(
    user: Mapping[str, str],
    functions: Iterable[Function],
    outputs: Mapping[str, str],
    endpoint: Endpoint,
    secrets: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """The whole environment of the development server.

    What names a resource comes from the stack. A plain setting is the template's, or what its parameters make of it,
    unless the user set it.
    None of the user's own AWS settings remains under its name but the key of Bedrock, so no call for the gateway's own
    tables can reach a real account.

    Args:
        user: the environment that the server was started with.
        functions: the template's.
        outputs: of the stack that was made.
        endpoint: the stand-in for AWS.
        secrets: credentials that the deployment makes up itself, where the user has not set them.

    Raises:
        EnvironmentConflictError: functions disagree about a variable.
    """
    settings: dict[str, str] = {}
    owners: dict[str, str] = {}
    fixed: set[str] = set()
    for function in functions:
        for name, value in function.variables.items():
            resolved = outputs[value.output] if isinstance(value, Resolved) else value
            if settings.setdefault(name, resolved) != resolved:
                raise EnvironmentConflictError(
                    f"{owners[name]} and {function.name} set {name} to different values, "
                    "which cannot be in one process"
                )
            owners.setdefault(name, function.name)
            if isinstance(value, Resolved) and not value.adjustable:
                fixed.add(name)
    own = {
        name: value
        for name, value in user.items()
        if not name.startswith(AWS_PREFIX) or name in PROVIDER_KEYS
    }
    own |= {PROVIDER_PREFIX + name: user[name] for name in OWN_ACCOUNT if name in user}
    merged = {
        **DEFAULTS,
        **settings,
        **secrets,
        **own,
        **{name: settings[name] for name in fixed},
        **FORCED,
        **_aws(endpoint),
        **_direct(own, endpoint),
    }
    if merged.get(CATALOG):
        merged[CATALOG] = str(Path(merged[CATALOG]).expanduser().resolve())
    return merged


def _aws(endpoint: Endpoint) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": endpoint.region,
        "AWS_REGION": endpoint.region,
        "AWS_CONFIG_FILE": NO_FILE,
        "AWS_SHARED_CREDENTIALS_FILE": NO_FILE,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _direct(own: Mapping[str, str], endpoint: Endpoint) -> dict[str, str]:
    """Where a proxy is set, it is not for what runs on this machine."""
    here = LOOPBACK
    if (host := urlsplit(endpoint.url).hostname) and host not in LOOPBACK.split(","):
        here = f"{LOOPBACK},{host}"
    return {
        name: ",".join(filter(None, (own.get(name) or own.get(name.upper()), here)))
        for name in ("no_proxy", "NO_PROXY")
    }
