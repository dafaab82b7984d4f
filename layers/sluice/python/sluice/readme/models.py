"""The models of the shipped catalogue, by the variable that has them answer."""

from sluice.catalog import Catalog, ModelKind, ModelRow
from sluice.pipeline.chat import Chat
from sluice.pipeline.completions import Completions
from sluice.pipeline.embeddings import Embeddings

SERVED = frozenset[ModelKind]({"image", "video"}).union(
    *(endpoint.KINDS for endpoint in (Chat, Completions, Embeddings))
)
"""The kinds of models that an endpoint takes; others would be promised in vain."""


def variables(catalog: Catalog) -> str:
    """A Markdown table: each provider's variable, and the models of an endpoint that have it among their candidates."""
    lines = ["| Variable | Models |", "|---|---|"]
    for name, provider in catalog.providers.items():
        models = [
            row.id
            for row in catalog.models
            if row.kind in SERVED and any(each.provider == name for each in row.candidates)
        ]
        if provider.credential is not None and models:
            lines.append(f"| `{provider.credential}` ({name}) | {', '.join(models)} |")
    return "\n".join(lines)


def retirements(catalog: Catalog) -> str:
    """A Markdown table: who answers for a model that its provider retires, and since when."""
    lines = ["| Retired | Models, and who answers in their place |", "|---|---|"]
    dates = sorted({row.retired for row in catalog.models if row.retired is not None})
    for date in dates:
        names = ", ".join(_succession(row) for row in catalog.models if row.retired == date)
        lines.append(f"| {date} | {names} |")
    return "\n".join(lines)


def _succession(row: ModelRow) -> str:
    return f"{row.id} → {row.successor or 'nobody'}"
