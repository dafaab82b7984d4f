"""Settings for tests that name no table of their own."""

from typing import Any

from sluice.config import ImagesSettings, Settings, VideosSettings

TABLES = {
    "keys_table": "KeysTable",
    "counters_table": "CountersTable",
    "ledger_table": "LedgerTable",
    "idempotency_table": "IdempotencyTable",
    "models_table": "ModelsTable",
}
"""The settings that name a table, and the table's name in the template."""

TABLE_VARIABLES = {f"SLUICE_{name.upper()}": table for name, table in TABLES.items()}


class StudioSettings(ImagesSettings, VideosSettings):
    """Settings of a studio that takes jobs of both kinds."""


def made_settings(**members: Any) -> Settings:
    """Settings whose tables are called as in the template, ``members`` aside."""
    return Settings(**(TABLES | members))
