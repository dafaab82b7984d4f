"""Declarations of video services: whatever cannot be meant ends the start, and says where it is."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sluice.api.videos_request import VideosRequest
from sluice.catalog import load_catalog
from sluice.catalog_videos import MEMBERS, VideoService
from sluice.config import ConfigurationError
from sluice.providers.media_features import OWN

SMALLEST: dict[str, Any] = {
    "submit": "POST /jobs",
    "poll": "GET /jobs/{reference}",
    "members": {"prompt": "/prompt"},
    "running": ["busy"],
    "made": ["done"],
    "failed": ["broken"],
    "output": ["/url"],
}


def service(**more: Any) -> VideoService:
    return VideoService.model_validate({**SMALLEST, **more})


def test_the_smallest_has_the_usual_ways() -> None:
    made = service()
    assert (made.reference, made.status, made.key) == ("/id", "/status", "authorization: Bearer {key}")
    assert (made.cancel, made.callback, made.idempotency, made.passes_on) == (None, {}, None, None)


def test_members_are_those_of_requests() -> None:
    own = OWN | {"user"}
    assert MEMBERS - {"width", "height"} == (VideosRequest.model_fields.keys() - own) | {"model", "prompt"}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"submit": "/jobs"}, "submit"),
        ({"submit": "GET /jobs"}, "submit"),
        ({"submit": "POST jobs"}, "submit"),
        ({"submit": "POST /a b"}, "submit"),
        ({"submit": "POST /jobs/{reference}"}, "'submit' has the unknown {reference}"),
        ({"poll": "GET /jobs/{id}"}, "'poll' has the unknown {id}"),
        ({"poll": "GET /jobs"}, "'poll' does not say where {reference} goes"),
        ({"poll": "GET /jobs/{reference"}, "'poll' has the unknown {"),
        ({"cancel": "DELETE /jobs"}, "'cancel' does not say where {reference} goes"),
        ({"content": "GET /jobs"}, "'content' does not say where {reference} goes"),
        ({"key": "Bearer {key}"}, "key"),
        ({"key": "authorization: Bearer"}, "key"),
        ({"key": "authorization: {key}\r\nx: {key}"}, "key"),
        ({"members": {"model": "/model"}}, "'members' does not say where the prompt goes"),
        ({"members": {"prompt": "/prompt", "mood": "/mood"}}, "mood"),
        ({"members": {"prompt": "prompt"}}, "members.prompt"),
        ({"members": {"prompt": "/a~2"}}, "members.prompt"),
        ({"members": {"prompt": ""}}, "members.prompt"),
        ({"members": {"prompt": "/a", "model": "/a"}}, "two members go to the same place"),
        ({"members": {"prompt": "/a", "model": "/a/b"}}, "'/a/b' is in '/a', which has a value of its own"),
        ({"fixed": {"/prompt/more": 1}}, "'/prompt/more' is in '/prompt', which has a value of its own"),
        ({"passes_on": "/prompt"}, "'passes_on' is '/prompt', which has a value of its own"),
        ({"passes_on": "/prompt/more"}, "'passes_on' is '/prompt/more', which has a value of its own"),
        ({"callback": {"/hook": "address"}}, "'callback' does not say where {callback} goes"),
        ({"callback": {"/prompt": "{callback}"}}, "two members go to the same place"),
        ({"idempotency": "/prompt"}, "two members go to the same place"),
        ({"idempotency": "a b"}, "idempotency"),
        ({"running": ["done"]}, "a status means two things, or is given twice"),
        ({"failed": ["broken", "broken"]}, "a status means two things, or is given twice"),
        ({"made": []}, "made"),
        ({"output": []}, "neither 'output' nor 'content' says where the video is"),
        ({"values": {"size": {"a": "b"}}}, "'values' has 'size', which 'members' has not"),
        ({"values": {"prompt": {"a": "b"}}}, "'values' has 'prompt', which may have any"),
        (
            {"members": {"prompt": "/p", "seconds": "/s"}, "values": {"seconds": {"5s": 5}}},
            "'values' has one for 'seconds' that is no number",
        ),
        (
            {"members": {"prompt": "/p", "seconds": "/s"}, "values": {"seconds": {}}},
            "'values' has none for 'seconds'",
        ),
        ({"progress": "/p", "progress_whole": 0}, "progress_whole"),
        ({"calback": {"/hook": "{callback}"}}, "calback"),
    ],
)
def test_what_cannot_be_meant_is_told(more: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        service(**more)
    assert told in str(caught.value)


def test_the_start_says_where_the_mistake_is(tmp_path: Path) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text(
        "[providers.own]\nkind = 'declared'\nbase_url = 'https://own.example'\n"
        "[providers.own.videos]\nsubmit = 'POST /jobs'\npoll = 'GET /jobs'\nmembers = { prompt = '/prompt' }\n"
        "running = []\nmade = ['done']\nfailed = []\noutput = ['/url']\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_catalog(file)
    assert "at 'providers.own.videos': 'poll' does not say where {reference} goes" in str(caught.value)


@pytest.mark.parametrize("status", [True, 3, "done"])
def test_a_status_is_a_word_a_number_or_a_truth(status: object) -> None:
    assert service(made=[status], running=[], failed=[]).made == (status,)
