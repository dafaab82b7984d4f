"""What a run leaves in the Docker engine: nothing of its own, and all of others."""

import io
import tarfile
from pathlib import Path

from docker_engine import Docker, Holdings

BASE = "sluice.test/base:1"
MADE = "samcli/lambda-sluice-test:1"
OTHERS = "sluice.test/other:1"


def test_an_image_that_was_made_twice_goes_and_one_of_others_stays(docker: Docker, tmp_path: Path) -> None:
    before = docker.holdings()
    imported(docker, tmp_path, "base", BASE)
    made_of(docker, BASE, MADE, "first")
    made_of(docker, BASE, MADE, "second")
    imported(docker, tmp_path, "other", OTHERS)
    imported(docker, tmp_path, "newer", OTHERS)
    assert len(images(docker, before)) == 5
    docker.remove_what_sam_made(before, BASE)
    left = images(docker, before)
    try:
        assert sorted(line.split(" ")[2] for line in left) == ["<none>:<none>", OTHERS]
    finally:
        docker("rmi", "--force", *(line.split(" ")[1] for line in left))
    assert not docker.holdings().beside(before)


def images(docker: Docker, before: Holdings) -> list[str]:
    return [line for line in docker.holdings().beside(before) if line.startswith("image ")]


def imported(docker: Docker, folder: Path, content: str, tag: str) -> None:
    """Make an image that has one small file."""
    archive = folder / f"{content}.tar"
    with tarfile.open(archive, "w") as file:
        entry = tarfile.TarInfo("content")
        entry.size = len(content)
        file.addfile(entry, io.BytesIO(content.encode()))
    docker("import", str(archive), tag)


def made_of(docker: Docker, base: str, tag: str, label: str) -> None:
    """Make an image out of another, as SAM does; a name that is taken is taken from its image."""
    container = docker("create", base, "/content")
    docker("commit", "--change", f"LABEL sluice.test={label}", container, tag)
    docker("rm", container)
