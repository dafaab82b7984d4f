"""What is in the policies of AWS's own that the SAM transform gives to roles, and what for.

AWS has written them, with ``*`` for all resources; none of their actions can be taken out here.

Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Managed(NamedTuple):
    """A policy: its actions, and who needs it for what."""

    actions: tuple[str, ...]
    reason: str


_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")

MANAGED: Final[Mapping[str, Managed]] = {
    "service-role/AWSLambdaBasicExecutionRole": Managed(_LOGS, "Lambda writes what a function logs"),
    "service-role/AWSLambdaDynamoDBExecutionRole": Managed(
        (
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            *_LOGS,
        ),
        "Lambda reads a table's stream for a function",
    ),
    "AWSXrayWriteOnlyAccess": Managed(
        (
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:GetSamplingStatisticSummaries",
        ),
        "traces are sent",
    ),
}
"""By the part of its ARN behind ``policy/``."""
