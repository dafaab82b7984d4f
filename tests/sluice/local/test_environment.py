"""The environment that all functions share."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from sluice.local.blueprint import Function, Resolved
from sluice.local.environment import EnvironmentConflictError, local_environment
from sluice.stores.access import Endpoint

ENDPOINT = Endpoint("http://127.0.0.1:1234", "us-east-1")
OUTPUTS = {"Keys": "keys-1", "Prefix": "stack/", "Limit": "120"}


def function(name: str, **variables: str | Resolved) -> Function:
    return Function(name, Path(), (), variables)


def made(*functions: Function, user: Mapping[str, str] | None = None) -> dict[str, str]:
    return local_environment(user or {}, functions, OUTPUTS, ENDPOINT)


def test_what_names_a_resource_comes_from_the_stack_whatever_the_user_set() -> None:
    chat = function("Chat", SLUICE_KEYS_TABLE=Resolved("Keys"))
    assert made(chat, user={"SLUICE_KEYS_TABLE": "real"})["SLUICE_KEYS_TABLE"] == "keys-1"


def test_a_plain_setting_is_the_users_if_there_is_one() -> None:
    chat = function("Chat", SLUICE_TIMEOUT_SECONDS="30")
    assert made(chat)["SLUICE_TIMEOUT_SECONDS"] == "30"
    assert made(chat, user={"SLUICE_TIMEOUT_SECONDS": "3"})["SLUICE_TIMEOUT_SECONDS"] == "3"


def test_what_comes_of_a_parameter_is_the_users_if_there_is_one() -> None:
    limited = Resolved("Limit", adjustable=True)
    functions = function("Chat", SLUICE_IP_RPM=limited), function("Models", SLUICE_IP_RPM=limited)
    assert made(*functions)["SLUICE_IP_RPM"] == "120"
    assert made(*functions, user={"SLUICE_IP_RPM": "0"})["SLUICE_IP_RPM"] == "0"


def test_functions_may_share_a_variable_but_not_differ_in_it() -> None:
    assert made(function("A", X="1"), function("B", X="1", Y="2"))["Y"] == "2"
    with pytest.raises(EnvironmentConflictError, match=r"A and C set X"):
        made(function("A", X="1"), function("B", X="1"), function("C", X="2"))


def test_there_are_no_metrics_whatever_template_and_user_say() -> None:
    chat = function("Chat", POWERTOOLS_METRICS_NAMESPACE=Resolved("Prefix"))
    found = made(chat, user={"POWERTOOLS_METRICS_NAMESPACE": "mine"})
    assert found["POWERTOOLS_METRICS_NAMESPACE"] == ""


def test_provider_keys_pass_and_come_from_nowhere_else() -> None:
    found = made(
        function("Chat", SLUICE_SECRETS_PREFIX=Resolved("Prefix")),
        user={"OPENAI_API_KEY": "k", "SLUICE_SECRETS_PREFIX": "mine/"},
    )
    assert found["OPENAI_API_KEY"] == "k"
    assert found["SLUICE_SECRETS_PREFIX"] == ""


def test_the_key_of_bedrock_is_a_providers_key() -> None:
    assert made(user={"AWS_BEARER_TOKEN_BEDROCK": "k"})["AWS_BEARER_TOKEN_BEDROCK"] == "k"


def test_the_users_own_account_is_for_providers_alone() -> None:
    account = {
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "AWS_SESSION_TOKEN": "t",
        "AWS_REGION": "eu-west-1",
    }
    found = made(user=account | {"AWS_PROFILE": "work"})
    assert {name: value for name, value in found.items() if name.startswith("SLUICE_PROVIDER_")} == {
        f"SLUICE_PROVIDER_{name}": value for name, value in account.items()
    }
    assert not set(account.values()) & {value for name, value in found.items() if name.startswith("AWS_")}


def test_a_secret_that_the_deployment_makes_up_is_there_unless_the_user_has_one() -> None:
    made_up = {"WEBHOOK_SECRET": "made up"}
    assert local_environment({}, (), OUTPUTS, ENDPOINT, made_up)["WEBHOOK_SECRET"] == "made up"
    own = local_environment({"WEBHOOK_SECRET": "own"}, (), OUTPUTS, ENDPOINT, made_up)
    assert own["WEBHOOK_SECRET"] == "own"


def test_nothing_of_the_users_aws_remains() -> None:
    found = made(
        user={
            "AWS_PROFILE": "work",
            "AWS_ACCESS_KEY_ID": "AKIAREAL",
            "AWS_SESSION_TOKEN": "t",
            "AWS_ENDPOINT_URL_DYNAMODB": "https://real",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
            "AWS_REGION": "eu-west-1",
        }
    )
    assert {name: value for name, value in found.items() if name.startswith("AWS_")} == {
        "AWS_ENDPOINT_URL": ENDPOINT.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_what_stands_in_for_aws_is_reached_without_a_proxy_wherever_it_listens() -> None:
    assert made(user={"NO_PROXY": "a.example"})["NO_PROXY"] == "a.example,127.0.0.1,localhost"
    elsewhere = Endpoint("http://172.17.0.1:1234", "us-east-1")
    assert local_environment({}, (), OUTPUTS, elsewhere)["no_proxy"] == "127.0.0.1,localhost,172.17.0.1"


def test_a_revoked_key_stops_at_once_unless_the_user_wants_a_cache() -> None:
    assert made()["SLUICE_KEY_CACHE_SECONDS"] == "0"
    assert made(user={"SLUICE_KEY_CACHE_SECONDS": "9"})["SLUICE_KEY_CACHE_SECONDS"] == "9"


def test_a_catalogue_is_found_wherever_the_process_goes() -> None:
    found = made(user={"SLUICE_CATALOG": "some/catalog.toml"})["SLUICE_CATALOG"]
    assert Path(found) == Path.cwd() / "some/catalog.toml"
    assert "SLUICE_CATALOG" not in made()


def test_no_proxy_stands_before_this_machine() -> None:
    found = made(user={"HTTP_PROXY": "http://proxy:1", "NO_PROXY": "example.com"})
    assert found["NO_PROXY"] == found["no_proxy"] == "example.com,127.0.0.1,localhost"
