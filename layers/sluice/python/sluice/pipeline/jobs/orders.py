"""A request for a job, as it is understood before anything is held: what it wants, who can make it, what it costs.

And what is written down of it then: the job, and the request that lies in the bucket.
"""

import math
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sluice.accounting.media import cost_of
from sluice.api.model_request import ModelRequest
from sluice.catalog import ModelRow
from sluice.pipeline.admit import Admission
from sluice.pipeline.hashes import request_hash
from sluice.pipeline.jobs.candidates import Maker, Wanted, makers_of
from sluice.pipeline.jobs.media import Medium
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.limits import limits_of
from sluice.pipeline.path import Call
from sluice.pipeline.route import choices_of, wanted_providers
from sluice.pipeline.route_headers import MODEL
from sluice.stores.job_records import LEADS, Job, JobKind
from sluice.stores.keys import KeyRecord
from sluice.wire.header_text import header_text

REQUEST_LEAD: Final = "req_"
ABOUT_THE_REPLY: Final = frozenset({"async", "response_format", "user", "webhook_url"})
"""Members that say nothing of what is to be made."""
WEBHOOK: Final = "webhook_url"
DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Order[Request: ModelRequest]:
    """A valid request.

    Attributes:
        key: whose.
        medium: what kind of job it makes.
        request: what is wanted, with what the client has left to the model.
        model: the catalogue's id.
        makers: who can make it, by preference.
        request_hash: of the body.
        input_hash: of what is to be made.
        amount: what it costs at most, in nano-USD.
        now: epoch seconds.
        deadline: by when it has to be taken, by the loop's clock.
    """

    key: KeyRecord
    medium: Medium[Request]
    request: Request
    model: str
    makers: tuple[Maker, ...]
    request_hash: str
    input_hash: str
    amount: int
    now: float
    deadline: float


async def understood[Request: ModelRequest](
    studio: Studio,
    call: Call,
    raw: dict[str, Any],
    medium: Medium[Request],
    key: KeyRecord,
    deadline: float,
) -> Order[Request]:
    """Understand a request, and find who can make what it asks for.

    Raises:
        SluiceError: it is refused; nothing is held for it.
    """
    gateway, now = studio.gateway, time.time()
    request = medium.understood(raw)
    call.record.asked_model = request.model
    (choice,) = await choices_of(gateway.models, request, medium.MODELS, key, falls_back=False)
    row = choice.row
    if request.model in row.names:
        call.record.turns_to(row.id, None)
    else:
        call.record.turns_to(row.id, request.model)
        call.headers[MODEL] = header_text(row.id)
    providers = wanted_providers(call.providers, gateway.catalog, [choice])
    settled = medium.settled(request, _likely(row, providers))
    if (address := getattr(request, WEBHOOK, None)) is not None:
        await studio.webhooks.check(address)
    wanted = Wanted(
        request=request,
        settled=settled,
        bounded=limits_of(key).budget is not None,
        providers=providers,
        id=job_id_of(call.record.request_id, medium.KIND),
        now=now,
    )
    makers = tuple(await makers_of(gateway, medium, wanted, choice))
    dearest = max((maker.price for maker in makers if maker.price is not None), default=None)
    return Order(
        key=key,
        medium=medium,
        request=settled,
        model=row.id,
        makers=makers,
        request_hash=await request_hash(raw, len(call.body)),
        input_hash=await request_hash(_input(settled), len(call.body)),
        amount=0 if dearest is None else cost_of([(dearest, medium.pieces(settled))]),
        now=now,
        deadline=deadline,
    )


def _likely(row: ModelRow, providers: Sequence[str] | None) -> ModelRow:
    """The row as the first candidate has it of those that may make it."""
    likely = [each for each in row.candidates if providers is None or each.provider in providers]
    return row.served_by((likely or row.candidates)[0])


def _input(request: ModelRequest) -> dict[str, Any]:
    members = request.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {name: value for name, value in members.items() if name not in ABOUT_THE_REPLY}


def request_file[Request: ModelRequest](order: Order[Request]) -> RequestFile:
    """What is kept of a request; each has a secret of its own."""
    request = order.request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return RequestFile(
        request=request,
        model=order.model,
        legs=tuple(maker.leg for maker in order.makers),
        callback_secret=secrets.token_urlsafe(32) if order.medium.KIND == "video" else None,
        key_digest=order.key.digest if request.get(WEBHOOK) else None,
    )


def job_of[Request: ModelRequest](studio: Studio, order: Order[Request], admission: Admission) -> Job:
    """The job that an admitted request makes."""
    medium, now = order.medium, order.now
    lasts = min(medium.job_seconds(studio.settings), medium.MACHINE_SECONDS)
    return Job(
        id=job_id_of(admission.request_id, medium.KIND),
        request_id=admission.request_id,
        key_id=order.key.id,
        owner=order.key.owner,
        kind=medium.KIND,
        state="queued",
        model=order.model,
        count=medium.count(order.request),
        hold=admission.hold,
        created_at=int(now * 1000),
        deadline=math.ceil(now + lasts),
        expires_at=math.ceil(now) + studio.settings.output_days * DAY_SECONDS,
        request_hash=order.request_hash,
        input_hash=order.input_hash,
        seconds=medium.seconds(order.request),
        size=medium.size(order.request, order.makers[0].row),
        has_webhook=bool(getattr(order.request, WEBHOOK, None)),
    )


def job_id_of(request_id: str, kind: JobKind) -> str:
    """The id of the job that a request makes."""
    return LEADS[kind] + request_id.removeprefix(REQUEST_LEAD)
