"""CloudFormation, for the operator's command and the development server; no function calls it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as UnreachableError

from sluice.errors import OverloadedError
from sluice.stores.access import MADE_UP, Endpoint

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

NO_SUCH_STACK = "ValidationError"
CONFIG = Config(connect_timeout=2, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})


class NoStackError(Exception):
    """There is no stack of that name, or it is not one of ours."""


def cloudformation(endpoint: Endpoint | None = None) -> "CloudFormationClient":
    """A client; its calls block, which a command and a start-up may."""
    session = botocore.session.get_session()
    if endpoint is None:
        return cast("CloudFormationClient", session.create_client("cloudformation", config=CONFIG))
    local = session.create_client(
        "cloudformation",
        config=CONFIG.merge(Config(proxies={})),  # it is on this machine
        endpoint_url=endpoint.url,
        region_name=endpoint.region,
        aws_access_key_id=MADE_UP.access_key,
        aws_secret_access_key=MADE_UP.secret_key,
    )
    return cast("CloudFormationClient", local)


def outputs_of(stack: str, endpoint: Endpoint | None = None) -> Mapping[str, str]:
    """The outputs of a stack, by name.

    Raises:
        NoStackError: there is no such stack.
        OverloadedError: AWS cannot be reached.
    """
    client = cloudformation(endpoint)
    try:
        reply = client.describe_stacks(StackName=stack)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == NO_SUCH_STACK:
            raise NoStackError(
                f"there is no stack {stack} in this account in {client.meta.region_name}"
            ) from error
        raise
    except (UnreachableError, HTTPClientError) as error:
        raise OverloadedError(f"AWS cannot be reached: {error}") from error
    return {
        output.get("OutputKey", ""): output.get("OutputValue", "")
        for output in reply["Stacks"][0].get("Outputs", [])
    }
