"""Writes the document where the docs function serves it."""

import json

from sluice.local.server import TEMPLATE
from sluice.openapi.document import document
from sluice.openapi.routes import routes

TARGET = TEMPLATE.parent / "functions" / "docs" / "openapi.json"


def rendered() -> str:
    """The document as the file has it."""
    return json.dumps(document(routes()), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(rendered(), encoding="utf-8")
