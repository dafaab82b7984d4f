"""Which permissions of KMS a function needs, by what the template encrypts with a key and what the function does with it.

AWS decrypts and encrypts in the name of who asks: a function's variables when it starts, a table's items, a secret, and
a bucket's objects.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html.
"""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policies import Choice, Need, Roles, conditions_in
from template_parts import resources

DECRYPT, ENCRYPT = "kms:Decrypt", "kms:GenerateDataKey"
AFTER_ANOTHER = "DecryptWithPreviousKey"
"""The condition that there was another key before."""

_WHAT_FOR = {
    "dynamodb:*": (DECRYPT, "the items of a table are encrypted with it"),
    "secretsmanager:GetSecretValue": (DECRYPT, "a secret is encrypted with it"),
    "s3:GetObject": (DECRYPT, "files are encrypted with it"),
    "s3:PutObject": (ENCRYPT, "files are encrypted with it"),
}
"""What it takes to do something with what is encrypted, by what is done."""


def key_needs(
    translated: Mapping[str, Any], owner: str, own: Iterable[Need], roles: Roles, choice: Choice
) -> Iterator[tuple[Need, str]]:
    """The permissions of KMS, and why each is needed.

    Args:
        translated: the template as CloudFormation gets it.
        owner: a function, or a machine.
        own: what it does.
        roles: work out what the template says.
        choice: how conditions are decided.
    """
    said = translated["Resources"][owner]["Properties"].get("KmsKeyArn")
    if said is not None and choice.holds(AFTER_ANOTHER):
        previous = roles.text({"Ref": "PreviousKmsKeyArn"})
        yield Need(DECRYPT, previous), "the variables of its versions from before are encrypted with it"
    variables = roles.chosen(said, choice)
    if variables is not None:
        yield Need(DECRYPT, roles.text(variables)), "its variables are encrypted with it"
    encrypted = list(_encrypted(translated, roles, choice))
    for need in own:
        for action, (wanted, reason) in _WHAT_FOR.items():
            if fnmatch.fnmatchcase(need.action, action):
                for pattern, key in encrypted:
                    if fnmatch.fnmatchcase(need.arn, pattern):
                        yield Need(wanted, key), reason


def key_conditions(translated: Mapping[str, Any]) -> set[str]:
    """Those that decide what is, or was, encrypted with which key."""
    keys = [
        function["Properties"].get("KmsKeyArn")
        for function in resources(translated, "AWS::Lambda::Function").values()
    ]
    return {AFTER_ANOTHER, *conditions_in([keys, [value for _, value in _keys(translated)]])}


def _encrypted(translated: Mapping[str, Any], roles: Roles, choice: Choice) -> Iterator[tuple[str, str]]:
    """Patterns of the ARNs of what is encrypted with a key that was named, and the key's ARN."""
    for name, value in _keys(translated):
        found = roles.chosen(value, choice)
        if isinstance(found, Mapping) and "Ref" not in found:  # a description: the key is one of its members
            found = found.get("KMSMasterKeyId", found.get("KMSMasterKeyID"))
        if found is None:
            continue
        secret = translated["Resources"][name]["Type"] == "AWS::SecretsManager::Secret"
        arn = roles.text({"Ref": name} if secret else {"Fn::GetAtt": [name, "Arn"]})
        yield (arn if secret else f"{arn}*"), roles.text(found)


def _keys(translated: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What says with which key each table, bucket and secret is encrypted, by its name."""
    for name, table in resources(translated, "AWS::DynamoDB::Table").items():
        yield name, table["Properties"].get("SSESpecification", {})
    for name, bucket in resources(translated, "AWS::S3::Bucket").items():
        for rule in bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]:
            yield name, rule["ServerSideEncryptionByDefault"]
    for name, secret in resources(translated, "AWS::SecretsManager::Secret").items():
        yield name, secret["Properties"].get("KmsKeyId")
