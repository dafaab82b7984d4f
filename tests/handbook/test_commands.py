"""Each command line of the pages is one that its tool takes, as far as can be told without AWS."""

import json
import re
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
import typer

from aws_command import faults_of
from handbook import Block, Command, blocks_of, commands_in, commands_of
from local_stack import ROOT, TEMPLATE
from sam_command import SAM
from sluice.cli.main import app
from sluice.local.blueprint import read_template

PAGES = ("README.md", "CONTRIBUTING.md", "DEPLOY.md", "SECURITY.md")
PROGRAMS = ("aws", "sam", "sluice", "make")
OTHERS = frozenset({"curl", "export", "git", "pip", "python3.13", "npm", "rm"})
"""What the pages use beside those, as everybody knows it."""
COMMANDS = [command for page in PAGES for command in commands_of(page, PROGRAMS)]
SET_BY_HAND = frozenset({"PORT", "ARGS", "SLUICE_CATALOG", "SLUICE_IP_RPM", "SLUICE_WEBHOOK_HOSTS"})

USAGE_ERROR = typer.BadParameter.__bases__[0]
"""Of the library within typer that parses."""

SAM_OPTIONS = """
import importlib, json
import click
from samcli.cli.command import _SAM_CLI_COMMAND_PACKAGES as packages
found = {}
for package in packages:
    command = getattr(importlib.import_module(package), "cli", None)
    name = package.rsplit(".", 1)[1]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found[f"{name} {each}"] = [o for p in command.get_command(context, each).params for o in (*p.opts, *p.secondary_opts)]
    elif command is not None:
        found[name] = [option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)]
print(json.dumps(found))
"""


def by(program: str) -> list[Command]:
    return [command for command in COMMANDS if command.program == program]


def test_there_are_commands_of_each_kind() -> None:
    for program, least in {"aws": 40, "sam": 8, "sluice": 30, "make": 8}.items():
        assert len(by(program)) >= least


def test_no_program_is_used_that_nothing_here_knows() -> None:
    assert {command.program for command in COMMANDS} <= {*PROGRAMS, *OTHERS}


@pytest.mark.parametrize("command", by("aws"), ids=str)
def test_aws_has_the_operation_and_its_options(command: Command) -> None:
    assert list(faults_of(command.words, whole=command.whole)) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("aws dynamodb drop-table --table-name x", "dynamodb has no operation drop-table"),
        ("aws dinamodb list-tables", "there is no service dinamodb"),
        ("aws dynamodb delete-table", "DeleteTable needs table-name"),
        ("aws dynamodb delete-table --table-name x --force", "DeleteTable has no option --force"),
        ("aws dynamodb delete-table --table-name x y", "y belongs to no option"),
        ("aws dynamodb wait table-gone --table-name x", "dynamodb has no waiter table-gone"),
        ("aws logs start-query --start-time soon --end-time 1 --query-string x", "a number, not soon"),
        (
            "aws dynamodb export-table-to-point-in-time --table-arn a --s3-bucket b --export-format CSV",
            "knows no ExportFormat CSV",
        ),
    ],
)
def test_what_aws_has_not_is_found(line: str, fault: str) -> None:
    (command,) = commands_in("page", line)
    assert any(fault in each for each in faults_of(command.words))


EXPANDED = re.compile(r"\{[^}]*(,|\.\.)[^}]*\}|\[")
"""What a shell makes several words of, or takes for names of files."""


@pytest.mark.parametrize("page", PAGES)
def test_a_shell_leaves_each_command_as_it_is_written(page: str) -> None:
    assert [
        command.line for command in commands_of(page, PROGRAMS) if EXPANDED.search(command.unquoted)
    ] == []


@pytest.mark.parametrize(
    ("line", "is_expanded"),
    [
        ("aws x --schema Keys=[{Name=id,Type=S},{Name=at,Type=N}]", True),
        ("aws x --schema {Name=id,Type=S}", True),
        ("aws x --names [a]", True),
        ("aws x --schema 'Keys=[{Name=id,Type=S}]'", False),
        ('aws x --query "Stacks[0].[Name,\\"{a,b}\\"]"', False),
        ('x=$(aws x --query "Stacks[].Name") aws y --to Name={z}', False),
        ("x=$(aws x --query Stacks[].Name) aws y", True),
    ],
)
def test_what_a_shell_does_not_leave_is_found(line: str, is_expanded: bool) -> None:
    commands = list(commands_in("page", line))
    assert any(EXPANDED.search(command.unquoted) for command in commands) == is_expanded


def found(arguments: Sequence[str]) -> tuple[Any, list[str], Any]:
    """The command that arguments name, what is left of them, and the group that it is in."""
    command: Any = typer.main.get_command(app)
    rest, context = list(arguments), None
    while hasattr(command, "resolve_command") and rest and not rest[0].startswith("-"):  # it is a group
        context = command.context_class(command, parent=context, info_name=command.name)
        _, command, rest = command.resolve_command(context, rest)
    return command, rest, context


def parse(arguments: Sequence[str]) -> None:
    """Have the command's own parser read arguments, which runs nothing."""
    command, rest, context = found(arguments)
    command.make_context(command.name, rest, parent=context)


@pytest.mark.parametrize("command", by("sluice"), ids=str)
def test_sluice_takes_it(command: Command) -> None:
    if command.whole:
        parse(command.words[1:])
        return
    spoken_of, rest, _ = found(command.words[1:])
    known = {option for parameter in spoken_of.params for option in parameter.opts} | {"--stack", "--local"}
    assert {word for word in rest if word.startswith("--")} <= known


@pytest.mark.parametrize(
    "line",
    [
        "sluice keys destroy key_1 --local",
        "sluice keys revoke --local",
        "sluice usage --since yesterday --local",
        "sluice ledger list --key key_1 --format csv --local",
    ],
)
def test_what_sluice_does_not_take_is_found(line: str) -> None:
    (command,) = commands_in("page", line)
    with pytest.raises(USAGE_ERROR):
        parse(command.words[1:])


@pytest.mark.parametrize("page", PAGES)
def test_where_it_is_to_be_run_sluice_is_told_which_gateway(page: str) -> None:
    for command in commands_of(page):
        assert command.program != "sluice" or {"--stack", "--local", "dev"} & set(command.words), command


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("command", by("make"), ids=str)
def test_make_has_the_target(command: Command) -> None:
    for word in command.words[1:]:
        name, set_to, _ = word.partition("=")
        assert name in (SET_BY_HAND if set_to else targets())


@pytest.fixture(scope="module")
def sam_options() -> dict[str, list[str]]:
    """The options of each of sam's commands, by itself."""
    done = subprocess.run(
        [SAM.with_name("python"), "-W", "ignore", "-c", SAM_OPTIONS],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("command", by("sam"), ids=str)
def test_sam_has_the_command_its_options_and_the_parameters(
    command: Command, sam_options: dict[str, list[str]]
) -> None:
    words = command.words[1:]
    name = words[0] if words[0] in sam_options else " ".join(words[:2])
    options = [word for word in words if word.startswith("-")]
    if not command.whole and any(each.startswith(f"{name.split()[0]} ") for each in sam_options):
        return  # a group's name
    assert name in sam_options
    assert [option for option in options if option not in sam_options[name]] == []
    overrides = words[words.index("--parameter-overrides") + 1 :] if "--parameter-overrides" in words else []
    names = {word.partition("=")[0] for word in overrides if "=" in word}
    assert names <= read_template(TEMPLATE)["Parameters"].keys()


PYTHON = [block for page in PAGES for block in blocks_of(page) if block.language == "python"]


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.page)
def test_python_is_python(block: Block) -> None:
    compile(block.text, block.page, "exec")
