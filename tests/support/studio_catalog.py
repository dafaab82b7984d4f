"""The makers of pictures and videos that a studio in memory knows."""

from sluice.catalog import Catalog

CATALOG = Catalog.model_validate(
    {
        "providers": {
            "near": {"kind": "demo"},
            "far": {"kind": "demo"},
            "declared": {
                "kind": "declared",
                "base_url": "https://declared.example",
                "videos": {
                    "submit": "POST /films",
                    "poll": "GET /films/{reference}",
                    "members": {"prompt": "/prompt"},
                    "running": ["busy"],
                    "made": ["done"],
                    "failed": [],
                    "output": ["/url"],
                },
            },
            "locked": {
                "kind": "openai",
                "base_url": "https://locked.example",
                "credential": "NEVER_SET",
            },
        },
        "models": [
            {
                "id": "painter",
                "aliases": ["brush"],
                "kind": "image",
                "candidates": [
                    {"provider": "locked", "model": "p-0", "price": {"image": "9"}},
                    {"provider": "near", "model": "p-1", "price": {"image": "0.04"}},
                    {
                        "provider": "far",
                        "model": "p-2",
                        "price": {
                            "image": "0.05",
                            "variants": [{"size": "512x512", "image": "0.02"}],
                        },
                    },
                ],
                "sizes": ["1024x1024", "512x512"],
            },
            {
                "id": "unpriced-painter",
                "kind": "image",
                "candidates": [{"provider": "near", "model": "p-1"}],
            },
            {
                "id": "filmer",
                "kind": "video",
                "candidates": [{"provider": "near", "model": "f-1"}],
                "price": {"second": "0.1"},
                "seconds": [8, 4],
            },
            {
                "id": "declared-filmer",
                "kind": "video",
                "candidates": [{"provider": "declared", "model": "d-1"}],
                "price": {"second": "0.1"},
            },
            {"id": "writer", "candidates": [{"provider": "near", "model": "w-1"}]},
        ],
    }
)
