"""A setting that is missing or malformed fails by its name."""

import pytest

from made_settings import TABLE_VARIABLES
from sluice.config import (
    AddressSettings,
    ConfigurationError,
    ModelsSettings,
    Settings,
    metrics_namespace,
)

MODELS = {"SLUICE_COUNTERS_TABLE": "counters", "SLUICE_MODELS_TABLE": "models"}


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment(TABLE_VARIABLES | {"SLUICE_TIMEOUT_SECONDS": "2.5", "OTHER": "x"})
    assert (settings.keys_table, settings.timeout_seconds, settings.stream_timeout_seconds) == (
        "KeysTable",
        2.5,
        300,
    )


def test_an_empty_variable_counts_as_absent() -> None:
    settings = Settings.from_environment(TABLE_VARIABLES | {"SLUICE_CATALOG": ""})
    assert settings.catalog is None


def test_every_variable_at_fault_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({"SLUICE_TIMEOUT_SECONDS": "soon", "SLUICE_MAX_BODY_BYTES": "0"})
    for name in (*TABLE_VARIABLES, "SLUICE_TIMEOUT_SECONDS", "SLUICE_MAX_BODY_BYTES"):
        assert name in str(caught.value)


def test_the_models_function_needs_the_tables_of_counters_and_models_and_no_other() -> None:
    settings = ModelsSettings.from_environment(MODELS | {"SLUICE_IP_RPM": "0"})
    assert (settings.catalog, settings.counters_table, settings.ip_rpm) == (None, "counters", 0)


@pytest.mark.parametrize("value", ["-1", "1.5", "none"])
def test_a_limit_that_is_no_number_of_requests_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="SLUICE_IP_RPM"):
        ModelsSettings.from_environment(MODELS | {"SLUICE_IP_RPM": value})


def origins(value: str) -> frozenset[str]:
    found = AddressSettings.from_environment(
        {"SLUICE_COUNTERS_TABLE": "counters", "SLUICE_CORS_ORIGINS": value}
    )
    return found.cors_origins


def test_origins_are_a_list_or_all_or_none() -> None:
    assert origins("") == frozenset()
    assert origins("*") == {"*"}
    assert origins("https://app.example.com, http://localhost:5173") == {
        "https://app.example.com",
        "http://localhost:5173",
    }
    assert origins("http://[::1]:3000,chrome-extension://abcdef") == {
        "http://[::1]:3000",
        "chrome-extension://abcdef",
    }


@pytest.mark.parametrize(
    "value",
    [
        "app.example.com",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://App.example.com",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://*.example.com",
        "https://user@example.com",
        "https://app.example.com\r\nx: y",
        "null",
        "*,https://app.example.com",
        "*,*",
        "https://app.example.com,",
        " , ",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused_by_name(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"(?s)^SLUICE_CORS_ORIGINS: .*is no origin"):
        origins(value)


def test_metrics_are_asked_for_by_their_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE", raising=False)
    assert metrics_namespace() is None
    for namespace, found in (("", None), ("stack", "stack")):
        monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", namespace)
        assert metrics_namespace() == found


def test_a_hold_cannot_end_before_its_request_has_to() -> None:
    with pytest.raises(ConfigurationError, match=r"^SLUICE_HOLD_SECONDS has to be longer"):
        Settings.from_environment(TABLE_VARIABLES | {"SLUICE_HOLD_SECONDS": "300"})
