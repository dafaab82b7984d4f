"""Imports go one way: a module imports from its own tier and from those below it."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "layers" / "sluice" / "python" / "sluice"

TIERS = (
    (
        "sluice.config",
        "sluice.errors",
        "sluice.metrics",
        "sluice.observability",
        "sluice.setting_values",
        "sluice",
    ),
    (
        "sluice.catalog",
        "sluice.catalog_rules",
        "sluice.catalog_search",
        "sluice.catalog_videos",
        "sluice.credentials",
        "sluice.keys",
        "sluice.money",
        "sluice.off_the_loop",
        "sluice.plans",
        "sluice.process",
        "sluice.request_ids",
        "sluice.worker",
    ),
    ("sluice.accounting",),
    ("sluice.api",),
    ("sluice.wire",),
    ("sluice.providers", "sluice.stores"),
    ("sluice.search", "sluice.upstream"),
    ("sluice.pipeline",),
    ("sluice.asgi",),
    ("sluice.local",),
    ("sluice.openapi", "sluice.readme"),
    ("sluice.cli",),
)
RANKS = {name: rank for rank, names in enumerate(TIERS) for name in names}


def tier_of(module: str) -> str:
    """``sluice.api.chat_request`` belongs to ``sluice.api``; what has no tier is a finding."""
    parts = module.split(".")
    return ".".join(parts[:2])


def imports() -> Iterator[tuple[str, str]]:
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.ImportFrom(module=str(name)) if name.startswith("sluice"):
                    # "from sluice.providers import demo" names a module in its list
                    yield from (
                        (module, name if name != "sluice" else f"sluice.{each.name}") for each in node.names
                    )
                case ast.Import(names=names):
                    yield from ((module, each.name) for each in names if each.name.startswith("sluice"))


def test_imports_go_one_way() -> None:
    found = set(imports())
    assert len(found) > 100
    upward = {
        (module, name)
        for module, name in found
        if tier_of(module) != tier_of(name)
        and RANKS[tier_of(name)] >= RANKS[tier_of(module)]
        and RANKS[tier_of(module)] > 1
    }
    assert upward == set()


def test_the_lowest_modules_know_nothing_of_the_others() -> None:
    low = {module for module, name in imports() if RANKS[tier_of(module)] <= 1 and RANKS[tier_of(name)] > 1}
    assert low == set()


def test_every_module_has_a_tier() -> None:
    modules = {
        f"sluice.{path.name.removesuffix('.py')}"
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or path.is_dir()
    }
    assert modules - {"sluice.__init__", "sluice.__pycache__"} <= set(RANKS)
