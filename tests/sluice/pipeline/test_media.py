"""The parts of a prompt that are no text are found where they are, and measured."""

from random_requests import sent
from sluice.pipeline.media import Document, Picture, Recording, media_of

PARTS = [
    {"type": "text", "text": "data:image/png;base64,AAAA"},
    {"type": "image_url", "image_url": {"url": "DATA:image/PNG;base64,AAAAAAAA"}},
    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    {"type": "input_audio", "input_audio": {"data": "AAAAAA==", "format": "wav"}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "opus"}},
    {"type": "file", "file": {"file_id": "file-1"}},
]


def test_each_part_is_found_in_its_order() -> None:
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "s"}]},
        {"role": "user", "content": PARTS},
        {"role": "assistant", "content": "a", "audio": {"id": "audio_1"}},
        {"role": "assistant", "content": "a", "audio": None},
        {"role": "user", "content": PARTS[2:3]},
    ]
    assert list(media_of(sent({"model": "m", "messages": messages}).request)) == [
        Picture(inline_bytes=8),
        Picture(inline_bytes=0),
        Recording(inline_bytes=8, sound_bytes=6),
        Document("messages[1].content[4].input_audio.format", sound=True),
        Document("messages[1].content[5].file"),
        Document("messages[2].audio", sound=True),
        Picture(inline_bytes=0),
    ]


def test_a_text_has_none() -> None:
    messages = [{"role": "user", "content": "data:image/png;base64,AAAA"}]
    assert list(media_of(sent({"model": "m", "messages": messages}).request)) == []
