"""What is said to a job, and about it, is in its own objects in the bucket and nowhere else.

A provider that repeats everything, and a receiver of webhooks that talks, are planted with words that nothing else has.
Then they are looked for in all that the gateway has printed and written, in every table, in the histories of all
executions, in the names of objects, and, of what nobody may see, in what the client was told.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, override

import httpx
import pytest

from gateway_process import GatewayProcess
from local_stack import botocore_client
from mock_tattler import LINK, MADE, OWN_WORDS, PICTURES, VIDEOS, MockTattler
from sluice.stores.access import Endpoint

CREDENTIAL = "sk-tattled-77d0b2f8a1c94e55"
MASTER = "masterofwebhooks5b0e1f"
PROMPT, NEGATIVE, USER, EXTRA = "wordsoftheprompt", "wordsagainst", "whotheuseris", "anothermember"
HOOK, HOOK_QUERY, HOOK_ANSWER = "pathofthehook", "queryofthehook", "answerofthehook"
TURN = "wordsoftheturn"

SAID = (PROMPT, NEGATIVE, USER, EXTRA, HOOK, HOOK_QUERY, HOOK_ANSWER, OWN_WORDS, LINK)
"""Words, which are the client's and the provider's own."""

SECRET = (CREDENTIAL, MASTER)
"""What the client must not see either, beside keys."""

ENDS_WITHIN_SECONDS = 120
POLL_SECONDS = 1.0

ROW = """
[[models]]
id = "{kind}-{model}"
kind = "{kind}"
candidates = [{{ provider = "tattler", model = "{model}" }}]
price = {{ {unit} = "0.01" }}
"""


def rows(upstream: str) -> str:
    provider = (
        f'\n[providers.tattler]\nkind = "openai"\nbase_url = "{upstream}"\ncredential = "OPENAI_API_KEY"\n'
    )
    images = [ROW.format(kind="image", model=model, unit="image") for model in PICTURES]
    videos = [ROW.format(kind="video", model=model, unit="second") + "seconds = [1]\n" for model in VIDEOS]
    return "".join([provider, *images, *videos])


class Hook(ThreadingHTTPServer):
    """Takes webhooks, and answers with words."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), _HookHandler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{HOOK}?token={HOOK_QUERY}"


class _HookHandler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.paths.append(self.path)
        self.send_response(200, HOOK_ANSWER)
        self.send_header("x-words", HOOK_ANSWER)
        self.send_header("content-length", str(len(HOOK_ANSWER)))
        self.end_headers()
        self.wfile.write(HOOK_ANSWER.encode())

    @override
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Site:
    """A gateway whose jobs are all over, and all that its client was told."""

    gateway: GatewayProcess
    states: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> Endpoint:
        details = self.gateway.details
        return Endpoint(details["aws_endpoint"], details["region"])

    @property
    def secrets(self) -> tuple[str, ...]:
        """Keys in the clear, and what else no client may see."""
        return (*SECRET, *self.gateway.secrets)


@pytest.fixture(scope="module")
def site(hook: Hook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with MockTattler(CREDENTIAL) as tattler:
        settings = {
            "SLUICE_POLL_SECONDS": "0",
            "SLUICE_LONGEST_POLL_SECONDS": "1",
            "SLUICE_WEBHOOK_HOSTS": f"127.0.0.1:{hook.server_port}",
        }
        catalog = rows(tattler.url)
        state = tmp_path_factory.mktemp("job-leaks")
        with GatewayProcess(
            state,
            tattler.url,
            CREDENTIAL,
            models=catalog,
            settings=settings,
            secrets={"WEBHOOK_SECRET": MASTER},
        ) as gateway:
            site = Site(gateway)
            _make_all(site, hook)
            yield site


def _make_all(site: Site, hook: Hook) -> None:
    key = site.gateway.create_key("--budget", "100", "--plan", "enterprise")["key"]
    paths = [("/v1/images/generations", f"image-{model}") for model in PICTURES]
    paths += [("/v1/videos", f"video-{model}") for model in VIDEOS]
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=site.gateway.url, headers=headers, trust_env=False, timeout=60) as client:

        def ended(case: tuple[str, str]) -> None:
            path, model = case
            site.states[model] = _ended(client, path, model, hook.address, site.told)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(ended, paths))
        for path in ("/v1/videos", "/v1/images/generations"):
            site.told.append(client.get(path).text)
    deadline = time.monotonic() + ENDS_WITHIN_SECONDS
    while len(hook.paths) < len(paths):
        assert time.monotonic() < deadline, hook.paths
        time.sleep(POLL_SECONDS)


def _ended(client: httpx.Client, path: str, model: str, hook: str, told: list[str]) -> str:
    body: dict[str, Any] = {
        "model": model,
        "prompt": f"a cat {PROMPT}",
        "negative_prompt": NEGATIVE,
        "user": USER,
        "webhook_url": hook,
        "other_member": EXTRA,
    }
    if path.startswith("/v1/images"):
        body["async"] = True
    reply = client.post(path, json=body, headers={"idempotency-key": f"{TURN}-{model}"})
    assert reply.status_code in (200, 202), reply.text
    told.append(reply.text + repr(reply.headers))
    deadline = time.monotonic() + ENDS_WITHIN_SECONDS
    while True:
        reply = client.get(f"{path}/{reply.json()['id']}")
        if reply.json()["status"] in ("completed", "failed"):
            told.append(reply.text + repr(reply.headers))
            return str(reply.json()["status"])
        assert time.monotonic() < deadline, reply.text
        time.sleep(POLL_SECONDS)


def check_free_of(words: tuple[str, ...], text: str, where: str) -> None:
    for word in words:
        at = text.find(word)
        assert at < 0, f"{word} is in {where}: …{text[max(0, at - 200) : at + 50]}"


def test_the_jobs_ended_as_their_provider_would_have_it(site: Site) -> None:
    """Else nothing of this is worth anything."""
    wanted = {f"image-{model}": model for model in PICTURES} | {f"video-{model}": model for model in VIDEOS}
    assert site.states == {name: "completed" if model in MADE else "failed" for name, model in wanted.items()}


def test_what_is_printed(site: Site) -> None:
    check_free_of((*SAID, *site.secrets, TURN), site.gateway.output, "the output")


def test_what_is_written(site: Site) -> None:
    for path in site.gateway.state.rglob("*"):
        if path.is_file() and path.name != "catalog.toml":
            check_free_of((*SAID, *site.secrets), path.read_text(errors="replace"), path.name)


def test_every_item_of_every_table(site: Site) -> None:
    dynamodb = botocore_client(site.endpoint, "dynamodb")
    stored = ""
    for page in dynamodb.get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            for items in dynamodb.get_paginator("scan").paginate(TableName=table):
                stored += "\n".join(repr(item) for item in items["Items"])
    dynamodb.close()
    assert "image-shown" in stored, "the jobs are there by their models"
    check_free_of((*SAID, *site.secrets), stored, "a table")


def test_the_history_of_every_execution(site: Site) -> None:
    states = botocore_client(site.endpoint, "stepfunctions")
    seen = ""
    for machine in states.list_state_machines()["stateMachines"]:
        listed = states.get_paginator("list_executions").paginate(stateMachineArn=machine["stateMachineArn"])
        for execution in (each for page in listed for each in page["executions"]):
            arn = execution["executionArn"]
            seen += repr(states.describe_execution(executionArn=arn))
            pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
            seen += "".join(repr(page["events"]) for page in pages)
    states.close()
    for word in ("TaskSucceeded", "RefusedError", "PassingError", "-webhooks"):
        assert word in seen, "there are executions of all kinds"
    check_free_of((*SAID, *site.secrets), seen, "a history")


def test_the_bucket_but_for_the_jobs_own_objects(site: Site) -> None:
    s3 = botocore_client(site.endpoint, "s3")
    named, own = "", b""
    for bucket in s3.list_buckets()["Buckets"]:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            for found in page.get("Contents", []):
                place = {"Bucket": bucket["Name"], "Key": found["Key"]}
                reply = s3.get_object(**place)
                content = reply.pop("Body").read()
                named += repr((place, reply, s3.get_object_tagging(**place)["TagSet"]))
                if found["Key"].startswith("jobs/"):
                    own += content
                else:
                    named += repr(content)
    s3.close()
    check_free_of((*SAID, *site.secrets), named, "the bucket")
    assert PROMPT.encode() in own, "a job's request is where it may be"
    check_free_of(site.secrets, own.decode(errors="replace"), "a job's object")


def test_what_the_client_was_told(site: Site) -> None:
    """The provider's words about a failure are the client's to read, without what is secret in them."""
    told = "\n".join(site.told)
    assert OWN_WORDS in told
    check_free_of((*site.secrets, LINK), told, "a reply")


def test_what_usage_shows(site: Site) -> None:
    shown = json.dumps([site.gateway.sluice("usage", "--by", "model"), site.gateway.keys("list")])
    check_free_of((*SAID, *site.secrets), shown, "the usage")
