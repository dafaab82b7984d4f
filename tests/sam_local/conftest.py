"""What is built, in containers of sam local. It needs a Docker engine: without one nothing runs, and that is a failure."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from docker_engine import Docker, NoEngineError, make_stand_in, pulled, pulling
from sam_command import ARCHITECTURE, PYTHON, SAM, Sam
from sam_site import SamSite, sam_site

STAND_IN = Path(__file__).with_name("base_image.py")
PULL_SECONDS = 60
"""After what is built meanwhile. The image has 200 MB."""

BASE_IMAGE = (
    "from samcli.local.docker.lambda_image import LambdaImage, Runtime;"
    f"print(LambdaImage._INVOKE_REPO_PREFIX, Runtime.get_image_name_tag('{PYTHON}', '{ARCHITECTURE}'), sep='/')"
)
"""SAM knows which image it takes for the runtime."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--invoke-each", action="store_true", help="put every sample event by sam local invoke")


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Let SIGINT, by which sam's servers end, mean something: a job in a shell's background ignores it, and so would they."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def docker() -> Docker:
    try:
        return Docker()
    except NoEngineError as error:
        pytest.exit(f"make test-sam needs Docker, and {error}", returncode=1)


@pytest.fixture(scope="session")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Sam:
    return Sam(tmp_path_factory.mktemp("interpreter"))


@pytest.fixture(scope="session")
def base_image(docker: Docker) -> Iterator[str]:
    """The tag of the runtime's image as SAM looks for it; what the run makes of images and containers ends with it."""
    python = SAM.with_name("python")
    tag = subprocess.run(
        [python, "-c", BASE_IMAGE], capture_output=True, text=True, check=True
    ).stdout.strip()
    before = docker.holdings()
    yield tag
    docker.remove_what_sam_made(before, tag)
    left = docker.holdings().beside(before)
    assert not left, f"the run has left behind: {', '.join(left)}"


@pytest.fixture(scope="session")
def built(docker: Docker, sam: Sam, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the build for this machine's processor lies; there is an image to run it in."""
    folder = tmp_path_factory.mktemp("build")
    pull = None if docker.has_image(base_image) else pulling(base_image)
    sam(
        "build",
        *("--build-dir", folder / "out", "--cache-dir", folder / "cache"),
        *("--parameter-overrides", f"Architecture={ARCHITECTURE}"),
    )
    if pull is not None and not pulled(pull, PULL_SECONDS):
        make_stand_in(str(STAND_IN), base_image)
    return folder / "out"


@pytest.fixture(scope="session")
def site(
    sam: Sam, docker: Docker, built: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SamSite]:
    with sam_site(sam, docker, built, tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="session")
def key(site: SamSite) -> str:
    """The secret of a key with a budget that is enough."""
    secret: str = site.create_key("--plan", "enterprise", "--budget", "100")["key"]
    return secret


@pytest.fixture
def client(site: SamSite, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{site.url}/v1", api_key=key, max_retries=0) as found:
        yield found
