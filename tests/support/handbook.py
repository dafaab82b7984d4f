"""The pages that are written for operators: their commands, links and headings."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from local_stack import ROOT

PAGES = ("README.md", "CONTRIBUTING.md", "DEPLOY.md", "SECURITY.md")
SHELL = "sh"

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_BLANK = re.compile(r"<[\w ]+>")
"""What a reader has to fill in."""
_SUBSTITUTION = re.compile(r"\$\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"")
_SEPARATORS = frozenset({"|", "||", "&", "&&", ";"})
_REDIRECTIONS = frozenset({">", ">>", "<", "2>"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page, in words as a shell would split them."""

    page: str
    line: str
    words: Sequence[str]
    whole: bool = True
    """Whether it is to be run as it stands, not just spoken of."""

    @property
    def program(self) -> str:
        """What is run, without the folder that it lies in."""
        return Path(self.words[0]).name

    @property
    def unquoted(self) -> str:
        """What a shell looks at in its line: neither what is quoted nor what other commands print."""
        return _QUOTED.sub("", _SUBSTITUTION.sub("$output", self.line))

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


def text_of(page: str) -> str:
    """A page as it is committed."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page: str) -> Iterator[Block]:
    """Its fenced blocks, in order."""
    for match in _FENCE.finditer(text_of(page)):
        indent = match["indent"]
        lines = [line.removeprefix(indent) for line in match["text"].splitlines()]
        yield Block(page, match["language"], "\n".join(lines))


def prose_of(page: str) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def spans_of(page: str) -> list[str]:
    """What stands between backquotes in the prose, in order."""
    return _SPAN.findall(prose_of(page))


def commands_of(page: str, programs: Sequence[str] = ()) -> Iterator[Command]:
    """All commands of its shell blocks, and those in its prose that begin with one of the programs and have an argument."""
    for block in blocks_of(page):
        if block.language == SHELL:
            for line in block.text.replace("\\\n", " ").splitlines():
                yield from commands_in(page, line)
    for span in (_BLANK.sub("x", span) for span in spans_of(page)):
        if span.split()[0].rpartition("/")[2] in programs and "…" not in span and " " in span:
            yield from (replace(command, whole=False) for command in commands_in(page, span))


def commands_in(page: str, line: str) -> Iterator[Command]:
    """The commands of a line: those that it runs one after the other, and those whose output is part of it."""
    for inner in _SUBSTITUTION.findall(line):
        yield from commands_in(page, inner)
    lexer = shlex.shlex(_SUBSTITUTION.sub("$output", line), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    tokens = iter(list(lexer))
    for token in tokens:
        if token in _SEPARATORS:
            yield from _command(page, line, words)
            words = []
        elif token in _REDIRECTIONS:
            next(tokens)
        else:
            words.append(token)
    yield from _command(page, line, words)


def _command(page: str, line: str, words: list[str]) -> Iterator[Command]:
    """The command without the variables that are set for it; none where nothing else is left."""
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    if words:
        yield Command(page, line, words)


def links_of(page: str) -> list[str]:
    """The targets of its links, outside of blocks."""
    return _LINK.findall(prose_of(page))


def anchors_of(page: str) -> set[str]:
    """What a link may name after ``#``: its headings as GitHub names them."""
    return {_anchor(heading) for heading in _HEADING.findall(prose_of(page))}


def _anchor(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
