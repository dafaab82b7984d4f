"""Texts in batches: each vector at its place, tokens added up, and one failure ends it all."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.embeddings import Embedding, EmbeddingList, EmbeddingUsage
from sluice.errors import UpstreamError
from sluice.pipeline.batches import AT_ONCE, in_batches


def vectors(texts: Sequence[object], *, tokens: int | None = None) -> EmbeddingList:
    data = [Embedding(index=index, embedding=[float(str(text))]) for index, text in enumerate(texts)]
    usage = None if tokens is None else EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens)
    return EmbeddingList(data=data[::-1], model="m", usage=usage)


@given(st.integers(1, 60), st.integers(1, 20), st.booleans())
def test_every_text_has_its_vector_whatever_the_batches(count: int, most: int, counts: bool) -> None:
    open_now, most_open, sizes = 0, 0, []

    async def ask(texts: Sequence[object]) -> EmbeddingList:
        nonlocal open_now, most_open
        open_now += 1
        most_open = max(most_open, open_now)
        sizes.append(len(texts))
        await asyncio.sleep(0)
        open_now -= 1
        return vectors(texts, tokens=len(texts) if counts else None)

    reply = asyncio.run(in_batches([str(number) for number in range(count)], most, ask))
    assert [(vector.index, vector.embedding) for vector in reply.data] == [
        (number, [float(number)]) for number in range(count)
    ]
    assert sum(sizes) == count
    assert max(sizes) <= most
    assert most_open <= AT_ONCE
    assert reply.usage == (EmbeddingUsage(prompt_tokens=count, total_tokens=count) if counts else None)


def test_what_one_batch_does_not_count_is_not_counted_at_all() -> None:
    async def ask(texts: Sequence[object]) -> EmbeddingList:
        return vectors(texts, tokens=1 if texts == ["0"] else None)

    assert asyncio.run(in_batches(["0", "1"], 1, ask)).usage is None


def test_a_failure_ends_the_requests_that_are_open() -> None:
    ended = []

    async def ask(texts: Sequence[object]) -> EmbeddingList:
        if texts == ["3"]:
            raise UpstreamError("broken")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(texts)
        raise AssertionError

    with pytest.raises(UpstreamError, match="broken"):
        asyncio.run(in_batches([str(number) for number in range(5)], 1, ask))
    assert sorted(map(str, ended)) == ["['0']", "['1']", "['2']", "['4']"]
