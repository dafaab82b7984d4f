"""Services that a catalogue declares: what they are sent, and how their answers are read."""

import base64
from typing import Any

import pytest
from hypothesis import given

from sluice.catalog import load_catalog
from sluice.catalog_videos import VideoService
from sluice.errors import InvalidRequestError, SluiceError, UnsupportedParameterError, UpstreamError
from sluice.providers.contract import Errand, Inline, Made, NotMade, Polled, Remote, Running, Target
from sluice.providers.declared.videos import DeclaredVideos
from sluice.providers.registry import PROVIDERS, provider_of
from video_polls import answers, check_understood
from video_requests import ERRAND, NOW, asked, sent, videos_call

TARGET = Target("own", "https://own.example/v1/", "team/film maker", "key-1", {"X-Team": "blue"})
PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
CALLED = Errand(
    **{
        **{name: getattr(ERRAND, name) for name in ("job", "bucket", "prefix")},
        "callback": "https://us.example/c",
    }
)

FULL: dict[str, Any] = {
    "submit": "POST /models/{model}/jobs",
    "poll": "GET /jobs/{reference}",
    "cancel": "POST /jobs/{reference}/cancel",
    "members": {
        "prompt": "/input/prompt",
        "seconds": "/input/duration",
        "width": "/input/w",
        "height": "/input/h",
        "seed": "/input/seed",
        "quality": "/input/grade",
        "negative_prompt": "/input/not",
        "input_reference": "/input/image/0",
    },
    "values": {"seconds": {"5": "5s", "9": "9s"}, "width": {"1280": 1280, "720": 720}},
    "fixed": {"/input/duration": "5s", "/input/audio": False, "/version": 2},
    "passes_on": "/input",
    "callback": {
        "/webhook": "{callback}",
        "/webhook_events": ["completed"],
        "/deep": {"to": ["{callback}?a"]},
    },
    "idempotency": "Idempotency-Key",
    "key": "X-Key: Token {key}",
    "reference": "/job/id",
    "status": "/job/state",
    "running": ["busy", 2],
    "made": ["done", True],
    "failed": ["broken"],
    "output": ["/video/url", "/videos/0"],
    "progress": "/job/done",
    "progress_whole": 1,
    "seconds": "/video/seconds",
    "error": ["/why", "/job/error"],
    "error_code": "/code",
    "refusals": ["SAFETY.*", "nsfw", "451"],
    "faults": ["bad_*"],
}


def declared(**changes: Any) -> DeclaredVideos:
    return DeclaredVideos(VideoService.model_validate({**FULL, **changes}))


def polled(body: str, **changes: Any) -> Polled:
    return declared(**changes).polled(body.encode(), "ref", TARGET, ERRAND)


def test_all_that_can_be_told_goes_where_it_belongs() -> None:
    unnamed: dict[str, Any] = {"guidance": 7.5, "a/b~c": [1]}
    call = videos_call(
        to=TARGET,
        seconds=9,
        size="1280x768",
        seed=0,
        quality="high",
        negative_prompt="dogs",
        input_reference={"image_url": PICTURE},
        **unnamed,
    )
    request = sent(declared(), call, CALLED)
    assert request.method == "POST"
    assert request.url == "https://own.example/v1/models/team/film%20maker/jobs"
    assert request.headers == {
        "x-team": "blue",
        "idempotency-key": "video_ours",
        "x-key": "Token key-1",
        "accept": "application/json",
        "content-type": "application/json",
    }
    assert asked(declared(), call, CALLED) == {
        "input": {
            "prompt": "a cat",
            "duration": "9s",
            "w": 1280,
            "h": 768,
            "seed": 0,
            "grade": "high",
            "not": "dogs",
            "image": {"0": PICTURE},
            "audio": False,
            "guidance": 7.5,
            "a/b~c": [1],
        },
        "version": 2,
        "webhook": "https://us.example/c",
        "webhook_events": ["completed"],
        "deep": {"to": ["https://us.example/c?a"]},
    }


def test_what_is_left_to_the_service_is_not_sent() -> None:
    call = videos_call(to=TARGET, seconds=5, size="auto", quality="auto")
    assert asked(declared(), call) == {
        "input": {"prompt": "a cat", "duration": "5s", "audio": False},
        "version": 2,
    }


def test_a_service_may_know_repeated_submissions_by_a_member() -> None:
    assert asked(declared(idempotency="/client/id"), videos_call(to=TARGET, seconds=5))["client"] == {
        "id": "video_ours"
    }
    assert declared().REPEATABLE
    assert not declared(idempotency=None).REPEATABLE


def test_whether_it_calls_back_is_declared() -> None:
    assert declared().CALLS_BACK
    assert not declared(callback={}).CALLS_BACK


@pytest.mark.parametrize(
    ("members", "param", "kind"),
    [
        ({"seconds": 8}, "seconds", InvalidRequestError),
        ({"seconds": 5, "size": "640x480"}, "size", InvalidRequestError),
        (
            {"seconds": 5, "input_reference": {"image_url": "https://a.example/a.png"}},
            "input_reference.image_url",
            InvalidRequestError,
        ),
        (
            {"seconds": 5, "input_reference": {"image_url": "data:text/html,<p>"}},
            "input_reference.image_url",
            InvalidRequestError,
        ),
        ({"seconds": 5, "num_frames": 2000}, "num_frames", UnsupportedParameterError),
        ({"seconds": 5, "duration": 600}, "duration", UnsupportedParameterError),
        ({"seconds": 5, "audio": True}, "audio", UnsupportedParameterError),
        ({"seconds": 5, "w": 4000}, "w", UnsupportedParameterError),
        ({"seconds": 5, "image": "https://a.example"}, "image", UnsupportedParameterError),
    ],
)
def test_what_it_does_not_take_is_refused(
    members: dict[str, Any], param: str, kind: type[InvalidRequestError]
) -> None:
    with pytest.raises(kind) as caught:
        sent(declared(), videos_call(to=TARGET, **members))
    assert (caught.value.status, caught.value.param) == (400, param)


def test_it_expresses_what_is_declared_and_no_more() -> None:
    small = declared(members={"prompt": "/prompt", "model": "/model"}, values={}, passes_on=None)
    assert small.FEATURES.members == frozenset()
    for member in ("seconds", "size", "seed", "mood"):
        value: Any = {"seconds": 5, "size": "64x64", "seed": 1, "mood": "blue"}[member]
        with pytest.raises(UnsupportedParameterError) as caught:
            sent(small, videos_call(to=TARGET, **{member: value}))
        assert caught.value.param == member


@pytest.mark.parametrize(
    ("body", "reference"), [('{"job":{"id":"a-1"}}', "a-1"), ('{"job":{"id":17}}', "17")]
)
def test_the_reference_is_read(body: str, reference: str) -> None:
    assert declared().submitted(body.encode(), videos_call()).reference == reference


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"job":{"id":null}}',
        '{"job":{"id":true}}',
        '{"job":{"id":""}}',
        '{"job":{"id":".."}}',
    ],
)
def test_a_submission_without_a_reference_is_none(body: str) -> None:
    with pytest.raises(UpstreamError):
        declared().submitted(body.encode(), videos_call())


def test_questions_name_the_video_and_carry_the_key() -> None:
    poll = declared().poll_request("a/1?", TARGET, NOW)
    assert (poll.method, poll.url, poll.body) == ("GET", "https://own.example/v1/jobs/a%2F1%3F", b"")
    assert poll.headers == {"x-team": "blue", "x-key": "Token key-1", "accept": "application/json"}
    cancel = declared().cancel_request("a", TARGET, NOW)
    assert cancel is not None
    assert (cancel.method, cancel.url) == ("POST", "https://own.example/v1/jobs/a/cancel")
    assert declared(cancel=None).cancel_request("a", TARGET, NOW) is None


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ('{"job":{"state":"busy"}}', Running()),
        ('{"job":{"state":2,"done":0.256}}', Running(25)),
        ('{"job":{"state":"busy","done":7}}', Running()),
        ('{"job":{"state":"busy","done":"much"}}', Running()),
        ('{"job":{"state":"busy","done":true}}', Running()),
    ],
)
def test_it_runs(body: str, state: Running) -> None:
    assert polled(body) == state


@pytest.mark.parametrize(
    ("body", "url", "seconds"),
    [
        (
            '{"job":{"state":"done"},"video":{"url":"https://cdn.example/a","seconds":4.2}}',
            "https://cdn.example/a",
            5,
        ),
        ('{"job":{"state":true},"videos":["https://cdn.example/b"]}', "https://cdn.example/b", None),
    ],
)
def test_it_is_made(body: str, url: str, seconds: int | None) -> None:
    made = polled(body)
    assert isinstance(made, Made)
    assert made.seconds == seconds
    assert isinstance(made.media, Remote)
    assert made.media.request.url == url
    assert not {"x-key", "x-team"} & set(made.media.request.headers)


def test_a_video_may_stand_in_the_answer() -> None:
    made = polled('{"job":{"state":"done"},"videos":["data:video/mp4;base64,AAAA"]}')
    assert isinstance(made, Made)
    assert made.media == Inline(b"\0\0\0")


def test_a_video_may_want_the_key() -> None:
    made = polled('{"job":{"state":"done"}}', output=[], content="GET /jobs/{reference}/file")
    assert isinstance(made, Made)
    assert isinstance(made.media, Remote)
    request = made.media.request
    assert (request.method, request.url) == ("GET", "https://own.example/v1/jobs/ref/file")
    assert request.headers["x-key"] == "Token key-1"


@pytest.mark.parametrize(
    ("body", "error_type", "code", "message"),
    [
        (
            '{"job":{"state":"broken"},"code":"SAFETY.INPUT","why":"No."}',
            InvalidRequestError,
            "content_policy_violation",
            "No.",
        ),
        ('{"job":{"state":"broken"},"code":451}', InvalidRequestError, "content_policy_violation", None),
        ('{"job":{"state":"broken","error":"Odd."},"code":"bad_size"}', InvalidRequestError, None, "Odd."),
        ('{"job":{"state":"broken"},"code":"oom"}', UpstreamError, "upstream_error", None),
        ('{"job":{"state":"broken"},"code":{},"why":7}', UpstreamError, "upstream_error", None),
    ],
)
def test_it_is_not_made(
    body: str, error_type: type[SluiceError], code: str | None, message: str | None
) -> None:
    state = polled(body)
    assert isinstance(state, NotMade)
    assert type(state.error) is error_type
    assert state.error.code == code
    assert message is None or state.error.message == message


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"job":{"state":"unheard of"}}',
        '{"job":{"state":1}}',
        '{"job":{"state":[]}}',
        '{"job":{"state":"done"}}',
        '{"job":{"state":"done"},"videos":["ftp://a.example"]}',
        '{"job":{"state":"done"},"videos":["http://a.example"]}',
        "nonsense",
    ],
)
def test_nonsense_is_an_error_and_no_end(body: str) -> None:
    with pytest.raises(UpstreamError):
        polled(body)


@given(
    answers(
        *(
            "job",
            "state",
            "busy",
            "done",
            "broken",
            2,
            True,
            "video",
            "url",
            "seconds",
            "videos",
            "why",
            "code",
        ),
        *("data:video/mp4;base64,AAAA", "https://a.example", "http://[", "data:,", "SAFETY.A"),
    )
)
def test_whatever_is_answered_is_understood_or_refused(body: bytes) -> None:
    check_understood(declared(), body, TARGET)
    check_understood(declared(content="GET /{reference}", output=[]), body, TARGET)


def test_a_row_gives_its_videos_to_a_provider_of_any_kind() -> None:
    catalog = load_catalog()
    ora, openai = catalog.providers["ora"], catalog.providers["openai"]
    assert isinstance(provider_of(ora).videos, DeclaredVideos)
    assert provider_of(ora).chat is PROVIDERS["openai"].chat
    assert provider_of(openai) is PROVIDERS[openai.kind]


def test_reference_002s_service_is_asked_as_it_documents() -> None:
    row = load_catalog().providers["ora"]
    videos = provider_of(row).videos
    assert videos is not None
    to = Target("ora", row.base_url or "", "KumoAnonymous/KumoVideo-Turbo", "BASE:5F")
    call = videos_call("NYC Is A Great City", to=to, seed=0)
    request = sent(videos, call)
    assert (request.method, request.url) == ("POST", "https://api.ora.io/v1/videos/generations")
    assert request.headers["authorization"] == "Bearer BASE:5F"
    assert asked(videos, call) == {
        "model": "KumoAnonymous/KumoVideo-Turbo",
        "prompt": "NYC Is A Great City",
        "seed": 0,
    }
    body = b'{"task_id":"49aaa1dd","hash_val":"6a04","status":"PROCESSING","content":"","requestHash":"82"}'
    assert videos.submitted(body, call).reference == "49aaa1dd"
    assert videos.poll_request("49aaa1dd", to, NOW).url == "https://api.ora.io/v1/videos/result/49aaa1dd"
    link = "https://gateway.pinata.cloud/ipfs/Qm"
    made = videos.polled(
        b'{"task_id":"1d","hash_val":"6a","status":"OK","video":"%b"}' % link.encode(), "1d", to, ERRAND
    )
    assert isinstance(made, Made)
    assert isinstance(made.media, Remote)
    assert made.media.request.url == link


SIZED: dict[str, Any] = {
    "sizes": {"1280x720": {"/ratio": "16:9", "/resolution": "720p"}, "480x480": {"/ratio": "1:1"}},
    "members": {"prompt": "/prompt"},
    "values": {},
    "passes_on": None,
}


def test_a_size_may_be_told_in_several_words() -> None:
    operation = declared(**SIZED)
    assert operation.FEATURES.members == {"size"}
    body = asked(operation, videos_call(to=TARGET, size="1280x720"))
    assert (body["ratio"], body["resolution"]) == ("16:9", "720p")
    assert "ratio" not in asked(operation, videos_call(to=TARGET, size="auto"))
    with pytest.raises(InvalidRequestError, match="1280x720, 480x480") as caught:
        sent(operation, videos_call(to=TARGET, size="720x720"))
    assert caught.value.param == "size"


@pytest.mark.parametrize(
    ("kept_back", "policy"), [("false", True), ("true", False), ("0", False), ("null", False)]
)
def test_a_policy_may_keep_back_what_was_made(kept_back: str, policy: bool) -> None:
    body = f'{{"job":{{"state":"done"}},"video":{{"url":"https://a.example","fine":{kept_back}}}}}'
    state = polled(body, refused={"/video/fine": False})
    assert isinstance(state, NotMade) == policy
    if isinstance(state, NotMade):
        assert state.error.code == "content_policy_violation"
