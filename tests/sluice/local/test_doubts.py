"""What in a catalogue is probably not meant is told by the server, once."""

from pathlib import Path

from dev_server import DevServer

CATALOG = """
[providers.demo]
kind = "demo"

[[models]]
id = "p"
candidates = [{ provider = "demo", model = "demo" }]
fallbacks = ["nowhere"]
context_token = 5
unsupported_parameters = ["temprature"]
"""
TOLD = ("nowhere", "models.p.context_token", "temprature")


def test_each_doubt_is_told_once_before_the_server_is_ready(tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(CATALOG)
    with DevServer(tmp_path, {"SLUICE_CATALOG": "catalog.toml"}) as server:
        _, rest = server.stop()
    lines = [line for line in server.greeting.splitlines() if "WARNING the catalogue is doubtful: " in line]
    assert [sum(word in line for line in lines) for word in TOLD] == [1, 1, 1]
    assert "doubtful" not in rest
