"""The gateway in sam local's containers, through the official client."""

import json

import httpx
import openai
import pytest

from sam_site import DEAR, SamSite

SECONDS = 60
"""A function's container may have to be started."""

MESSAGES = [{"role": "user", "content": "Hello!"}]


def test_chat_whole_and_streamed(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="demo", messages=MESSAGES)  # type: ignore[arg-type] # the SDK wants its own TypedDicts
    text = whole.choices[0].message.content
    assert text
    assert whole.usage is not None
    assert whole.usage.total_tokens > 0
    stream = client.chat.completions.create(  # type: ignore[call-overload] # as above
        model="demo", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert len(chunks) > 3
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
    assert chunks[-1].usage == whole.usage


def test_completions(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="demo", prompt="Once upon a time", max_tokens=16)
    stream = client.completions.create(model="demo", prompt="Once upon a time", max_tokens=16, stream=True)
    assert whole.choices[0].text
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == whole.choices[0].text


def test_embeddings(client: openai.OpenAI) -> None:
    reply = client.embeddings.create(model="demo-embedding", input=["The quick brown fox", "jumps"])
    assert [len(row.embedding) > 0 for row in reply.data] == [True, True]


def test_models(client: openai.OpenAI) -> None:
    ids = {model.id for model in client.models.list()}
    assert {"demo", "demo-image", "demo-video"} <= ids
    assert client.models.retrieve("demo").id == "demo"


def test_what_needs_no_key(site: SamSite) -> None:
    with httpx.Client(base_url=site.url, trust_env=False, timeout=SECONDS) as http:
        health = http.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "ok")
        page = http.get("/docs")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert http.get("/docs/swagger-ui-bundle.js").status_code == 200
        document = http.get("/openapi.json")
        assert "/v1/chat/completions" in document.json()["paths"]


def test_a_page_of_another_origin_may_ask(site: SamSite) -> None:
    reply = httpx.options(
        f"{site.url}/v1/chat/completions",
        headers={
            "Origin": "https://app.example.com",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        },
        trust_env=False,
        timeout=SECONDS,
    )
    assert reply.status_code in (200, 204)
    assert reply.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("terms", "model", "status", "code"),
    [
        (("--models", "demo-embedding"), "demo", 403, "model_not_allowed"),
        (("--budget", "0.000000001"), DEAR, 402, "budget_exceeded"),
    ],
)
def test_what_a_key_may_not_do(
    site: SamSite, terms: tuple[str, ...], model: str, status: int, code: str
) -> None:
    secret = site.create_key(*terms)["key"]
    with (
        openai.OpenAI(base_url=f"{site.url}/v1", api_key=secret, max_retries=0) as client,
        pytest.raises(openai.APIStatusError) as refused,
    ):
        client.chat.completions.create(model=model, messages=MESSAGES)  # type: ignore[arg-type] # as above
    assert (refused.value.status_code, refused.value.code) == (status, code)


def test_keys_that_are_none(site: SamSite) -> None:
    revoked = site.create_key()
    site.sluice("keys", "revoke", revoked["id"])
    for secret in (revoked["key"], "sk-" + "0" * 48):
        with (
            openai.OpenAI(base_url=f"{site.url}/v1", api_key=secret, max_retries=0) as client,
            pytest.raises(openai.AuthenticationError) as refused,
        ):
            client.embeddings.create(model="demo-embedding", input="x")
        assert refused.value.code == "invalid_api_key"


def test_bad_requests(site: SamSite, key: str) -> None:
    with httpx.Client(
        base_url=site.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=SECONDS
    ) as http:
        malformed = http.post("/v1/chat/completions", content=b'{"model": ')
        assert malformed.status_code == 400
        assert malformed.json()["error"]["type"] == "invalid_request_error"
        assert malformed.headers["x-request-id"].startswith("req_")
        wrong_method = http.get("/v1/embeddings")
        assert (wrong_method.status_code, wrong_method.json()["error"]["code"]) == (405, "method_not_allowed")
        # SAM CLI answers by itself, as API Gateway does where a template says nothing; it reads no gateway responses.
        unknown = http.get("/v1/nothing")
        assert (unknown.status_code, json.loads(unknown.content)) == (
            403,
            {"message": "Missing Authentication Token"},
        )
