"""CloudFormation, for the operator's command and the development server; no function calls it."""

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


def output_of(stack: str, name: str, endpoint: Endpoint | None = None) -> str:
    """An output of a stack.

    Raises:
        NoStackError: no such stack, or no such output.
        OverloadedError: AWS cannot be reached.
    """
    try:
        reply = cloudformation(endpoint).describe_stacks(StackName=stack)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == NO_SUCH_STACK:
            raise NoStackError(f"there is no stack {stack} in this account and region") from error
        raise
    except (UnreachableError, HTTPClientError) as error:
        raise OverloadedError(f"AWS cannot be reached: {error}") from error
    for output in reply["Stacks"][0].get("Outputs", []):
        if output.get("OutputKey") == name:
            return output.get("OutputValue", "")
    raise NoStackError(f"the stack {stack} has no output {name}: is it Sluice?")
