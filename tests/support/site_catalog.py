"""The catalogue of the site of all functions: a model for each way to ask for one."""

from mock_bedrock import APPLICATION, CLAUDE, COHERE_EVERYWHERE, NOVA_HERE, TITAN
from mock_bedrock_images import CANVAS, STABLE_HEREABOUTS
from mock_bedrock_videos import REEL
from mock_provider import EMBEDDING_MODEL

CREDENTIAL = "credential-of-the-site-8d0c41f7a2e95b36c7d1"
CREDENTIAL_NAMES = ("ABSENT_KEY", "GOOD_KEY")
"""Those in Secrets Manager. That of ``UNSET_KEY`` is not."""

CHAT_OF_BEDROCK = {"here": NOVA_HERE, "profile": CLAUDE, "application": APPLICATION}
EMBEDDINGS_OF_BEDROCK = {"embed-here": TITAN, "embed-profile": COHERE_EVERYWHERE}
IMAGES_OF_BEDROCK = {"canvas": CANVAS, "stable": STABLE_HEREABOUTS}

_PROVIDERS = """
[providers.absent]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
credential = "ABSENT_KEY"

[providers.good]
kind = "openai"
base_url = "{provider}"
credential = "GOOD_KEY"

[providers.unset]
kind = "openai"
base_url = "https://unset.example/v1"
credential = "UNSET_KEY"

[providers.demo]
kind = "demo"

[providers.bedrock]
kind = "bedrock"
base_url = "{bedrock}"
credential = "aws"
discover = false
probe = "none"
"""


def catalog_of(provider: str, bedrock: str) -> str:
    """The file's text, for mocks at these addresses."""
    text = 'price = {{ input = "1", output = "1" }}\ncontext_tokens = 100000\noutput_tokens = 1000'
    rows = [
        *[_row(name, "chat", [("bedrock", model)], text) for name, model in CHAT_OF_BEDROCK.items()],
        *[
            _row(name, "embedding", [("bedrock", model)], 'price = {{ input = "1" }}\ncontext_tokens = 8000')
            for name, model in EMBEDDINGS_OF_BEDROCK.items()
        ],
        _row("shaky", "chat", [("absent", "gpt-4o"), ("good", "gpt-4o")], text),
        _row("broken", "chat", [("absent", "gpt-4o")], text),
        _row("unset", "chat", [("unset", "gpt-4o")], text),
        _row("dear", "chat", [("good", "gpt-4o")], text.replace('"1"', '"1000000"')),
        _row(
            "shaky-embed",
            "embedding",
            [("absent", "m"), ("good", EMBEDDING_MODEL)],
            'price = {{ input = "1" }}\ncontext_tokens = 8000',
        ),
        _row(
            "broken-embed", "embedding", [("absent", "m")], 'price = {{ input = "1" }}\ncontext_tokens = 8000'
        ),
        _row(
            "dear-embed",
            "embedding",
            [("good", EMBEDDING_MODEL)],
            'price = {{ input = "1000000" }}\ncontext_tokens = 8000',
        ),
        *[
            _row(name, "image", [("bedrock", model)], 'price = {{ image = "0.01" }}')
            for name, model in IMAGES_OF_BEDROCK.items()
        ],
        _row("reel", "video", [("bedrock", REEL)], 'price = {{ second = "0.001" }}\nseconds = [6]'),
        _row("image", "image", [("absent", "m"), ("demo", "demo-image")], 'price = {{ image = "0.01" }}'),
        _row("dear-image", "image", [("demo", "demo-image")], 'price = {{ image = "100" }}'),
        _row("video", "video", [("demo", "demo-video")], 'price = {{ second = "0.01" }}\nseconds = [1]'),
        _row("dear-video", "video", [("demo", "demo-video")], 'price = {{ second = "100" }}\nseconds = [1]'),
    ]
    return (_PROVIDERS + "\n".join(rows)).format(provider=provider, bedrock=bedrock)


def _row(name: str, kind: str, candidates: list[tuple[str, str]], more: str) -> str:
    who = ", ".join(f'{{{{ provider = "{provider}", model = "{model}" }}}}' for provider, model in candidates)
    return f'[[models]]\nid = "{name}"\nkind = "{kind}"\ncandidates = [{who}]\n{more}\n'
