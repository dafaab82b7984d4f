"""OpenAI's images format.

Source: https://platform.openai.com/docs/api-reference/images/create. A picture comes in base64 or as an address,
whatever was asked for: hosts differ, and each is taken as it is.
"""

from typing import Any, Final

from sluice.api.images_request import ImagesRequest
from sluice.providers.contract import Media, ProviderCall, UpstreamRequest
from sluice.providers.features import HINTS
from sluice.providers.media_features import NEUTRAL, OWN, SIZE
from sluice.providers.openai.express import rename
from sluice.providers.openai.image_dialect import ANY, MOST_SEED, ImageDialect
from sluice.providers.openai.replies import reply_object
from sluice.providers.openai.requests import post
from sluice.providers.pictures import (
    SEED,
    check_range,
    check_value,
    decoded,
    linked,
    no_such_size,
    none_made,
    pixels_of,
    seed_of,
)
from sluice.providers.reading import objects_of

type Call = ProviderCall[ImagesRequest]

FEATURES: Final = ANY.features


def upstream_request(call: Call, index: int, dialect: ImageDialect = ANY) -> UpstreamRequest:
    """A request for one picture in a host's words, for the candidate's model.

    Raises:
        InvalidRequestError: a value that the host does not take.
    """
    request = call.request
    given = request.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    body: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if name not in OWN and value not in NEUTRAL and (name not in HINTS or name in dialect.hints)
    }
    for name, words in dialect.words.items():
        check_value(name, body.get(name), *words)
    for name, (least, most) in dialect.ranges.items():
        check_range(name, body.get(name), least, most)
    if request.seed is not None:
        body[SEED] = seed_of(request, index, dialect.ranges.get(SEED, (0, MOST_SEED))[1])
    _say_size(body, request, dialect)
    rename(body, dialect.renamed)
    return post(
        call.target, "/images/generations", {"prompt": request.prompt, "n": 1, **body, **dialect.inline}
    )


def _say_size(body: dict[str, Any], request: ImagesRequest, dialect: ImageDialect) -> None:
    pixels = pixels_of(request)
    if pixels is None:
        return
    if dialect.pixels:
        del body[SIZE]
        for name, value in zip(("width", "height"), pixels, strict=True):
            least, most = dialect.ranges.get(name, (1, 99_999))
            if not least <= value <= most:
                raise no_such_size(request, f"{name}s are from {least} to {most}")
            body[name] = value
    elif dialect.ratios:
        ratio = dialect.ratios.get(body.pop(SIZE))
        if ratio is None:
            raise no_such_size(request, ", ".join(dialect.ratios))
        body["aspect_ratio"] = ratio


def picture(body: bytes, call: Call) -> Media:
    """The first picture of a reply; no more than one was asked for."""
    rows = objects_of(reply_object(body).get("data"))
    if not rows:
        raise none_made()
    content, url = rows[0].get("b64_json"), rows[0].get("url")
    return linked(url, call.target) if not content and isinstance(url, str) and url else decoded(content)
