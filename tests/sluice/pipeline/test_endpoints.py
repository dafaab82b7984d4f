"""What is particular to each endpoint: whom it asks, what it refuses, and what it makes of replies."""

from dataclasses import replace
from typing import Any

import pytest

from sluice.accounting.costs import TokenCount
from sluice.api.chat_reply import ChatCompletion
from sluice.api.completion_reply import Completion
from sluice.api.embeddings import EmbeddingList, EmbeddingUsage
from sluice.catalog import Candidate, ModelRow
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.pipeline.chat import Chat, ChatDefaults
from sluice.pipeline.completions import Completions
from sluice.pipeline.embeddings import Embeddings
from sluice.providers.declared import PROVIDER as DECLARED
from sluice.providers.openai import PROVIDER
from sluice.providers.through_chat import ThroughChat
from text_requests import completion_call, embeddings_request

ANY = TokenCount(10**9, 10**9)
MESSAGES = [{"role": "user", "content": "Hi"}]


def row(**members: Any) -> ModelRow:
    return ModelRow.model_validate(
        {"id": "m", "candidates": [Candidate(provider="p", model="up")], **members}
    )


class TestChat:
    def test_is_for_chat_models(self) -> None:
        assert Chat.KINDS == ("chat",)
        assert Chat().operation(PROVIDER, row()) is PROVIDER.chat

    def test_is_not_for_a_provider_that_only_makes_videos(self) -> None:
        request = Chat().understood({"model": "m", "messages": MESSAGES})
        with pytest.raises(UnsupportedParameterError) as caught:
            Chat().check(request, DECLARED, row())
        assert (caught.value.status, caught.value.param) == (400, "model")

    @pytest.mark.parametrize("members", [{}, {"search_enabled": True}, {"search_enabled": None}])
    def test_understands_a_conversation(self, members: dict[str, Any]) -> None:
        assert Chat().understood({"model": "m", "messages": MESSAGES, **members}).model == "m"

    def test_fills_in_an_aliass_defaults_and_changes_no_body(self) -> None:
        raw: dict[str, Any] = {"messages": MESSAGES}
        request = Chat(ChatDefaults("m", 9)).understood(raw)
        assert (request.model, request.max_tokens) == ("m", 9)
        assert raw == {"messages": MESSAGES}

    def test_tells_what_was_used_by_the_providers_word(self) -> None:
        reply = ChatCompletion.model_validate({"id": "1", "created": 1, "model": "m", "choices": []})
        assert Chat().used(reply) is None
        assert Chat().told(Chat().understood({"model": "m", "messages": MESSAGES}), reply, ANY) is reply


class TestCompletions:
    def test_is_for_models_that_write(self) -> None:
        assert set(Completions.KINDS) == {"chat", "completion"}

    def test_is_not_for_a_provider_that_only_makes_videos(self) -> None:
        request = Completions().understood({"model": "m", "prompt": "Hi"})
        with pytest.raises(UnsupportedParameterError) as caught:
            Completions().check(request, DECLARED, row())
        assert (caught.value.status, caught.value.param) == (400, "model")

    @pytest.mark.parametrize(
        "members",
        [
            {"kind": "completion"},
            {"capabilities": ["completions"]},
            {"kind": "completion", "capabilities": []},
        ],
    )
    def test_asks_a_completion_model_at_its_own_endpoint(self, members: dict[str, Any]) -> None:
        assert Completions().operation(PROVIDER, row(**members)) is PROVIDER.completions

    @pytest.mark.parametrize(
        ("members", "limit"),
        [({}, "max_tokens"), ({"output_limit": "max_completion_tokens"}, "max_completion_tokens")],
    )
    def test_asks_a_chat_model_through_chat_by_the_limit_that_it_knows(
        self, members: dict[str, Any], limit: str
    ) -> None:
        operation = Completions().operation(PROVIDER, row(**members))
        assert isinstance(operation, ThroughChat)
        assert b'"%s":16' % limit.encode() in operation.upstream_request(completion_call()).body

    def test_asks_through_chat_where_the_provider_has_no_completions(self) -> None:
        bare = replace(PROVIDER, completions=None)
        assert isinstance(Completions().operation(bare, row(kind="completion")), ThroughChat)

    @pytest.mark.parametrize(
        "members",
        [
            {"best_of": 1},
            {"best_of": 3, "n": 3},
            {"best_of": 3, "n": 2},
            {"best_of": 3, "n": 3, "stream": True},
            {"best_of": None, "n": 3, "stream": True},
        ],
    )
    def test_the_best_of_at_least_as_many_as_are_returned(self, members: dict[str, Any]) -> None:
        request = Completions().understood({"model": "m", "prompt": "a", **members})
        assert request.best_of == members["best_of"]

    @pytest.mark.parametrize(
        "members",
        [{"best_of": 1, "n": 2}, {"best_of": 2, "stream": True}, {"best_of": 3, "n": 2, "stream": True}],
    )
    def test_no_best_of_fewer_and_none_in_a_stream(self, members: dict[str, Any]) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            Completions().understood({"model": "m", "prompt": "a", **members})
        assert (caught.value.status, caught.value.param) == (400, "best_of")

    def test_the_request_goes_as_it_is_whatever_a_budget_has_left(self) -> None:
        request = completion_call().request
        assert Completions().limited(request, 3, row()) is request

    def test_tells_what_was_used_by_the_providers_word(self) -> None:
        reply = Completion.model_validate({"id": "1", "created": 1, "model": "m", "choices": []})
        assert Completions().used(reply) is None
        assert Completions().estimated(completion_call().request, reply, ANY) == TokenCount(3, 0)


class TestEmbeddings:
    def reply(self, usage: EmbeddingUsage | None = None) -> EmbeddingList:
        return EmbeddingList(data=[], model="m", usage=usage)

    def test_is_for_embedding_models(self) -> None:
        assert Embeddings.KINDS == ("embedding",)
        assert Embeddings().operation(PROVIDER, row(kind="embedding")) is PROVIDER.embeddings

    def test_a_provider_without_embeddings_is_no_fault_of_ours(self) -> None:
        with pytest.raises(UnsupportedParameterError) as caught:
            Embeddings().operation(replace(PROVIDER, embeddings=None), row(kind="embedding"))
        assert caught.value.param == "model"

    def test_what_was_used_is_a_prompt_and_no_completion(self) -> None:
        used = Embeddings().used(self.reply(EmbeddingUsage(prompt_tokens=5, total_tokens=5)))
        assert used is not None
        assert (used.prompt_tokens, used.completion_tokens, used.total_tokens) == (5, 0, 5)
        assert Embeddings().used(self.reply()) is None

    def test_a_reply_without_usage_is_told_what_is_charged(self) -> None:
        request, reply = embeddings_request(["four", "eight ch"]), self.reply()
        told = Embeddings().told(request, reply, ANY)
        assert told.usage == EmbeddingUsage(prompt_tokens=3, total_tokens=3)
        assert Embeddings().estimated(request, reply, ANY) == TokenCount(3, 0)
        assert Embeddings().estimated(request, reply, TokenCount(2, 0)) == TokenCount(2, 0)
        assert reply.usage is None

    def test_a_reply_with_usage_is_told_as_it_is(self) -> None:
        reply = self.reply(EmbeddingUsage(prompt_tokens=5, total_tokens=5))
        assert Embeddings().told(embeddings_request(), reply, ANY) is reply
