"""Videos of services that the catalogue describes: its ``VideoService``, carried out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic_core import to_json

from sluice.api.videos_request import VideosRequest
from sluice.catalog_videos import CALLBACK, KEY, MODEL, REFERENCE, VideoMember, VideoService, Word
from sluice.errors import InvalidRequestError, SluiceError, UnsupportedParameterError, UpstreamError
from sluice.providers.contract import (
    Errand,
    Made,
    Media,
    NotMade,
    Polled,
    ProviderCall,
    Remote,
    Running,
    Submitted,
    Target,
    UpstreamRequest,
)
from sluice.providers.declared.pointers import found, put
from sluice.providers.films import (
    check_lengths_passed_on,
    first_frame,
    given_up,
    length_of,
    no_such_film,
    percent_of,
    reference_of,
)
from sluice.providers.media_features import OWN, SIZE, MediaFeatures, asked_for
from sluice.providers.pictures import linked, pixels_of, refused, said
from sluice.providers.reading import parsed_object
from sluice.providers.requests import JSON, headers_of, key_of

type Call = ProviderCall[VideosRequest]

PICTURES = ("image/png", "image/jpeg", "image/webp")
"""Types of pictures that a video may begin with."""

_PARTS_OF_SIZE = frozenset({"width", "height"})
_ANYTHING = "*/*"


@dataclass(frozen=True, slots=True)
class DeclaredVideos:
    """The ``VideoOperation`` of a service.

    Attributes:
        service: the catalogue's description of it.
    """

    service: VideoService

    @property
    def FEATURES(self) -> MediaFeatures:  # noqa: N802 - as in ``VideoOperation``
        """See ``VideoOperation``."""
        members = {SIZE if member in _PARTS_OF_SIZE else member for member in self.service.members}
        if self.service.sizes:
            members.add(SIZE)
        return MediaFeatures(frozenset(members) - OWN, passes_on=self.service.passes_on is not None)

    @property
    def REPEATABLE(self) -> bool:  # noqa: N802 - likewise
        """See ``VideoOperation``."""
        return self.service.idempotency is not None

    @property
    def CALLS_BACK(self) -> bool:  # noqa: N802 - likewise
        """See ``VideoOperation``."""
        return bool(self.service.callback)

    def upstream_request(self, call: Call, errand: Errand) -> UpstreamRequest:
        """Submit.

        Raises:
            InvalidRequestError: a value that the service does not take.
        """
        service = self.service
        body: dict[str, Any] = {}
        for place, value in self._passed_on(call.request):
            put(body, place, value)
        for place, value in service.fixed.items():
            put(body, place, value)
        for member, place in service.members.items():
            value = self._value(member, call)
            if value is not None:
                put(body, place, value)
        for place, word in self._size(call.request).items():
            put(body, place, word)
        headers = {}
        if errand.callback is not None:
            for place, value in service.callback.items():
                put(body, place, _with_callback(value, errand.callback))
        if service.idempotency is not None and service.idempotency.startswith("/"):
            put(body, service.idempotency, errand.job)
        elif service.idempotency is not None:
            headers[service.idempotency.lower()] = errand.job
        return self._request(service.submit, call.target, body=to_json(body), headers=headers)

    def _passed_on(self, request: VideosRequest) -> Iterator[tuple[str, Any]]:
        """Members that this gateway does not name, and where they go: not where something else belongs."""
        service = self.service
        if service.passes_on is None:
            return
        check_lengths_passed_on(request)
        for member in asked_for(request):
            if member in VideosRequest.model_fields:
                continue
            place = f"{service.passes_on}/{_escaped(member)}"
            if any(f"{other}/".startswith(f"{place}/") for other in service.places):
                raise UnsupportedParameterError(
                    f"The model's provider is not told '{member:.100}' by clients.", param=member[:100]
                )
            yield place, (request.model_extra or {})[member]

    def _size(self, request: VideosRequest) -> Mapping[str, Word]:
        """How the service is told of the size, where that is no member of its own."""
        size, sizes = said(request.size), self.service.sizes
        if size is None or not sizes:
            return {}
        if size not in sizes:
            raise no_such_film(request, ", ".join(sizes))
        return sizes[size]

    def _value(self, member: VideoMember, call: Call) -> Any:
        """What the service is told of a member; None where the client leaves it to the service."""
        request = call.request
        value: Any
        match member:
            case "model":
                return call.target.model
            case "width" | "height":
                pixels = pixels_of(request)
                value = None if pixels is None else pixels[member == "height"]
            case "input_reference":
                first_frame(request, *PICTURES)
                return None if request.input_reference is None else request.input_reference.image_url
            case "size" | "quality":
                value = said(getattr(request, member))
            case _:
                value = getattr(request, member)
        known = self.service.values.get(member)
        if value is None or known is None:
            return value
        if str(value) not in known:
            param = SIZE if member in _PARTS_OF_SIZE else member
            words = " or ".join(known)
            raise InvalidRequestError(f"The model's provider takes a {member} of {words}.", param=param)
        return known[str(value)]

    def submitted(self, body: bytes, call: Call) -> Submitted:
        """What the service knows the video by."""
        del call
        reference = found(parsed_object(body), self.service.reference)
        if isinstance(reference, int) and not isinstance(reference, bool):
            reference = str(reference)
        return Submitted(reference_of(reference))

    def poll_request(self, reference: str, target: Target, now: float) -> UpstreamRequest:
        """Ask how it is."""
        del now
        return self._request(self.service.poll, target, reference)

    def polled(self, body: bytes, reference: str, target: Target, errand: Errand) -> Polled:
        """By its status."""
        del errand
        answer = parsed_object(body)
        status = found(answer, self.service.status)
        if any(_is_one_of(found(answer, place), (word,)) for place, word in self.service.refused.items()):
            return NotMade(refused(next(self._texts(answer, self.service.error), None)))
        if _is_one_of(status, self.service.made):
            return Made(self._media(answer, reference, target), self._seconds(answer))
        if _is_one_of(status, self.service.failed):
            return NotMade(self._failure(answer))
        if _is_one_of(status, self.service.running):
            return Running(self._progress(answer))
        raise UpstreamError("The provider does not say how the video is.")

    def cancel_request(self, reference: str, target: Target, now: float) -> UpstreamRequest | None:
        """Give it up, where the service has a way to be told."""
        del now
        if self.service.cancel is None:
            return None
        return self._request(self.service.cancel, target, reference)

    def _media(self, answer: object, reference: str, target: Target) -> Media:
        if self.service.content is not None:
            return Remote(self._request(self.service.content, target, reference, accept=_ANYTHING))
        url = next(self._texts(answer, self.service.output), None)
        if url is None:
            raise UpstreamError("The provider does not say where the video is.")
        return linked(url, target)

    def _seconds(self, answer: object) -> int | None:
        return None if self.service.seconds is None else length_of(found(answer, self.service.seconds))

    def _progress(self, answer: object) -> int | None:
        if self.service.progress is None:
            return None
        value = found(answer, self.service.progress)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = float(value) * 100 / self.service.progress_whole
        return percent_of(value)

    def _failure(self, answer: object) -> SluiceError:
        code = None if self.service.error_code is None else found(answer, self.service.error_code)
        return given_up(
            str(code) if isinstance(code, str | int) else None,
            next(self._texts(answer, self.service.error), None),
            self.service.refusals,
            self.service.faults,
        )

    def _texts(self, answer: object, places: tuple[str, ...]) -> Iterator[str]:
        for place in places:
            text = found(answer, place)
            if isinstance(text, str) and text:
                yield text

    def _request(
        self,
        call: str,
        target: Target,
        reference: str = "",
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        accept: str = JSON,
    ) -> UpstreamRequest:
        method, _, path = call.partition(" ")
        path = path.replace(MODEL, quote(target.model)).replace(REFERENCE, quote(reference, safe=""))
        sent = {**headers_of(target), **(headers or {}), "accept": accept}
        if body:
            sent["content-type"] = JSON
        key = key_of(target)
        if key is not None:
            name, _, value = self.service.key.partition(": ")
            sent[name.lower()] = value.replace(KEY, key)
        return UpstreamRequest(target.base_url.rstrip("/") + path, body, sent, method)


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _with_callback(value: Any, address: str) -> Any:
    match value:
        case str():
            return value.replace(CALLBACK, address)
        case list():
            return [_with_callback(each, address) for each in value]
        case dict():
            return {name: _with_callback(each, address) for name, each in value.items()}
        case _:
            return value


def _is_one_of(status: object, words: tuple[Word, ...]) -> bool:
    """Whether a status is one of these: of the same kind, too, for true is 1 in Python."""
    return any(type(status) is type(word) and status == word for word in words)
