"""Which permissions a call of AWS needs, by its request and its answer, as IAM's tables have it.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

REGION = "us-east-1"
ACCOUNT = "123456789012"

type Permission = tuple[str, str, frozenset[str]]
"""An action, the ARN of what it is done to, and the partition keys of the items there, which a policy may speak of."""

NO_KEYS: frozenset[str] = frozenset()
ANY_KEY = "any"
"""Stands for partition keys that a request does not plainly tell."""

_S3_ACTIONS = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}
_TRANSACTED = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}
"""A transaction has no action of its own: what is in it has."""

_BEDROCK_ACTIONS = {
    "converse": "bedrock:InvokeModel",
    "converse-stream": "bedrock:InvokeModelWithResponseStream",
    "invoke": "bedrock:InvokeModel",
    "invoke-with-response-stream": "bedrock:InvokeModelWithResponseStream",
}
_PROFILE = re.compile(r"(?:global|us|us-gov|eu|apac|jp|au|ca)\.(.+)")
"""An inference profile of AWS's: a place, and the model that it leads to."""
_ELSEWHERE = "us-west-2"
"""A region to which an inference profile sends requests on."""


def of_json_protocol(
    target: str, body: bytes, waiting: str, partitions: Mapping[str, str]
) -> Iterator[Permission]:
    """Those of a call of the JSON protocol.

    Args:
        target: the header ``X-Amz-Target``.
        body: what is sent.
        waiting: the ARN of the machine that waits for calls: a token does not say whose it is.
        partitions: the names of tables' partition keys, by the tables'.
    """
    service, _, operation = target.partition(".")
    members = json.loads(body)
    match service:
        case "DynamoDB_20120810":
            yield from _of_dynamodb(operation, members, partitions)
        case "secretsmanager":
            secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{members['SecretId']}-AbCdEf"
            yield f"secretsmanager:{operation}", secret, NO_KEYS
        case "AWSStepFunctions" if operation.startswith("SendTask"):
            yield f"states:{operation}", waiting, NO_KEYS
        case "AWSStepFunctions":
            arn = members.get("stateMachineArn") or members["executionArn"]
            yield f"states:{operation}", arn, NO_KEYS
        case other:
            raise AssertionError(f"nobody has said which permissions calls of {other} need")


def _of_dynamodb(
    operation: str, members: Mapping[str, Any], partitions: Mapping[str, str]
) -> Iterator[Permission]:
    if operation == "TransactWriteItems":
        for item in members["TransactItems"]:
            ((kind, write),) = item.items()
            yield (
                _TRANSACTED[kind],
                table_arn(write["TableName"]),
                _partition_keys(kind, write, write["TableName"], partitions),
            )
        return
    index = f"/index/{members['IndexName']}" if "IndexName" in members else ""
    for table in members.get("RequestItems") or [members["TableName"]]:
        keys = _partition_keys(operation, members, table, partitions)
        yield f"dynamodb:{operation}", table_arn(table) + index, keys


def _partition_keys(
    operation: str, members: Mapping[str, Any], table: str, partitions: Mapping[str, str]
) -> frozenset[str]:
    """The partition keys of the items that a request names; a scan names none."""
    item = members.get("Key") or members.get("Item")
    if item is None:
        return NO_KEYS if operation == "Scan" else frozenset({ANY_KEY})
    (value,) = item[partitions[table]].values()
    return frozenset({value})


def of_s3(method: str, target: str, status: int) -> Iterator[Permission]:
    """Those of a request to a bucket that stands in the path.

    An object that is not there is said to be so only to who may list the bucket: others are refused.
    """
    bucket, _, key = unquote(urlsplit(target).path).lstrip("/").partition("/")
    if key:
        yield _S3_ACTIONS[method], object_arn(bucket, key), NO_KEYS
    if not key or (method in ("GET", "HEAD") and status == 404):
        yield "s3:ListBucket", f"arn:aws:s3:::{bucket}", NO_KEYS


def of_bedrock(method: str, url: str, body: bytes) -> Iterator[Permission]:
    """Those of a request to a model of Bedrock's.

    What is invoked in the background is invoked with the caller's permission, and so is the file put that comes of it.
    """
    parts = [unquote(part) for part in urlsplit(url).path.strip("/").split("/")]
    match method, parts:
        case "POST", ["model", model, operation]:
            for arn in _models(model):
                yield _BEDROCK_ACTIONS[operation], arn, NO_KEYS
        case "POST", ["async-invoke"]:
            members = json.loads(body)
            for arn in (*_models(members["modelId"]), f"{_invocations()}begun"):
                yield "bedrock:InvokeModel", arn, NO_KEYS
            place = members["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]
            bucket, _, prefix = place.removeprefix("s3://").partition("/")
            yield "s3:PutObject", object_arn(bucket, f"{prefix}/output.mp4"), NO_KEYS
        case "GET", ["async-invoke", arn]:
            yield "bedrock:GetAsyncInvoke", f"{_invocations()}{arn.rpartition('/')[2]}", NO_KEYS
        case _:
            raise AssertionError(f"nobody has said which permissions {method} {url} needs")


def _models(model: str) -> Iterator[str]:
    """The model itself, and for a profile all that it may lead to."""
    if model.startswith("arn:"):
        kind, _, name = model.split(":", 5)[5].partition("/")
        yield f"arn:aws:bedrock:{REGION}:{ACCOUNT}:{kind}/{name}"
        return
    profile = _PROFILE.fullmatch(model)
    if profile is None:
        yield f"arn:aws:bedrock:{REGION}::foundation-model/{model}"
        return
    yield f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{model}"
    for region in (REGION, _ELSEWHERE):
        yield f"arn:aws:bedrock:{region}::foundation-model/{profile[1]}"


def _invocations() -> str:
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:async-invoke/"


def table_arn(table: str) -> str:
    """A table's."""
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"


def object_arn(bucket: str, key: str) -> str:
    """An object's of S3."""
    return f"arn:aws:s3:::{bucket}/{key}"
