"""Where an AWS service is and with which credentials it is called.

On Lambda both stand in the environment, so nothing has to be looked up and nothing of botocore's session is imported.
Elsewhere (the command on a laptop, a profile, SSO) botocore's own chain finds them.
"""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

from sluice.config import AWSVariables, ConfigurationError

SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("us-iso-", "c2s.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
)
"""Beginnings of region names outside the standard partition, and the domain of their endpoints."""
STANDARD_SUFFIX = "amazonaws.com"


@dataclass(frozen=True)
class Endpoint:
    """An AWS that is not the default one: the development server's.

    Its credentials are made up here, so that a call to it can never carry, or use, real ones.
    """

    url: str
    region: str


class Credentials(NamedTuple):
    """What a request is signed with, by the names that botocore's signer reads."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Credentials({self.access_key!r})"


MADE_UP = Credentials("local", "local", None)


@dataclass(frozen=True)
class Access:
    """A service's address and region, and its credentials where they never change (None: botocore's chain)."""

    url: str
    region: str
    fixed: Credentials | None = field(repr=False)

    async def credentials(self) -> Credentials:
        """Credentials that are valid now; looking them up may call a server, so that happens in a thread.

        Raises:
            ConfigurationError: there are none.
        """
        return await asyncio.to_thread(_chain_credentials) if self.fixed is None else self.fixed


def access_to(service: str, variables: AWSVariables, endpoint: Endpoint | None = None) -> Access:
    """Find a service, by the first label of its host name.

    Args:
        service: for example ``dynamodb``.
        variables: the environment's.
        endpoint: where to go instead of AWS.

    Raises:
        ConfigurationError: no region is set.
    """
    if endpoint is not None:
        return Access(endpoint.url, endpoint.region, MADE_UP)
    region = variables.region or _chain_region()
    fixed = (
        Credentials(variables.access_key, variables.secret_key, variables.session_token)
        if variables.access_key and variables.secret_key
        else None
    )
    return Access(variables.endpoint_url or address_of(service, region), region, fixed)


def address_of(service: str, region: str) -> str:
    """The public endpoint of a service in a region."""
    suffix = next((suffix for start, suffix in SUFFIXES if region.startswith(start)), STANDARD_SUFFIX)
    return f"https://{service}.{region}.{suffix}"


def _chain_region() -> str:
    import botocore.session

    region = botocore.session.get_session().get_config_variable("region")
    if not region:
        raise ConfigurationError("no AWS region is set: AWS_REGION, or the profile's")
    return str(region)


def _chain_credentials() -> Credentials:
    import botocore.session

    found = botocore.session.get_session().get_credentials()
    if found is None:
        raise ConfigurationError("no AWS credentials were found")
    frozen = found.get_frozen_credentials()
    return Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)
