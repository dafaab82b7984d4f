"""What clients can ask of webhooks: whether an address may be told, what signs a message, and what became of it."""

from dataclasses import dataclass
from typing import Self

from sluice.api.webhooks import DeliveryList, WebhookSecret
from sluice.config import MediaSettings, WebhookAddressSettings
from sluice.errors import InvalidRequestError, NotFoundError, UnsupportedParameterError
from sluice.pipeline.jobs.webhooks.deliveries import delivery_list
from sluice.pipeline.jobs.webhooks.message import secret_for
from sluice.stores.aws import AWS
from sluice.stores.credentials import CredentialStore
from sluice.stores.deliveries import DeliveryStore
from sluice.stores.job_records import Job
from sluice.stores.key_records import KeyRecord
from sluice.upstream.web_address import AddressError, web_address

PARAM = "webhook_url"


@dataclass(frozen=True, slots=True)
class WebhookDesk:
    """The parts that this takes. Every method raises ``OverloadedError`` when AWS throttles or cannot be reached."""

    settings: WebhookAddressSettings
    credentials: CredentialStore
    logs: DeliveryStore

    @classmethod
    def of(cls, settings: MediaSettings, credentials: CredentialStore, aws: AWS) -> Self:
        """Put the parts together."""
        return cls(settings, credentials, DeliveryStore(aws, settings.jobs_table))

    async def check(self, address: str) -> None:
        """Refuse an address that nothing would be sent to, when it is given; what its name leads to is not looked up.

        Raises:
            InvalidRequestError: it may not be called.
            UnsupportedParameterError: the gateway tells nobody.
        """
        try:
            web_address(address, self.settings.webhook_hosts)
        except AddressError as error:
            raise InvalidRequestError(f"'{PARAM}' cannot be called. {error}", param=PARAM) from error
        if await self._master() is None:
            raise UnsupportedParameterError(
                f"This gateway sends no webhooks: its operator has not set {self.settings.webhook_secret}.",
                param=PARAM,
            )

    async def secret(self, key: KeyRecord) -> WebhookSecret:
        """What messages about the jobs of an API key are signed with.

        Raises:
            NotFoundError: the gateway sends none.
        """
        master = await self._master()
        if master is None:
            raise NotFoundError("This gateway sends no webhooks.")
        return WebhookSecret(secret=secret_for(master, key.digest))

    async def deliveries(self, job: Job) -> DeliveryList:
        """What became of the message about a job."""
        return delivery_list(job, await self.logs.get(job.id))

    async def forget(self, job_id: str) -> None:
        """Drop what is known of the deliveries of a job that is deleted."""
        await self.logs.forget(job_id)

    async def _master(self) -> str | None:
        found = await self.credentials.get(self.settings.webhook_secret)
        return found if isinstance(found, str) else None
