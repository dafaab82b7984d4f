"""The file of a running server."""

import json
from pathlib import Path

import pytest

from sluice.local.state import (
    VARIABLES_FILE,
    NoServerError,
    ServerRunningError,
    ServerState,
    held,
    read_state,
    write_state,
    write_variables,
)

STATE = ServerState("http://127.0.0.1:1", "http://127.0.0.1:2", "us-east-1", 3, "sluice", {"KeysTable": "k"})


def test_what_is_written_is_read_and_gone_at_the_end(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    with held(directory):
        write_state(directory, STATE)
        assert read_state(directory) == STATE
        write_variables(directory, {"ChatFunction": {"A": "1"}})
        assert sorted(file.name for file in directory.iterdir()) == ["dev.json", "sam-local.json"]
        assert json.loads((directory / VARIABLES_FILE).read_text()) == {"ChatFunction": {"A": "1"}}
    assert list(directory.iterdir()) == []


def test_a_directory_serves_one_server_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path):
        with pytest.raises(ServerRunningError, match="starting"), held(tmp_path):
            pass
        write_state(tmp_path, STATE)
        with pytest.raises(ServerRunningError, match=r"http://127\.0\.0\.1:1"), held(tmp_path):
            pass
        assert read_state(tmp_path) == STATE
    with held(tmp_path):
        pass


def test_what_a_killed_server_left_does_not_stop_the_next(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    with held(tmp_path):
        pass


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"url": "x"}', '{"url"'])
def test_without_a_readable_state_there_is_no_server(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "dev.json").write_text(content)
    with pytest.raises(NoServerError, match=f"start one with sluice dev --state {tmp_path}"):
        read_state(tmp_path)
