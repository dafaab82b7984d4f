"""Forms, as the standard library's reader of MIME understands them."""

import email
import email.policy

from hypothesis import given
from hypothesis import strategies as st

from sluice.wire.form_data import Part, content_type_of, form_data

BOUNDARY = "form-video_0123456789abcdef"
NAMES = st.text(
    st.characters(codec="ascii", exclude_characters='"\\', exclude_categories=["Cc"]), min_size=1
).filter(lambda name: name == name.strip())


@given(st.lists(st.tuples(NAMES, st.binary()), max_size=4))
def test_what_is_read_is_what_was_written(fields: list[tuple[str, bytes]]) -> None:
    body = form_data(
        (Part(name, content, "a.bin", "application/octet-stream") for name, content in fields), BOUNDARY
    )
    read = []
    for part in body.split(f"--{BOUNDARY}".encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        message = email.message_from_bytes(head, policy=email.policy.HTTP)
        assert message.get_content_type() == "application/octet-stream"
        assert message.get_filename() == "a.bin"
        name = message.get_param("name", header="content-disposition")
        read.append((name, content.removesuffix(b"\r\n")))
    assert read == fields
    assert body.endswith(f"--{BOUNDARY}--\r\n".encode())


def test_a_name_cannot_end_its_line() -> None:
    body = form_data([Part('a"\r\nb', b"c", 'd"\r\n')], BOUNDARY)
    assert (
        body
        == (
            f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="a%22%0D%0Ab"; filename="d%22%0D%0A"\r\n\r\nc\r\n'
            f"--{BOUNDARY}--\r\n"
        ).encode()
    )


def test_the_header_names_the_boundary() -> None:
    assert content_type_of(BOUNDARY) == f"multipart/form-data; boundary={BOUNDARY}"
