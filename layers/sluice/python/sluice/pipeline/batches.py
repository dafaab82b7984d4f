"""Embeddings of more texts than a provider takes at once: in several requests, the vectors put together again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sluice.api.embeddings import EmbeddingList, EmbeddingUsage
from sluice.api.text_input import Text

AT_ONCE = 8
"""How many requests for one client's request a provider gets at the same time."""

type Ask = Callable[[Sequence[Text]], Awaitable[EmbeddingList]]
"""Asks for the vectors of some of the texts."""


async def in_batches(texts: Sequence[Text], most: int, ask: Ask) -> EmbeddingList:
    """The vectors of all texts, in their order, asked for ``most`` at a time.

    The first failure ends it, and the requests that are open then.
    """
    batches = [texts[start : start + most] for start in range(0, len(texts), most)]
    room = asyncio.Semaphore(AT_ONCE)

    async def asked(batch: Sequence[Text]) -> EmbeddingList:
        async with room:
            return await ask(batch)

    asking = [asyncio.create_task(asked(batch)) for batch in batches]
    try:
        return _joined(await asyncio.gather(*asking))
    finally:
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


def _joined(replies: Sequence[EmbeddingList]) -> EmbeddingList:
    vectors = [vector for reply in replies for vector in sorted(reply.data, key=lambda each: each.index)]
    counts = [reply.usage for reply in replies if reply.usage is not None]
    tokens = sum(count.prompt_tokens for count in counts)
    return EmbeddingList(
        data=[vector.model_copy(update={"index": index}) for index, vector in enumerate(vectors)],
        model=replies[0].model,
        usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens)
        if len(counts) == len(replies)
        else None,
    )
