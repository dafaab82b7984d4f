"""What is searched for: the query that a conversation makes, by rule and without a model.

1. It is the text of the last user's turn; its other parts (pictures, files) say nothing here. Blocks of code, fenced by
   three backticks or tildes, are left out, unless there is nothing else.
2. A short one (fewer than 4 words and 24 characters: "And in Italy?") goes on with what was said before, so the user's
   turn before it stands in front of it, or of the last few before it the first that has a text.
3. Of a long one (more than 400 characters or 50 words, which is what engines take) its last question counts, or if
   there is none its beginning; both are cut to that length, at a word. Of one of more than 20,000 characters the middle
   is not looked at.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

from sluice.api.messages import Message, TextPart, UserMessage
from sluice.search.visible import visible

MOST_CHARACTERS = 400
MOST_WORDS = 50

MOST_READ = 10_000
"""Characters at either end of a turn: a question stands before or behind what was pasted."""

MOST_TURNS = 8
"""Before the last one: a body has room for hundreds that are long and blank, and looking at each takes milliseconds."""

SHORT_CHARACTERS = 24
SHORT_WORDS = 4

_CODE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?\u061f])\s+|(?<=[\u3002\uff01\uff1f])|\n+")
_QUESTION_MARKS = ("?", "\u061f", "\uff1f")
"""English's, Arabic's and the wide one; behind the last, no space follows."""


def query_of(messages: Sequence[Message]) -> str:
    """The query; empty if no user's turn has a text."""
    texts = (_text(turn) for turn in reversed(list(_turns(messages))))
    last = next(texts, "")
    line = visible(last)
    if not _is_short(line):
        return _within_limits(last)
    before = next(filter(None, itertools.islice(texts, MOST_TURNS)), "")
    beginning = _within_limits(before, reserved=len(line) + 1, reserved_words=SHORT_WORDS)
    return f"{beginning} {line}".strip()


def _turns(messages: Sequence[Message]) -> Iterator[UserMessage]:
    return (message for message in messages if isinstance(message, UserMessage))


def _text(turn: UserMessage) -> str:
    """A turn's text without blocks of code; with them if there is nothing else."""
    content = turn.content
    text = (
        content
        if isinstance(content, str)
        else "\n".join(part.text for part in content if isinstance(part, TextPart))
    )
    if len(text) > 2 * MOST_READ:
        text = f"{text[:MOST_READ]}\n{text[-MOST_READ:]}"
    prose = _CODE.sub("\n", text)
    return prose if visible(prose) else text if visible(text) else ""


def _is_short(text: str) -> bool:
    return len(text) < SHORT_CHARACTERS and len(text.split()) < SHORT_WORDS


def _within_limits(text: str, *, reserved: int = 0, reserved_words: int = 0) -> str:
    """The part of a text that is searched for, on one line."""
    characters, words = MOST_CHARACTERS - reserved, MOST_WORDS - reserved_words
    whole = visible(text)
    if len(whole) <= characters and len(whole.split()) <= words:
        return whole
    sentences = map(visible, _SENTENCE_END.split(text))
    questions = [sentence for sentence in sentences if sentence.endswith(_QUESTION_MARKS)]
    return _cut(questions[-1] if questions else whole, characters, words)


def _cut(text: str, characters: int, words: int) -> str:
    cut = " ".join(text.split()[:words])
    if len(cut) <= characters:
        return cut
    shorter = cut[: characters + 1].rpartition(" ")[0]
    return shorter or cut[:characters]
