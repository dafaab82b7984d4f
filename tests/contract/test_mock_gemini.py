"""The mock of the Gemini API, by Google's own SDK: what is proven with it is worth as much as it is."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from mock_embeddings import vector_of
from mock_gemini import (
    BUDGETED,
    COUNT,
    EMBEDDER,
    KEY,
    PAINTER,
    PLAIN,
    SIGNATURE,
    TEXT,
    THINKER,
    THOUGHTS,
    MockGemini,
)
from mock_images import FORBIDDEN, UNSHOWN, picture_of

QUESTION = "What is the weather in Zürich?"
WEATHER = types.FunctionDeclaration(
    name="weather",
    description="The weather",
    parameters_json_schema={
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Zürich"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
TOOLS: Any = [types.Tool(function_declarations=[WEATHER])]
THINKING = types.ThinkingConfig(include_thoughts=True)
NO_LOOPS = types.AutomaticFunctionCallingConfig(disable=True)


@pytest.fixture(scope="module")
def mock() -> Iterator[MockGemini]:
    with MockGemini() as server:
        yield server


def sdk(mock: MockGemini, version: str = "v1beta", key: str = KEY) -> genai.Client:
    return genai.Client(
        api_key=key, http_options=types.HttpOptions(base_url=mock.url, api_version=version, timeout=20_000)
    )


@pytest.fixture(params=["v1", "v1beta"])
def client(mock: MockGemini, request: pytest.FixtureRequest) -> Iterator[genai.Client]:
    with sdk(mock, request.param) as found:
        yield found


def parts_of(reply: types.GenerateContentResponse) -> list[types.Part]:
    assert reply.candidates
    assert reply.candidates[0].content
    return reply.candidates[0].content.parts or []


def test_text(client: genai.Client) -> None:
    reply = client.models.generate_content(
        model=PLAIN, contents="Hello", config=types.GenerateContentConfig(system_instruction="Be brief")
    )
    assert reply.text == "".join(TEXT)
    assert reply.candidates
    assert reply.candidates[0].finish_reason is types.FinishReason.STOP
    assert reply.usage_metadata
    assert (reply.usage_metadata.prompt_token_count, reply.usage_metadata.candidates_token_count) == (20, 7)
    assert reply.response_id
    assert reply.model_version == PLAIN


def test_a_stream(client: genai.Client) -> None:
    chunks = list(client.models.generate_content_stream(model=PLAIN, contents="Hello"))
    assert [chunk.text for chunk in chunks] == [*TEXT, ""]
    assert [chunk.candidates and chunk.candidates[0].finish_reason for chunk in chunks] == [
        *[None] * len(TEXT),
        types.FinishReason.STOP,
    ]
    assert chunks[-1].usage_metadata
    assert chunks[-1].usage_metadata.total_token_count == 27


@pytest.mark.parametrize("model", [THINKER, BUDGETED])
def test_thoughts(client: genai.Client, model: str) -> None:
    config = types.GenerateContentConfig(thinking_config=THINKING)
    reply = client.models.generate_content(model=model, contents="Hello", config=config)
    thoughts = [part.text for part in parts_of(reply) if part.thought]
    assert thoughts == ["".join(THOUGHTS)]
    assert parts_of(reply)[-1].thought_signature == base64.b64decode(SIGNATURE)
    assert reply.usage_metadata
    assert reply.usage_metadata.thoughts_token_count == COUNT.reasoning
    streamed = [
        part
        for chunk in client.models.generate_content_stream(model=model, contents="Hello", config=config)
        for part in parts_of(chunk)
    ]
    assert [part.text for part in streamed if part.thought] == list(THOUGHTS)
    assert "".join(part.text or "" for part in streamed if not part.thought) == "".join(TEXT)
    assert streamed[-1].thought_signature == base64.b64decode(SIGNATURE)


def test_tools_with_the_sdks_own_history(client: genai.Client) -> None:
    config = types.GenerateContentConfig(tools=TOOLS, automatic_function_calling=NO_LOOPS)
    chat = client.chats.create(model=THINKER, config=config)
    asked = chat.send_message(QUESTION)
    (call,) = asked.function_calls or []
    assert (call.name, call.args) == ("weather", {"city": "Zürich"})
    answer = types.Part.from_function_response(name="weather", response={"degrees": 21})
    assert chat.send_message(answer).text == 'The tool says [{"degrees": 21}]'
    assert chat.send_message("Thank you").function_calls, "the next turn's history is taken, too"


def test_tools_streamed(client: genai.Client) -> None:
    config = types.GenerateContentConfig(tools=TOOLS, automatic_function_calling=NO_LOOPS)
    chunks = list(client.models.generate_content_stream(model=THINKER, contents=QUESTION, config=config))
    calls = [call for chunk in chunks for call in chunk.function_calls or []]
    assert [(call.name, call.args) for call in calls] == [("weather", {"city": "Zürich"})]


def test_an_unsigned_call_is_refused_by_the_third_generation_only(client: genai.Client) -> None:
    call = types.Part.from_function_call(name="weather", args={"city": "Zürich"})
    answer = types.Part.from_function_response(name="weather", response={"degrees": 21})
    contents: Any = [
        types.Content(role="user", parts=[types.Part(text=QUESTION)]),
        types.Content(role="model", parts=[call]),
        types.Content(role="user", parts=[answer]),
    ]
    config = types.GenerateContentConfig(tools=TOOLS, automatic_function_calling=NO_LOOPS)
    with pytest.raises(errors.ClientError, match="missing a `thought_signature`"):
        client.models.generate_content(model=THINKER, contents=contents, config=config)
    assert client.models.generate_content(model=BUDGETED, contents=contents, config=config).text
    call.thought_signature = base64.urlsafe_b64decode("skip_thought_signature_validator")
    assert client.models.generate_content(model=THINKER, contents=contents, config=config).text


def test_calls_must_be_answered(client: genai.Client) -> None:
    call = types.Part.from_function_call(name="weather", args={})
    contents: Any = [
        types.Content(role="user", parts=[types.Part(text=QUESTION)]),
        types.Content(role="model", parts=[call]),
        types.Content(role="user", parts=[types.Part(text="Well?")]),
    ]
    with pytest.raises(errors.ClientError, match="number of function response parts"):
        client.models.generate_content(model=PLAIN, contents=contents)


def test_structured_output(client: genai.Client) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=schema)
    assert client.models.generate_content(model=PLAIN, contents="Who?", config=config).text == '{"name": "x"}'


def test_media(client: genai.Client) -> None:
    contents: Any = [
        types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png"),
        types.Part.from_uri(file_uri="https://example.com/a.png", mime_type="image/png"),
        "What is it?",
    ]
    assert client.models.generate_content(model=PLAIN, contents=contents).text


def test_several_candidates_and_logprobs(client: genai.Client) -> None:
    config = types.GenerateContentConfig(candidate_count=2, response_logprobs=True, logprobs=3, seed=7)
    reply = client.models.generate_content(model=PLAIN, contents="Hello", config=config)
    assert [candidate.index for candidate in reply.candidates or ()] == [0, 1]
    result = (reply.candidates or [])[0].logprobs_result
    assert result
    assert [found.token for found in result.chosen_candidates or ()] == list(TEXT)
    assert len((result.top_candidates or [])[0].candidates or ()) == 3


def test_embeddings(client: genai.Client) -> None:
    texts: Any = [types.Content(parts=[types.Part(text=text)]) for text in ("a", "b")]
    reply = client.models.embed_content(
        model=EMBEDDER, contents=texts, config=types.EmbedContentConfig(output_dimensionality=8)
    )
    assert [found.values for found in reply.embeddings or ()] == [vector_of("a", 8), vector_of("b", 8)]


def test_models(client: genai.Client) -> None:
    found = {model.name: model for model in client.models.list()}
    assert found[f"models/{THINKER}"].input_token_limit == 1048576
    assert found[f"models/{EMBEDDER}"].supported_actions == ["embedContent"]
    assert client.models.get(model=THINKER).name == f"models/{THINKER}"


@pytest.mark.parametrize("stream", [False, True])
def test_a_blocked_prompt(client: genai.Client, stream: bool) -> None:
    ask = client.models.generate_content_stream if stream else client.models.generate_content
    answered = ask(model=PLAIN, contents="#blocked")
    replies = [answered] if isinstance(answered, types.GenerateContentResponse) else list(answered)
    (reply,) = replies
    assert not reply.candidates
    assert reply.prompt_feedback
    assert reply.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT


@pytest.mark.parametrize(
    ("order", "code", "status"),
    [
        ("overloaded", 503, "UNAVAILABLE"),
        ("broken", 500, "INTERNAL"),
        ("not_served", 400, "FAILED_PRECONDITION"),
        ("too_long", 400, "INVALID_ARGUMENT"),
        ("limited", 429, "RESOURCE_EXHAUSTED"),
        ("spent", 429, "RESOURCE_EXHAUSTED"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors(client: genai.Client, order: str, code: int, status: str, stream: bool) -> None:
    with pytest.raises(errors.APIError) as caught:
        if stream:
            list(client.models.generate_content_stream(model=PLAIN, contents=f"#{order}"))
        else:
            client.models.generate_content(model=PLAIN, contents=f"#{order}")
    assert (caught.value.code, caught.value.status) == (code, status)


def test_a_stream_that_breaks_off(client: genai.Client) -> None:
    with pytest.raises(errors.APIError) as caught:
        list(client.models.generate_content_stream(model=PLAIN, contents="#breaks"))
    assert caught.value.status == "UNAVAILABLE"


def test_a_wrong_key(mock: MockGemini) -> None:
    with sdk(mock, key="AIzaWrong") as client, pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=PLAIN, contents="Hello")
    assert caught.value.code == 400
    assert "API_KEY_INVALID" in str(caught.value.details)


def test_an_unknown_model(client: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="gemini-9", contents="Hello")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (PLAIN, {"thinking_config": {"thinking_budget": 0}}),
        (BUDGETED, {"thinking_config": {"thinking_level": "LOW"}}),
        (BUDGETED, {"thinking_config": {"thinking_budget": 30000}}),
        (THINKER, {"thinking_config": {"thinking_level": "LOW", "thinking_budget": 1}}),
        (PLAIN, {"candidate_count": 9}),
        (PLAIN, {"temperature": 2.5}),
        (PLAIN, {"stop_sequences": list("abcdef")}),
        (PLAIN, {"logprobs": 2}),
        (THINKER, {"response_logprobs": True}),
        (PLAIN, {"response_json_schema": {"type": "object"}}),
        (PLAIN, {"media_resolution": "MEDIA_RESOLUTION_LOW", "cached_content": "cachedContents/x"}),
    ],
)
def test_what_gemini_does_not_take(client: genai.Client, model: str, config: Any) -> None:
    with pytest.raises(errors.ClientError):
        client.models.generate_content(model=model, contents="Hello", config=config)


def painted(client: genai.Client, prompt: str, model: str = PAINTER, **form: str) -> Any:
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"], image_config=types.ImageConfig(**form) if form else None
    )
    return client.models.generate_content(model=model, contents=prompt, config=config)


def test_it_paints(client: genai.Client) -> None:
    """After a sketch, which is a thought."""
    sketch, picture = parts_of(painted(client, "a cat", aspect_ratio="16:9", image_size="2K"))
    assert sketch.thought is True
    assert picture.thought is None
    assert picture.inline_data is not None
    assert picture.inline_data.data == picture_of("a cat")


def test_what_is_not_let_pass_has_a_reason(client: genai.Client) -> None:
    feedback = painted(client, FORBIDDEN).prompt_feedback
    assert feedback is not None
    assert feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT
    (candidate,) = painted(client, UNSHOWN).candidates
    assert candidate.finish_reason == types.FinishReason.IMAGE_SAFETY


@pytest.mark.parametrize(
    ("model", "form"),
    [(PLAIN, {}), (PAINTER, {"aspect_ratio": "7:1"}), (PAINTER, {"image_size": "2k"})],
)
def test_what_cannot_be_painted_is_refused(client: genai.Client, model: str, form: dict[str, str]) -> None:
    with pytest.raises(errors.ClientError) as caught:
        painted(client, "a cat", model, **form)
    assert caught.value.code == 400
