"""A work object: bytes and who made them, which cannot come apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.pipeline.jobs.work_file import HEAD_BYTES, NoWorkFileError, WorkFile, WorkHead, work_file_of
from sluice.stores.bucket import Blob


@given(st.binary(), st.integers(0, 99), st.none() | st.integers(1, 600))
def test_it_reads_as_it_was_written(content: bytes, leg: int, seconds: int | None) -> None:
    work = WorkFile(WorkHead(leg=leg, seconds=seconds), content)
    blob = work.blob()
    assert work_file_of(blob) == work
    assert len(blob.content) - len(content) < HEAD_BYTES


def test_it_can_name_another_object() -> None:
    work = WorkFile(WorkHead(leg=0, source="bucket", key="jobs/video_1/made/output.mp4"))
    assert work_file_of(work.blob()) == work


@pytest.mark.parametrize("content", [b"", b"\n", b"[]\n", b'{"leg": "x"}\n', b'{"leg": 1}', b"\x89PNG\r\n"])
def test_anything_else_is_none(content: bytes) -> None:
    with pytest.raises(NoWorkFileError):
        work_file_of(Blob(content, "image/png"))


def test_its_bytes_are_not_printed() -> None:
    assert "cat" not in repr(WorkFile(WorkHead(leg=0), b"cat"))
