"""The one place that reads the environment.

``Settings`` is frozen and built once, by whoever composes the parts (a function's application, the command, a
test), and passed in; a missing or malformed variable fails by its name.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from sluice.setting_values import Delays, Hosts, JobKind, Origins

PREFIX = "SLUICE_"

Seconds = Annotated[float, Field(gt=0)]


class ConfigurationError(Exception):
    """The environment lacks a variable or holds one that cannot be used; the message names it."""


class EnvironmentSettings(BaseModel):
    """Settings out of variables: each field is ``SLUICE_<FIELD>``."""

    # Each function has settings of one kind: those of the others are not built.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Build the settings from ``environment`` (the process's own by default).

        An empty variable counts as absent, because a template cannot leave one out.

        Raises:
            ConfigurationError: naming each variable at fault.
        """
        source = os.environ if environment is None else environment
        named = {name: source.get(PREFIX + name.upper(), "") for name in cls.model_fields}
        try:
            return cls.model_validate({name: value for name, value in named.items() if value})
        except ValidationError as error:
            faults = "; ".join(
                "".join(f"{PREFIX}{str(place).upper()}: " for place in fault["loc"][:1]) + fault["msg"]
                for fault in error.errors()
            )
            raise ConfigurationError(faults) from error


class CatalogSettings(EnvironmentSettings):
    """What a function that only shows the catalogue needs."""

    catalog: Path | None = None
    """A catalogue file that replaces the shipped one."""


class CountersSettings(EnvironmentSettings):
    """What a function that counts needs."""

    counters_table: str
    """Name of the table that holds what keys and addresses have used of their limits."""


class AddressSettings(CountersSettings):
    """What a function that clients can reach needs."""

    ip_rpm: Annotated[int, Field(ge=0)] = 120
    """Requests a minute that each client address may make; 0 is no limit."""

    cors_origins: Origins = frozenset()
    """Origins whose pages a browser lets read replies, separated by commas: ``*`` for all, none for none. A key travels
    in a header that a page sets and never in a cookie, so all are safe."""


class DocsSettings(AddressSettings):
    """What the function of the documentation needs."""


class ModelTableSettings(CatalogSettings):
    """What a function that knows all models needs."""

    models_table: str
    """Name of the table of models beside the catalogue's, and of how all are."""

    models_cache_seconds: Annotated[float, Field(ge=0)] = 60
    """How long what that table has is believed."""


class ModelsSettings(ModelTableSettings, AddressSettings):
    """What the function of the model endpoints needs."""


class SecretsSettings(EnvironmentSettings):
    """What a function that asks providers needs."""

    secrets_prefix: str | None = None
    """Where provider credentials lie in Secrets Manager, as ``<prefix><credential name>``; without it they are
    environment variables of that name."""


class ProviderCheckSettings(ModelTableSettings, SecretsSettings):
    """What a function that asks providers for their models, or how they are, needs."""


class AccountingSettings(CountersSettings):
    """What a function that ends holds needs."""

    ledger_table: str
    """Name of the table of settled requests."""


class ReconcileSettings(AccountingSettings):
    """What the function that compares counters with the ledger needs."""

    keys_table: str
    """Name of the DynamoDB table that holds the key records."""


class RollUpSettings(EnvironmentSettings):
    """What the function that adds up the ledger needs."""

    ledger_table: str
    """Name of the table of settled requests."""

    usage_table: str
    """Name of the table of what they add up to."""


class Settings(ModelsSettings, SecretsSettings, AccountingSettings):
    """What a function that answers with models needs."""

    keys_table: str
    """Name of the DynamoDB table that holds the key records."""

    idempotency_table: str
    """Name of the table of requests that came with an Idempotency-Key."""

    key_cache_seconds: Annotated[float, Field(ge=0)] = 5
    """How long a key record is believed without asking the table again: a revoked key works on that long."""

    key_cache_size: Annotated[int, Field(gt=0)] = 10_000
    """How many key records, known and unknown, are remembered."""

    hold_seconds: Seconds = 960
    """How long money stays held for a request that nobody ends. Longer than any function can run (900 s), so that a
    hold that is older belongs to a process that is dead, whatever clocks say."""

    idempotency_seconds: Annotated[int, Field(gt=0)] = 86_400
    """How long the reply to a request with an Idempotency-Key is kept."""

    timeout_seconds: Seconds = 30
    """Deadline of a request whose reply is not streamed."""

    stream_timeout_seconds: Seconds = 300
    """Deadline of a request whose reply is streamed, from when it is complete to the provider's last byte."""

    search_seconds: Seconds = 4
    """How long search engines have to answer, of a request's own time; what has not come by then is done without."""

    first_byte_seconds: Seconds = 30
    """How long a provider may take to begin a streamed reply while another one could still be asked for it; a model
    that thinks before it answers may take two thirds of the request's time."""

    retries: Annotated[int, Field(ge=0)] = 2
    """How many attempts a request has beyond one for each candidate of its model, where they fail."""

    circuit_failures: Annotated[int, Field(gt=0)] = 3
    """After so many failures in succession a provider's model is asked last, until it has cooled down."""

    circuit_seconds: Seconds = 30
    """How long it cools down; then one request finds out how it is."""

    circuit_read_seconds: Seconds = 15
    """How often an environment looks at what others have found out, after a request that had a choice."""

    keep_alive_seconds: Seconds = 15
    """Silence on a stream after which a comment line is sent."""

    max_body_bytes: Annotated[int, Field(gt=0)] = 6 * 1024 * 1024
    """Largest request body; Lambda takes no larger event than 6 MB."""

    @model_validator(mode="after")
    def _holds_outlast_requests(self) -> Self:
        if self.hold_seconds <= max(self.timeout_seconds, self.stream_timeout_seconds):
            raise PydanticCustomError(
                "hold_seconds", "SLUICE_HOLD_SECONDS has to be longer than both deadlines of requests"
            )
        return self


class JobStoreSettings(EnvironmentSettings):
    """What a function that reads jobs needs."""

    jobs_table: str
    """Name of the table of jobs."""

    jobs_bucket: str
    """Name of the bucket that has their requests and their files."""


class ClosingSettings(JobStoreSettings, AccountingSettings):
    """What a function that ends jobs needs."""

    webhooks_machine: str
    """ARN of the state machine that tells clients' addresses of it."""


class TaskSettings(ClosingSettings, ModelTableSettings, SecretsSettings):
    """What the function that carries jobs out needs."""

    public_url: str | None = None
    """Where providers reach the gateway, to call back; without it they are only asked."""

    max_image_bytes: Annotated[int, Field(gt=0)] = 32 * 1024 * 1024
    """The largest picture that is stored."""

    max_video_bytes: Annotated[int, Field(gt=0)] = 128 * 1024 * 1024
    """The largest video; a function has it whole in its memory."""

    poll_seconds: Annotated[float, Field(ge=0)] = 2
    """How long a provider is left alone before it is first asked how a video is; longer the longer it takes."""

    longest_poll_seconds: Annotated[float, Field(ge=0)] = 30
    """The longest pause between two such questions."""

    ipfs_api: str | None = None
    """Address of an IPFS service's RPC API, such as https://ipfs.example.com:5001, or Pinata's,
    https://uploads.pinata.cloud/v3; what is made is pinned there too, and so public for good. None pins nothing."""

    ipfs_credential: str | None = None
    """Name of the credential of that service, as providers' are called; None where it wants none."""


class WebhookAddressSettings(EnvironmentSettings):
    """What a function needs that takes clients' addresses, or calls them."""

    webhook_secret: str = "WEBHOOK_SECRET"  # noqa: S105 - the name of one
    """Name of the credential that the secrets of keys' webhooks are made of."""

    webhook_hosts: Hosts = frozenset()
    """Hosts, as ``name:port`` and separated by commas, that may be told although they are not public or speak no https:
    an operator's own. Any other has to be public."""


class MediaSettings(Settings, ClosingSettings, WebhookAddressSettings):
    """What a function that takes jobs from clients, and shows them, needs."""

    link_seconds: Annotated[int, Field(ge=1, le=7 * 86_400)] = 3600
    """How long a link to a file works; it ends with the function's own credentials, if they end before."""

    ipfs_gateway: str = "https://ipfs.io"
    """Where links to what is pinned to IPFS lead."""

    output_days: Annotated[int, Field(gt=0)] = 30
    """How long jobs and their files are kept."""

    image_timeout_seconds: Seconds = 120
    """How long a client that wants its pictures at once waits for them; what is not there by then is cancelled."""

    image_job_seconds: Seconds = 600
    """How long pictures may take that the client does not wait for."""

    video_job_seconds: Seconds = 3600
    """How long a video may take."""

    def machine_of(self, kind: JobKind) -> str:
        """ARN of the state machine that carries out jobs of a kind.

        Raises:
            ConfigurationError: the function has nothing to do with those.
        """
        raise ConfigurationError(f"{type(self).__name__} knows no state machine of {kind} jobs")


class ImagesSettings(MediaSettings):
    """What the function of pictures needs."""

    images_machine: str
    """ARN of the state machine that makes pictures."""

    def machine_of(self, kind: JobKind) -> str:
        """See there."""
        return self.images_machine if kind == "image" else super().machine_of(kind)


class VideosSettings(MediaSettings):
    """What the function of videos needs."""

    videos_machine: str
    """ARN of the state machine that makes videos."""

    def machine_of(self, kind: JobKind) -> str:
        """See there."""
        return self.videos_machine if kind == "video" else super().machine_of(kind)


class WebhookSettings(JobStoreSettings, SecretsSettings, WebhookAddressSettings):
    """What the function that tells clients' addresses of jobs needs."""

    webhook_delays: Annotated[Delays, Field(max_length=19)] = (
        *(5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600),
        *(10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600),
    )
    """Seconds before each further attempt after one that failed, separated by commas; up to a fifth is added by chance.
    These are what the specification of Standard Webhooks suggests: three days in all."""


def environment_credential(name: str) -> str | None:
    """A provider credential from the variable that the catalogue names, or None when it is unset or empty."""
    return os.environ.get(name, "").strip() or None


def metrics_namespace() -> str | None:
    """Where metrics go, from the variable that Powertools has for it; None where none are asked for."""
    return os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or None


class AWSVariables(BaseModel):
    """What the environment says about AWS, by AWS's own names; on Lambda all of it is set."""

    model_config = ConfigDict(frozen=True)

    region: str | None
    access_key: str | None
    secret_key: Annotated[str | None, Field(repr=False)]
    session_token: Annotated[str | None, Field(repr=False)]
    endpoint_url: str | None


PROVIDER_PREFIX = "SLUICE_PROVIDER_"
"""Before AWS's names of variables: the account that providers are called with, where it is not the gateway's own."""


def provider_account() -> AWSVariables:
    """What the environment says of an account for providers alone: the development server's user has one."""
    read = os.environ.get
    return AWSVariables(
        region=read(PROVIDER_PREFIX + "AWS_REGION") or read(PROVIDER_PREFIX + "AWS_DEFAULT_REGION") or None,
        access_key=read(PROVIDER_PREFIX + "AWS_ACCESS_KEY_ID") or None,
        secret_key=read(PROVIDER_PREFIX + "AWS_SECRET_ACCESS_KEY") or None,
        session_token=read(PROVIDER_PREFIX + "AWS_SESSION_TOKEN") or None,
        endpoint_url=None,
    )


def aws_variables(service: str) -> AWSVariables:
    """Region, credentials and endpoint for a service, by AWS's identifier of it in names of variables.

    That is ``DYNAMODB``, ``SECRETS_MANAGER`` or ``SFN``, for one; an empty one is for none in particular. An empty
    variable is as good as none.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    read = os.environ.get
    ignored = read("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"
    own = read(f"AWS_ENDPOINT_URL_{service}") if service else None
    endpoint = own or read("AWS_ENDPOINT_URL")
    return AWSVariables(
        region=read("AWS_REGION") or read("AWS_DEFAULT_REGION") or None,
        access_key=read("AWS_ACCESS_KEY_ID") or None,
        secret_key=read("AWS_SECRET_ACCESS_KEY") or None,
        session_token=read("AWS_SESSION_TOKEN") or None,
        endpoint_url=None if ignored else endpoint or None,
    )
