"""A key of one's own: what it encrypts, and who may use it."""

from collections.abc import Callable
from typing import Any

import pytest

from option_values import KEY, KEY_BEFORE
from template_parts import functions
from template_values import Chosen

ENCRYPTED: dict[str, Callable[[Any], Any]] = {
    "AWS::DynamoDB::Table": lambda found: found["SSESpecification"]["KMSMasterKeyId"],
    "AWS::Lambda::Function": lambda found: found["KmsKeyArn"],
    "AWS::Logs::LogGroup": lambda found: found["KmsKeyId"],
    "AWS::S3::Bucket": lambda found: found["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
        "ServerSideEncryptionByDefault"
    ]["KMSMasterKeyID"],
    "AWS::SecretsManager::Secret": lambda found: found["KmsKeyId"],
}
"""Everything that holds data of clients and takes a key, with where it says so."""
OTHERWISE: dict[str, Callable[[Any], bool]] = {
    "AWS::SNS::Topic": lambda found: found["KmsMasterKeyId"] == {"Fn::GetAtt": ["AlarmKey", "Arn"]},
    "AWS::SQS::Queue": lambda found: found["SqsManagedSseEnabled"] is True,
}
"""What names things and tells nothing, and is encrypted with AWS's key or one of its own."""


def test_all_that_holds_data_is_encrypted_with_it(translated: dict[str, Any]) -> None:
    made = Chosen(translated, {"KmsKeyArn": KEY, "AlarmEmail": "ops@example.com"}).resources
    seen = set()
    for name, found in made.items():
        kind = found["Type"]
        if kind in ENCRYPTED:
            assert ENCRYPTED[kind](found["Properties"]) == KEY, name
            seen.add(kind)
        elif kind in OTHERWISE:
            assert OTHERWISE[kind](found["Properties"]), name
            seen.add(kind)
    assert seen == ENCRYPTED.keys() | OTHERWISE.keys()


def test_without_one_nothing_speaks_of_it(translated: dict[str, Any]) -> None:
    made = Chosen(translated, {}).resources
    assert not {"UseOfKey", "UseOfKeyForFiles", "UseOfPreviousKey"} & made.keys()
    settings = made.pop("Settings")["Properties"]["Content"]
    assert "KmsKeyArn: \n" in settings
    assert "kms" not in str(made).lower()


def test_every_function_may_decrypt_and_who_writes_files_may_encrypt(
    template: dict[str, Any], translated: dict[str, Any]
) -> None:
    made = Chosen(translated, {"KmsKeyArn": KEY, "PreviousKmsKeyArn": KEY_BEFORE}).resources
    writing = {
        name for name, found in functions(template).items() if "s3:PutObject" in str(found["Policies"])
    }
    for policy, action, key, holders in (
        ("UseOfKey", "kms:Decrypt", KEY, functions(template).keys()),
        ("UseOfPreviousKey", "kms:Decrypt", KEY_BEFORE, functions(template).keys()),
        ("UseOfKeyForFiles", "kms:GenerateDataKey", KEY, writing),
    ):
        properties = made[policy]["Properties"]
        (statement,) = properties["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Allow", action, key)
        roles = [role["Ref"] for role in properties["Roles"]]
        assert sorted(roles) == sorted(f"{name}Role" for name in holders)


@pytest.mark.parametrize("values", [{}, {"KmsKeyArn": KEY}], ids=["taken away", "changed"])
def test_the_key_before_is_decrypted_with_and_nothing_else(
    values: dict[str, str], translated: dict[str, Any]
) -> None:
    before = Chosen(translated, values).resources
    made = Chosen(translated, {**values, "PreviousKmsKeyArn": KEY_BEFORE}).resources
    policy = made.pop("UseOfPreviousKey")
    assert str(policy).count(KEY_BEFORE) == 1
    assert {name: each["Properties"] for name, each in made.items()} == {
        name: each["Properties"] for name, each in before.items()
    }
