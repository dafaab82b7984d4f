"""Loading the functions' modules."""

from pathlib import Path

import pytest

from sluice.local.blueprint import Function
from sluice.local.errors import TemplateError
from sluice.local.functions import load_app, load_handler


def a_function(folder: Path, source: str | None) -> Function:
    folder.mkdir()
    if source is not None:
        (folder / "app.py").write_text(source)
    return Function(f"{folder.name}Function", folder, (), {})


def test_two_functions_each_have_their_own_app(tmp_path: Path) -> None:
    one = load_app(a_function(tmp_path / "one", "async def app(scope, receive, send): ...\nname = 1"))
    two = load_app(a_function(tmp_path / "two", "async def app(scope, receive, send): ...\nname = 2"))
    assert one is not two
    assert one.__module__ != two.__module__


@pytest.mark.parametrize("source", [None, "handler = None"])
def test_a_folder_without_an_app_is_named(tmp_path: Path, source: str | None) -> None:
    with pytest.raises(TemplateError, match="bare"):
        load_app(a_function(tmp_path / "bare", source))


def test_a_handler_is_loaded_where_there_is_no_app(tmp_path: Path) -> None:
    handler = load_handler(a_function(tmp_path / "one", "def handler(event, context): return event"))
    assert handler("event", None) == "event"
    with pytest.raises(TemplateError, match="has no handler"):
        load_handler(a_function(tmp_path / "two", "app = None"))


def test_an_error_inside_the_module_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        load_app(a_function(tmp_path / "broken", "1 / 0"))
