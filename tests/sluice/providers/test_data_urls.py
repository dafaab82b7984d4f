"""Data URLs in their parts."""

import pytest

from sluice.providers.data_urls import DataURL, data_url


@pytest.mark.parametrize(
    ("url", "found", "content"),
    [
        ("data:image/png;base64,AAEC", DataURL("image/png", "AAEC", base64=True), b"\x00\x01\x02"),
        ("DATA:Image/PNG;BASE64,AAEC", DataURL("image/png", "AAEC", base64=True), b"\x00\x01\x02"),
        ("data:text/plain;charset=utf-8,a%20b,c", DataURL("text/plain", "a%20b,c", base64=False), b"a b,c"),
        ("data:,a", DataURL("text/plain", "a", base64=False), b"a"),
        ("data:;base64,", DataURL("text/plain", "", base64=True), b""),
    ],
)
def test_a_data_url_has_parts(url: str, found: DataURL, content: bytes) -> None:
    assert data_url(url) == found
    assert found.content() == content


@pytest.mark.parametrize("url", ["", "data:", "data:image/png;base64", "https://example.com/data:,a", "AAEC"])
def test_any_other_is_none(url: str) -> None:
    assert data_url(url) is None


@pytest.mark.parametrize("data", ["?", "A", "AA EC", "é"])
def test_what_is_no_base64_is_an_error(data: str) -> None:
    with pytest.raises(ValueError):
        DataURL("image/png", data, base64=True).content()
