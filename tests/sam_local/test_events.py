"""Every sample event, put into its function's container.

The first of each function is put there by ``sam local invoke``, which starts SAM and a container anew and so takes
seconds; the others by ``sam local start-lambda``, whose containers stay. With ``--invoke-each`` all are put there by the
first: ``make test-sam ARGS=--invoke-each``.

A file in events/ is a test by being there. What is known of its reply stands in REPLIES; of a file that is not in it
no more is asked than that the function takes it.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from local_stack import ROOT, blueprint
from sam_site import SamSite
from streamed_functions import PLACEHOLDER
from told_jobs import IMAGE, VIDEO, put_jobs

type Reply = Mapping[str, Any]
type Check = Callable[[Reply], bool]

STORY = ("jobs", "images", "videos", "deliver_webhook", "end_jobs")
"""The functions whose events speak of the same jobs: one follows the other, in this order."""

ORDER = {
    "jobs": ("begin", "generate", "store", "finish", "submit", "await", "poll", "fail"),
    "videos": ("retrieve", "result", "content", "deliveries", "callback", "list"),
}
"""The events that have to come first, so that there is something for them; others follow."""

LAST = {"videos": ("delete",)}


def status(code: int, *words: str) -> Check:
    """The reply of a function that clients reach: its status, and words in its body."""

    def check(reply: Reply) -> bool:
        return reply["statusCode"] == code and all(word in reply["body"] for word in words)

    return check


def equal(**members: Any) -> Check:
    """Members of the reply of a function that is called by an event."""
    return lambda reply: all(reply[name] == value for name, value in members.items())


def is_taken(reply: Reply | None) -> bool:
    """Whether a function has done something with an event."""
    if reply is None:
        return True
    return "errorType" not in reply and int(reply.get("statusCode", 200)) < 500


REPLIES: Mapping[str, Check] = {
    "chat/base64_body": status(200, '"chat.completion"'),
    "chat/preflight": status(204),
    "chat/stream": status(200, '"chat.completion.chunk"', "data: [DONE]"),
    "chat/whole": status(200, '"chat.completion"', '"usage"'),
    "chat/without_key": status(401, "invalid_api_key"),
    "chat/wrong_method": status(405, "method_not_allowed"),
    "completions/stream": status(200, '"text_completion"', "data: [DONE]"),
    "completions/tokens": status(200, '"text_completion"'),
    "completions/whole": status(200, '"text_completion"'),
    "docs/document": status(200, '"openapi"'),
    "docs/file": status(200),
    "docs/page": status(200, "<html"),
    "docs/unknown": status(404, "not_found"),
    "embeddings/base64": status(200, '"embedding"'),
    "embeddings/empty_input": status(400, "input"),
    "embeddings/float": status(200, '"embedding"'),
    "models/health": status(200, '"ok"'),
    "models/list": status(200, '"demo-video"'),
    "models/one": status(200, "gpt-4o-mini"),
    "models/status": status(200, '"demo"'),
    "models/unknown": status(404, "model_not_found"),
    "jobs/begin": equal(job=IMAGE, indexes=[0]),
    "jobs/generate": equal(),
    "jobs/store": equal(),
    "jobs/finish": equal(),
    "jobs/submit": equal(job=VIDEO, callback=False),
    "jobs/await": equal(),
    "jobs/poll": equal(job=VIDEO, callback=False),
    "jobs/fail": equal(),
    "images/asynchronous": status(202, '"queued"'),
    "images/base64": status(200, '"b64_json"'),
    "images/job": status(200, IMAGE, '"completed"'),
    "images/urls": status(200, '"url"'),
    "videos/callback": status(404),
    "videos/content": status(404),
    "videos/create": status(200, '"queued"'),
    "videos/delete": status(200, '"deleted":true'),
    "videos/deliveries": status(200, '"attempts":'),
    "videos/form": status(200, '"queued"'),
    "videos/generation": status(200, '"task_id"'),
    "videos/list": status(200, VIDEO),
    "videos/result": status(200, '"FAILED"'),
    "videos/retrieve": status(200, VIDEO, '"failed"'),
    "videos/webhook_secret": status(200, "whsec_"),
    "deliver_webhook/deliver": equal(job=VIDEO, over=True),
    "end_jobs/aborted": equal(ended=0),
    "end_jobs/failed": equal(ended=0),
    "end_jobs/scheduled": equal(ended=0),
    "end_jobs/timed_out": equal(ended=0),
    "roll_up_usage/rows": equal(batchItemFailures=[]),
}


def names() -> list[str]:
    """Every event, as ``function/event``, in the order of the files' names."""
    return [f"{file.parent.name}/{file.stem}" for file in sorted((ROOT / "events").glob("*/*.json"))]


def place(name: str) -> tuple[int, int, int, str]:
    """Sorts events so that each finds what the ones before it have made."""
    folder, _, event = name.partition("/")
    first = ORDER.get(folder, ())
    return (
        STORY.index(folder) if folder in STORY else len(STORY),
        event in LAST.get(folder, ()),
        first.index(event) if event in first else len(first),
        name,
    )


@pytest.fixture(scope="module")
def replies(
    request: pytest.FixtureRequest, site: SamSite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, "Future[str]"]]:
    """What the functions reply, by event. Two are asked at a time: one in the story, and one of the others.

    Where a part of the tests is run, the others' events are those of that part; the story is told as a whole.
    """
    image, video = (site.create_key("--plan", "enterprise", "--budget", "100") for _ in range(2))
    functions = {function.folder.name: function.name for function in blueprint().functions}
    folder = tmp_path_factory.mktemp("events")
    each = bool(request.config.getoption("--invoke-each"))
    first = {name.partition("/")[0]: name for name in sorted(names(), key=place, reverse=True)}

    def invoked(name: str) -> str:
        text = (ROOT / "events" / f"{name}.json").read_text(encoding="utf-8")
        secret = video["key"] if name.startswith("videos/") else image["key"]
        file = folder / f"{name.replace('/', '-')}.json"
        file.write_text(text.replace(PLACEHOLDER, secret), encoding="utf-8")
        kind = name.partition("/")[0]
        put = site.invoke if each or first[kind] == name else site.call
        return put(functions[kind], file)

    asked = {
        str(item.callspec.params["name"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and "replies" in item.fixturenames
    }
    told = any(name.partition("/")[0] in STORY for name in asked)
    if told:  # who puts jobs is to end them: they hold money
        asyncio.run(
            put_jobs(
                site.endpoint,
                site.stack,
                {"image": (image["id"], image["key"]), "video": (video["id"], video["key"])},
                site.hooks.url("told"),
            )
        )
    wanted = [name for name in names() if name in asked or (told and name.partition("/")[0] in STORY)]
    with ThreadPoolExecutor(1) as story, ThreadPoolExecutor(1) as others:
        yield {
            name: (story if name.partition("/")[0] in STORY else others).submit(invoked, name)
            for name in sorted(wanted, key=place)
        }
        for pool in (story, others):
            pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", names())
def test_an_event(replies: dict[str, "Future[str]"], name: str) -> None:
    printed = replies[name].result()
    reply = json.loads(printed.strip().split("\n")[-1]) if printed.strip() else None
    assert is_taken(reply), printed
    if name in REPLIES:
        assert reply is not None
        assert REPLIES[name](reply), printed


def test_what_is_known_is_known_of_events_that_there_are() -> None:
    assert REPLIES.keys() <= set(names())


def test_every_function_has_an_event() -> None:
    assert {name.partition("/")[0] for name in names()} == {
        function.folder.name for function in blueprint().functions
    }
