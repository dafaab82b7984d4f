"""The stack of template.yaml in a stand-in for AWS, for tests that need its tables."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from sluice.local.aws_process import REGION, LocalAWS
from sluice.local.blueprint import Blueprint, read_blueprint
from sluice.local.stack import Stack, create_stack
from sluice.stores.access import Endpoint

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"


def blueprint() -> Blueprint:
    """The template's, whatever the environment says about AWS."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    return read_blueprint(TEMPLATE)


def botocore_client(endpoint: Endpoint, service: str) -> Any:
    """AWS's own client: a second opinion on what the stores have written."""
    return botocore.session.get_session().create_client(
        service,
        endpoint_url=endpoint.url,
        region_name=endpoint.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(proxies={}, max_pool_connections=50),
    )


@contextmanager
def local_stack() -> Iterator[tuple[Endpoint, Stack]]:
    """A stack of one's own, while the context lasts."""
    with LocalAWS() as local_aws:
        yield local_aws.endpoint, create_stack(local_aws.endpoint, blueprint().stack)
