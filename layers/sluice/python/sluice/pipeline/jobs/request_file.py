"""What a job's ``request.json`` holds: what the client wants, who may make it, and at what price.

It lies in the bucket, because a prompt is nobody's business: not in a table, an execution's history or a log.
Prices are those of the moment at which money was held, whatever the catalogue says when the job is done.
"""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sluice.api.images_request import ImagesRequest
from sluice.api.validation import validate
from sluice.api.videos_request import VideosRequest

MOST_BYTES = 16 * 1024 * 1024
"""More than any request has: no function takes an event of more than 6 MB."""


class RequestFileError(Exception):
    """It is of another version, or no request at all. Nothing of what is in it is told."""


class JobLeg(BaseModel):
    """A candidate that may make it, with its price: USD for each picture or second; None where it has none."""

    model_config = ConfigDict(frozen=True)

    provider: str
    model: str
    price: Decimal | None = None


class RequestFile(BaseModel):
    """A job's request.

    Attributes:
        request: the client's, as it was understood; a video's with its ``seconds``.
        model: the catalogue's id.
        legs: by preference; ``Job.leg`` and ``Output.leg`` are positions among them.
        callback_secret: in the address that a provider may call; nobody else knows it.
        key_digest: of the API key, which the secret of its webhooks is made of.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    request: dict[str, Any]
    model: str
    legs: tuple[JobLeg, ...]
    callback_secret: str | None = None
    key_digest: str | None = None

    @property
    def images(self) -> ImagesRequest:
        """The request of a job that makes pictures."""
        return validate(ImagesRequest, self.request)

    @property
    def videos(self) -> VideosRequest:
        """The request of a job that makes a video."""
        return validate(VideosRequest, self.request)

    @property
    def prompt(self) -> str:
        """What the client wants to see."""
        return str(self.request["prompt"])

    @property
    def webhook_url(self) -> str | None:
        """Who wants to be told; None for nobody."""
        found = self.request.get("webhook_url")
        return str(found) if found else None


def request_in(content: bytes) -> RequestFile:
    """The request that lies in a file.

    Raises:
        RequestFileError: none does that is understood here.
    """
    try:
        return RequestFile.model_validate_json(content)
    except ValidationError as error:
        raise RequestFileError(f"the request cannot be read: {error.error_count()} fault(s)") from None
