"""What the runtime reads from its environment."""

import pytest

from sluice_streaming.settings import Settings, SettingsError

LEAST = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001", "_HANDLER": "app.app"}


def test_the_least() -> None:
    assert Settings.from_environment([], LEAST) == Settings("127.0.0.1:9001", "app.app", 1, False, False)


def test_everything() -> None:
    environment = {
        **LEAST,
        "AWS_LAMBDA_MAX_CONCURRENCY": "64",
        "AWS_SAM_LOCAL": "true",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
    }
    assert Settings.from_environment(["other.app"], environment) == Settings(
        "127.0.0.1:9001", "other.app", 64, True, True
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_LAMBDA_RUNTIME_API", ""),
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1"),
        ("_HANDLER", ""),
        ("AWS_LAMBDA_MAX_CONCURRENCY", "0"),
        ("AWS_LAMBDA_MAX_CONCURRENCY", "many"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable} must "):
        Settings.from_environment([], {**LEAST, variable: value})
