"""Providers of pictures and videos without a network: a wire format of this test's own, and a server that speaks it.

The server keeps count of what it has made, so that a test can tell what was made twice.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from fake_upstream import Response
from made_media import mp4, png
from memory_jobs import Interference
from sluice.api.images_request import ImagesRequest
from sluice.api.videos_request import VideosRequest
from sluice.errors import InvalidRequestError, SluiceError, UpstreamError
from sluice.providers.contract import (
    ChatOperation,
    Errand,
    InBucket,
    Inline,
    Made,
    Media,
    NotMade,
    Polled,
    Provider,
    ProviderCall,
    Remote,
    Running,
    Submitted,
    Target,
    UpstreamRequest,
)
from sluice.providers.failures import failure_of_status
from sluice.providers.features import Features
from sluice.providers.media_features import MediaFeatures
from sluice.upstream.client import UpstreamResponse

JSON = "application/json"
SECRET = "provider-secret"


def _body(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise UpstreamError("The provider's answer is no JSON.") from error
    if not isinstance(found, dict):
        raise UpstreamError("The provider's answer is no object.")
    if "refused" in found:
        raise InvalidRequestError(found["refused"], code="content_policy_violation")
    return found


def _request(target: Target, path: str, content: object = None, method: str = "POST") -> UpstreamRequest:
    body = b"" if content is None else json.dumps(content).encode()
    return UpstreamRequest(target.base_url + path, body, {"authorization": f"Bearer {SECRET}"}, method)


def _media(told: Mapping[str, Any], target: Target) -> Media:
    match told:
        case {"b64": str(content)}:
            return Inline(base64.b64decode(content))
        case {"key": str(key)}:
            return InBucket(key)
        case {"url": str(url)}:
            return Remote(UpstreamRequest(url, b"", {"authorization": f"Bearer {SECRET}"}, "GET"))
        case {"path": str(path)}:
            return Remote(_request(target, path, method="GET"))
        case _:
            raise UpstreamError("The provider's answer has no file.")


class FakePictures:
    """See ``ImageOperation``."""

    FEATURES = MediaFeatures(frozenset({"size", "seed"}))

    def upstream_request(self, call: ProviderCall[ImagesRequest], index: int) -> UpstreamRequest:
        """Ask for a picture; the word "unspeakable" it cannot say."""
        if "unspeakable" in call.request.prompt:
            raise InvalidRequestError("The provider cannot say it.", param="prompt")
        return _request(call.target, "/images", {"prompt": call.request.prompt, "index": index})

    def picture(self, body: bytes, call: ProviderCall[ImagesRequest]) -> Media:
        """Read one."""
        return _media(_body(body), call.target)


@dataclass(frozen=True, slots=True)
class FakeVideos:
    """See ``VideoOperation``."""

    REPEATABLE: bool = False
    CALLS_BACK: bool = False
    FEATURES: MediaFeatures = field(default_factory=lambda: MediaFeatures(frozenset({"seconds"})))

    def upstream_request(self, call: ProviderCall[VideosRequest], errand: Errand) -> UpstreamRequest:
        """Submit."""
        told = {"prompt": call.request.prompt, "seconds": call.request.seconds, "name": errand.job}
        return _request(
            call.target, "/videos", {**told, "prefix": errand.prefix, "callback": errand.callback}
        )

    def submitted(self, body: bytes, _call: ProviderCall[VideosRequest]) -> Submitted:
        """Read the reply."""
        found = _body(body)
        if not isinstance(found.get("id"), str):
            raise UpstreamError("The provider's answer names no video.")
        return Submitted(found["id"], found.get("poll_after"))

    def poll_request(self, reference: str, target: Target, _now: float) -> UpstreamRequest:
        """Ask."""
        return _request(target, f"/videos/{reference}", method="GET")

    def polled(self, body: bytes, _reference: str, target: Target, _errand: Errand) -> Polled:
        """Read the answer."""
        found = _body(body)
        match found.get("status"):
            case "running":
                return Running(found.get("progress"), found.get("poll_after"))
            case "failed":
                return NotMade(InvalidRequestError(found["why"], code=found.get("code")))
            case "made":
                return Made(_media(found, target), found.get("seconds"))
            case _:
                raise UpstreamError("The provider's answer has no known status.")

    def cancel_request(self, reference: str, target: Target, _now: float) -> UpstreamRequest | None:
        """Give it up."""
        return _request(target, f"/videos/{reference}", method="DELETE")


def _failure(status: int, _headers: Mapping[str, str], body: bytes) -> SluiceError:
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    return failure_of_status(status, told.get("message"), code=told.get("code"))


def maker(*, repeatable: bool = False, calls_back: bool = False) -> Provider:
    """A provider that makes both."""
    return Provider(
        address=None,
        failure=_failure,
        chat=cast("ChatOperation", None),
        features=Features(frozenset()),
        images=FakePictures(),
        videos=FakeVideos(REPEATABLE=repeatable, CALLS_BACK=calls_back),
    )


def told(content: object, status: int = 200, **headers: str) -> Response:
    """An answer in JSON."""
    return Response(status, JSON, (json.dumps(content).encode(),), **headers)


def inline(content: bytes, **more: object) -> dict[str, object]:
    """A file as it stands in an answer."""
    return {"b64": base64.b64encode(content).decode(), **more}


type Answer = Callable[[UpstreamRequest], Response | Exception | None]
type Scripted = Response | Exception | Answer | None
"""What is said to a request: an answer, no answer, or what decides on it. None hangs."""


class Makers:
    """The servers, told apart by the host; an ``Upstream``.

    A picture's bytes depend on its prompt and index alone; a video is made when it has been asked for ``polls`` times.
    ``answers`` has what is said instead, by method, host and perhaps path, once each; then they are in good health
    again. ``lost`` is what was carried out and not answered.
    """

    def __init__(self, interference: Interference | None = None, *, polls: int = 2) -> None:
        self.requests: list[UpstreamRequest] = []
        self.pictures: list[str] = []
        self.videos: dict[str, dict[str, Any]] = {}
        """Each that was begun, by its reference."""
        self.cancelled: list[str] = []
        self.answers: dict[str, list[Scripted]] = {}
        self.polls = polls
        self.file: bytes = mp4(4)
        self.delivers: Callable[[str, bytes], Mapping[str, object]] = lambda _name, content: inline(content)
        """How a video is handed over, by the name of its job."""
        self.knows_names = False
        """Whether a submission of a name that is known gives the video that is known."""
        self._around = interference or Interference()

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        """See ``Upstream``."""
        place = urlsplit(request.url)
        call = f"{request.method} {place.hostname}{place.path}"
        await self._around.begins(call)
        self.requests.append(request)
        response = self._answer(request, f"{request.method} {place.hostname}", place.path)
        if response is None:
            await asyncio.Event().wait()
            raise AssertionError("it hangs")
        if isinstance(response, Exception):
            raise response
        await self._around.ends(call)
        yield response

    async def close(self) -> None:
        """Nothing to close."""

    def _answer(self, request: UpstreamRequest, to: str, path: str) -> Response | Exception | None:
        for key in (f"{to}{path}", to):
            scripted = self.answers.get(key)
            if scripted:
                answer = scripted.pop(0)
                return answer(request) if callable(answer) else answer
        return self.carried_out(request)

    def carried_out(self, request: UpstreamRequest) -> Response:
        """What a provider in good health answers."""
        path = urlsplit(request.url).path
        match request.method, path.strip("/").split("/"):
            case "POST", ["images"]:
                asked = json.loads(request.body)
                self.pictures.append(f"{asked['prompt']} {asked['index']}")
                return told(inline(png(asked["index"])))
            case "POST", ["videos"]:
                return told(self._begun(json.loads(request.body)))
            case "GET", ["videos", reference] if reference in self.videos:
                return told(self._state(reference))
            case "DELETE", ["videos", reference]:
                self.cancelled.append(reference)
                return told({})
            case "GET", ["files", *_]:
                return Response(200, "video/mp4", (self.file,))
            case _:
                return told({"message": "nothing is here"}, 404)

    def _begun(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.knows_names:
            for reference, video in self.videos.items():
                if video["name"] == asked["name"]:
                    return {"id": reference}
        reference = f"video-{len(self.videos) + 1}"
        self.videos[reference] = {**asked, "asked": 0}
        return {"id": reference}

    def _state(self, reference: str) -> Mapping[str, object]:
        video = self.videos[reference]
        video["asked"] += 1
        if video["asked"] < self.polls:
            return {"status": "running", "progress": 40}
        return {"status": "made", **self.delivers(video["name"], self.file)}


def lost(makers: Makers, error: Exception) -> Answer:
    """Carried out, and the answer is lost."""

    def answer(request: UpstreamRequest) -> Exception:
        makers.carried_out(request)
        return error

    return answer
