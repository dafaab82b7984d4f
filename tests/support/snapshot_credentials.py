"""What Lambda has on a function's own machine in the place of access keys, where it starts from a snapshot.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import datetime as dt
import json

from receiver import Behaviour, Receiver, answering

TOKEN = "token of this environment"


def handing_out(access_key: str, *, seconds: int) -> Behaviour:
    """Answers with credentials that are valid for so long."""
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    found = {
        "AccessKeyId": access_key,
        "SecretAccessKey": "hush",
        "Token": "session",
        "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return answering(200, {"content-type": "application/json"}, json.dumps(found).encode())


def environment_of(receiver: Receiver) -> dict[str, str]:
    """What a function's environment has then: no keys, but where they are."""
    return {
        "AWS_REGION": "eu-central-1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{receiver.port}/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
