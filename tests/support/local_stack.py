"""The stack of template.yaml in a stand-in for AWS, for tests that need its tables."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluice.local.aws_process import REGION, LocalAWS
from sluice.local.blueprint import Blueprint, read_blueprint
from sluice.local.stack import Stack, create_stack
from sluice.stores.aws import AWS, Endpoint

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"


def blueprint() -> Blueprint:
    """The template's, whatever the environment says about AWS."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    return read_blueprint(TEMPLATE)


@contextmanager
def local_stack() -> Iterator[tuple[Endpoint, Stack]]:
    """A stack of one's own, while the context lasts."""
    with LocalAWS() as local_aws:
        aws = AWS(local_aws.endpoint)
        try:
            yield local_aws.endpoint, create_stack(aws, blueprint().stack)
        finally:
            aws.close()
