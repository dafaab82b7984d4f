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
    check_counts_passed_on,
    check_range,
    check_value,
    decoded,
    linked,
    none_made,
    pixels_of,
    refused,
    seed_of,
)
from sluice.providers.reading import objects_of

type Call = ProviderCall[ImagesRequest]

FEATURES: Final = ANY.features


def upstream_request(call: Call, index: int, dialect: ImageDialect = ANY) -> UpstreamRequest:
    """A request for one picture in a host's words, for the candidate's model.

    Raises:
        UnsupportedParameterError: a member by which more than one picture could be asked for.
        InvalidRequestError: a value that the host does not take.
    """
    request = call.request
    check_counts_passed_on(request)
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
        least, most = dialect.ranges.get(SEED, (0, MOST_SEED))
        body[SEED] = seed_of(request, index, most, least)
    pixels = pixels_of(request)
    if dialect.pixels and pixels is not None:
        del body[SIZE]
        body["width"], body["height"] = pixels
    rename(body, dialect.renamed)
    asked = {"prompt": request.prompt, "n": 1, **body, **dialect.inline}
    return post(call.target, dialect.path, asked)


def picture(body: bytes, call: Call, dialect: ImageDialect = ANY) -> Media:
    """The first picture of a reply; no more than one was asked for.

    Raises:
        SluiceError: there is none, or it was made and is not shown (xAI).
    """
    rows = objects_of(reply_object(body).get("data"))
    if not rows:
        raise refused() if dialect.refuses_by_none else none_made()
    row = rows[0]
    if row.get("respect_moderation") is False:
        raise refused()
    content, url = row.get("b64_json"), row.get("url")
    return linked(url, call.target) if not content and isinstance(url, str) and url else decoded(content)
