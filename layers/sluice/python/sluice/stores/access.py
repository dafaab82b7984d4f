"""Where an AWS service is and with which credentials it is called.

On Lambda both stand in the environment, so nothing has to be looked up and nothing of botocore's session is imported.
Elsewhere (the command on a laptop, a profile, SSO) botocore's own chain finds them, and so it does on Lambda with
SnapStart: credentials that stood in a snapshot would be out of date, so a process that comes of one asks an address on
its own machine for them, again and again.

Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html#snapstart-credentials
"""

import asyncio
import functools
from dataclasses import dataclass, field
from typing import Any

from sluice.config import AWSVariables, ConfigurationError, aws_variables, provider_account
from sluice.credentials import AWSCredentials

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


MADE_UP = AWSCredentials("local", "local", None)


@dataclass(frozen=True)
class Access:
    """A service's address and region, and its credentials where they never change (None: botocore's chain)."""

    url: str
    region: str
    fixed: AWSCredentials | None = field(repr=False)

    async def credentials(self) -> AWSCredentials:
        """Credentials that are valid now; looking them up may call a server, so that happens in a thread.

        Raises:
            ConfigurationError: there are none.
        """
        known = _found_before() if self.fixed is None else self.fixed
        if known is not None:
            return known
        return await asyncio.to_thread(_chain_credentials)


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
    fixed = _fixed(variables)
    if fixed is None:
        import botocore.session  # noqa: F401 - not used yet, but a snapshot that is taken now has it
    return Access(variables.endpoint_url or address_of(service, region), region, fixed)


async def role_credentials() -> AWSCredentials:
    """The credentials that providers are called with: an account's for them alone, or this process's own.

    Raises:
        ConfigurationError: there are none.
    """
    account, variables = provider_account(), aws_variables("")
    found = await Access("", "", _fixed(account) or _fixed(variables)).credentials()
    return found._replace(region=account.region or variables.region)


def address_of(service: str, region: str) -> str:
    """The public endpoint of a service in a region."""
    suffix = next((suffix for start, suffix in SUFFIXES if region.startswith(start)), STANDARD_SUFFIX)
    return f"https://{service}.{region}.{suffix}"


def _fixed(variables: AWSVariables) -> AWSCredentials | None:
    if not variables.access_key or not variables.secret_key:
        return None
    return AWSCredentials(variables.access_key, variables.secret_key, variables.session_token)


def _chain_region() -> str:
    import botocore.session

    region = botocore.session.get_session().get_config_variable("region")
    if not region:
        raise ConfigurationError("no AWS region is set: AWS_REGION, or the profile's")
    return str(region)


@functools.cache
def _chain() -> Any:
    """Botocore's credentials, which refresh themselves, or None."""
    import botocore.session

    return botocore.session.get_session().get_credentials()


def _found_before() -> AWSCredentials | None:
    """Credentials that the chain has found already and that are valid for a while; None where it has to be asked."""
    if not _chain.cache_info().currsize:
        return None
    due = getattr(_chain(), "refresh_needed", None)  # those of a profile never change, and cannot tell
    return None if due is not None and due() else _chain_credentials()


def _chain_credentials() -> AWSCredentials:
    found = _chain()
    if found is None:
        _chain.cache_clear()
        raise ConfigurationError("no AWS credentials were found")
    frozen = found.get_frozen_credentials()
    return AWSCredentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)
