"""What a poll may be answered with, and that nothing of it breaks anything."""

import json
from typing import Any

from hypothesis import strategies as st

from sluice.errors import SluiceError
from sluice.providers.contract import InBucket, Inline, Made, NotMade, Remote, Running, Target, VideoOperation
from video_requests import ERRAND

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)


def answers(*words: Any) -> st.SearchStrategy[bytes]:
    """Bodies: JSON in which these words are likely as names and as values, and some that are no JSON."""
    names = st.sampled_from([word for word in words if isinstance(word, str)]) | st.text(max_size=5)
    leaves = SCALARS | st.sampled_from(words)
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
        max_leaves=15,
    )
    documents = (st.dictionaries(names, values, max_size=8) | values).map(
        lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
    )
    return documents | st.binary(max_size=50)


def check_understood(
    operation: VideoOperation, body: bytes, target: Target, reference: str = "reference"
) -> None:
    """A poll is understood, or refused by an error that clients can be told."""
    try:
        polled = operation.polled(body, reference, target, ERRAND)
    except SluiceError:
        return
    match polled:
        case Running(progress=progress, poll_after=poll_after):
            assert progress is None or (type(progress) is int and 0 <= progress <= 100)
            assert poll_after is None or poll_after >= 0
        case Made(media=media, seconds=seconds):
            assert isinstance(media, Inline | Remote | InBucket)
            assert seconds is None or (type(seconds) is int and seconds >= 0)
        case NotMade(error=error):
            assert isinstance(error, SluiceError)
            assert isinstance(error.message, str)
            assert error.message
