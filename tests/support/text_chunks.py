"""A streamed text completion, as the official client gives it."""

from openai.types import Completion

from openai_schemas import check_text_chunk


def text_of(chunks: list[Completion], index: int = 0) -> str:
    """What one choice says."""
    return "".join(choice.text for chunk in chunks for choice in chunk.choices if choice.index == index)


def check_order(chunks: list[Completion], choices: int = 1) -> None:
    """Each chunk to the schema, one id throughout, and of each choice one finish reason, at its end."""
    for chunk in chunks:
        check_text_chunk(chunk.to_dict())
    for index in range(choices):
        parts = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
        assert [part.finish_reason is not None for part in parts] == [False] * (len(parts) - 1) + [True]
    assert {(chunk.id, chunk.object, chunk.created, chunk.model) for chunk in chunks} == {
        (chunks[0].id, "text_completion", chunks[0].created, chunks[0].model)
    }
