"""How a candidate of a job's request is reached, when its turn comes.

The request names candidates and prices only. Addresses, credentials and what the catalogue tells of a model are as they
are now: a secret may have been replaced since.
"""

from dataclasses import dataclass

from sluice.catalog import Candidate, ModelRow
from sluice.config import ConfigurationError
from sluice.errors import UpstreamError
from sluice.observability import logger
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.live_catalog import LiveCatalog
from sluice.pipeline.route import CredentialSource, target_of
from sluice.providers.contract import ImageOperation, Provider, Target, VideoOperation
from sluice.providers.registry import provider_of
from sluice.stores.aws import AWSError
from sluice.upstream.client import Upstream


@dataclass(frozen=True, slots=True)
class Reach:
    """What it takes to ask providers."""

    models: LiveCatalog
    credentials: CredentialSource
    upstream: Upstream


@dataclass(frozen=True, slots=True)
class Way:
    """A candidate that can be asked; ``leg`` is its position in the request."""

    leg: int
    provider: Provider
    target: Target

    @property
    def images(self) -> ImageOperation:
        """How it makes pictures.

        Raises:
            UpstreamError: not at all.
        """
        if self.provider.images is None:
            raise UpstreamError("The provider makes no images.", retriable=False)
        return self.provider.images

    @property
    def videos(self) -> VideoOperation:
        """How it makes videos.

        Raises:
            UpstreamError: not at all.
        """
        if self.provider.videos is None:
            raise UpstreamError("The provider makes no videos.", retriable=False)
        return self.provider.videos


async def way_to(reach: Reach, request: RequestFile, leg: int) -> Way:
    """The way to a candidate.

    Raises:
        SluiceError: it cannot be asked: its credential is gone or cannot be read, or the catalogue has it no more.
    """
    wanted = request.legs[leg]
    catalog = reach.models.file
    if wanted.provider not in catalog.providers:
        raise UpstreamError("The provider is not in the catalogue any more.", retriable=False)
    try:
        row, candidate = await _row_of(reach.models, request.model, wanted.provider, wanted.model)
        target = await target_of(catalog, row, candidate, reach.credentials)
    except (ConfigurationError, AWSError) as error:
        logger.error("provider %s cannot be used", wanted.provider, exc_info=error)
        raise UpstreamError("The provider's credential cannot be read.") from error
    return Way(leg, provider_of(catalog.providers[wanted.provider]), target)


async def _row_of(models: LiveCatalog, name: str, provider: str, model: str) -> tuple[ModelRow, Candidate]:
    """The model's row as the candidate has it, even if the catalogue has lost either since the job was made."""
    row = await models.find(name)
    for candidate in row.candidates if row is not None else ():
        if (candidate.provider, candidate.model) == (provider, model) and row is not None:
            return row.served_by(candidate), candidate
    alone = Candidate(provider=provider, model=model)
    return ModelRow(id=name, candidates=(alone,)), alone
