"""What takes long is done in a thread, what does not is done at once."""

import threading

import pytest

from sluice.off_the_loop import LARGE, off_the_loop


def where(_: bytes) -> int:
    return threading.get_ident()


async def test_what_takes_long_keeps_nobody_waiting() -> None:
    assert await off_the_loop(where, bytes(LARGE)) != threading.get_ident()
    assert await off_the_loop(where, bytes(LARGE - 1)) == threading.get_ident()
    assert await off_the_loop(len, bytes(LARGE)) == LARGE


async def test_what_fails_fails() -> None:
    def fail(_: bytes) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await off_the_loop(fail, bytes(LARGE))
