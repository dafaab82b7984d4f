"""Where services are, held against botocore's own idea of it."""

import functools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import botocore.session
import pytest

from receiver import Receiver
from sluice.config import AWSVariables, ConfigurationError, aws_variables
from sluice.credentials import AWSCredentials
from sluice.local.streams import DYNAMODB_STREAMS
from sluice.stores.access import Endpoint, _chain, access_to, address_of, role_credentials
from sluice.stores.aws import AWS, DYNAMODB, SECRETS_MANAGER, STEP_FUNCTIONS, Service
from snapshot_credentials import environment_of, handing_out

VARIABLES = AWSVariables(
    region="eu-central-1", access_key="AKIA", secret_key="hush", session_token="token", endpoint_url=None
)


def regions() -> Iterator[tuple[str, str, str]]:
    session = botocore.session.get_session()
    for partition in session.get_available_partitions():
        for service in ("dynamodb", "secretsmanager"):
            for region in session.get_available_regions(service, partition):
                client = session.create_client(
                    service, region_name=region, aws_access_key_id="a", aws_secret_access_key="b"
                )
                yield service, region, client.meta.endpoint_url


def test_every_region_has_the_address_that_botocore_gives_it() -> None:
    known = list(regions())
    assert len(known) > 60
    assert [(service, region, address_of(service, region)) for service, region, _ in known] == known


async def test_lambdas_variables_are_all_it_takes() -> None:
    access = access_to("dynamodb", VARIABLES)
    assert (access.url, access.region) == ("https://dynamodb.eu-central-1.amazonaws.com", "eu-central-1")
    assert await access.credentials() == AWSCredentials("AKIA", "hush", "token")


async def test_an_endpoint_never_gets_the_users_credentials() -> None:
    access = access_to("dynamodb", VARIABLES, Endpoint("http://127.0.0.1:1", "us-east-1"))
    assert (await access.credentials()).access_key == "local"


async def test_providers_may_have_an_account_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ACCESS_KEY_ID", "own"), ("SECRET_ACCESS_KEY", "s"), ("REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    assert await role_credentials() == AWSCredentials("own", "s", None, "us-east-1")
    for name, value in (
        ("ACCESS_KEY_ID", "AKIA"),
        ("SECRET_ACCESS_KEY", "hush"),
        ("DEFAULT_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(f"SLUICE_PROVIDER_AWS_{name}", value)
    assert await role_credentials() == AWSCredentials("AKIA", "hush", None, "eu-west-1")


def test_no_repr_shows_a_secret() -> None:
    access = access_to("dynamodb", VARIABLES)
    assert "hush" not in repr(access) + repr(access.fixed) + repr(VARIABLES)


@pytest.fixture
def without_aws(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_PROFILE",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


async def test_elsewhere_botocores_chain_is_asked(without_aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="region"):
        access_to("dynamodb", aws_variables("DYNAMODB"))
    without_aws.setenv("AWS_REGION", "eu-west-1")
    access = access_to("dynamodb", aws_variables("DYNAMODB"))
    assert access.fixed is None
    with pytest.raises(ConfigurationError, match="credentials"):
        await access.credentials()
    profile = tmp_path / "credentials"
    profile.write_text("[default]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = hush\n")
    without_aws.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    assert await access.credentials() == AWSCredentials("AKIAPROFILE", "hush", None)


SERVICES = {
    "dynamodb": ("dynamodb", DYNAMODB.identifier),
    "dynamodbstreams": ("streams.dynamodb", DYNAMODB_STREAMS.identifier),
    "secretsmanager": ("secretsmanager", SECRETS_MANAGER.identifier),
    "stepfunctions": ("states", STEP_FUNCTIONS.identifier),
    "s3": ("s3", "S3"),
    "cloudformation": ("cloudformation", "CLOUDFORMATION"),
}
"""The services that are asked, by botocore's names of them: their hosts and AWS's identifiers."""

ALL, OWN = "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_{}"
IGNORED = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        ({ALL: "http://all:1"}, "http://all:1"),
        ({ALL: "http://all:1", OWN: "http://own:1"}, "http://own:1"),
        ({OWN: "http://own:1"}, "http://own:1"),
        ({ALL: ""}, None),
        ({ALL: "", OWN: ""}, None),
        ({ALL: "http://all:1", OWN: ""}, "http://all:1"),
        ({ALL: "", OWN: "http://own:1"}, "http://own:1"),
        ({ALL: "http://all:1", IGNORED: "True"}, None),
        ({OWN: "http://own:1", IGNORED: "true"}, None),
        ({ALL: "http://all:1", IGNORED: "false"}, "http://all:1"),
        ({ALL: "http://all:1", IGNORED: "1"}, "http://all:1"),
        ({ALL: "http://all:1", IGNORED: ""}, "http://all:1"),
    ],
    ids=str,
)
@pytest.mark.parametrize("service", SERVICES)
def test_endpoint_variables_mean_what_they_mean_to_botocore(
    without_aws: pytest.MonkeyPatch, service: str, settings: dict[str, str], expected: str | None
) -> None:
    host, identifier = SERVICES[service]
    without_aws.delenv(ALL, raising=False)
    for name, value in settings.items():
        without_aws.setenv(name.format(identifier), value)
    assert aws_variables(identifier).endpoint_url == expected
    client = session().create_client(
        service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    assert client.meta.endpoint_url == (expected or address_of(host, "eu-west-1"))


@functools.cache
def session() -> botocore.session.Session:
    """One for all: it reads the descriptions of services but once."""
    return botocore.session.get_session()


@pytest.mark.parametrize("service", [DYNAMODB, SECRETS_MANAGER, STEP_FUNCTIONS], ids=lambda one: one.name)
def test_a_client_goes_where_the_variable_of_its_service_says(
    without_aws: pytest.MonkeyPatch, service: Service
) -> None:
    without_aws.setenv("AWS_REGION", "eu-west-1")
    without_aws.setenv(OWN.format(service.identifier), "http://own:1")
    with closing(AWS()) as aws:
        clients = {"dynamodb": aws.dynamodb, "secretsmanager": aws.secretsmanager, "states": aws.states}
        assert {name for name, client in clients.items() if client.access.url == "http://own:1"} == {
            service.name
        }


@pytest.fixture
def chain_forgotten() -> Iterator[None]:
    """Botocore's chain is asked anew, and what it finds here is found nowhere else."""
    _chain.cache_clear()
    yield
    _chain.cache_clear()


@pytest.mark.usefixtures("chain_forgotten")
async def test_a_process_that_comes_of_a_snapshot_asks_for_credentials_as_often_as_they_end(
    without_aws: pytest.MonkeyPatch,
) -> None:
    ending, lasting = handing_out("AKIAENDING", seconds=30), handing_out("AKIALASTING", seconds=3600)
    with Receiver(ending, lasting, tls=None) as receiver:
        for name, value in environment_of(receiver).items():
            without_aws.setenv(name, value)
        access = access_to("dynamodb", aws_variables("DYNAMODB"))
        assert (access.fixed, receiver.received) == (None, [])
        for _ in range(3):
            last = await access.credentials()
        assert last == AWSCredentials("AKIALASTING", "hush", "session")
        assert (await role_credentials()).access_key == "AKIALASTING"
        assert len(receiver.received) == 2


@pytest.mark.usefixtures("chain_forgotten")
async def test_credentials_that_are_known_take_no_thread(without_aws: pytest.MonkeyPatch) -> None:
    with Receiver(handing_out("AKIALASTING", seconds=3600), tls=None) as receiver:
        for name, value in environment_of(receiver).items():
            without_aws.setenv(name, value)
        access = access_to("dynamodb", aws_variables("DYNAMODB"))
        known = await access.credentials()
        without_aws.delattr("asyncio.to_thread")
        assert await access.credentials() == known
