"""Addresses that clients give: which may be called, and that nobody else could read another one."""

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.upstream.web_address import AddressError, WebAddress, web_address

NONE: frozenset[str] = frozenset()
OWN = frozenset({"hooks.internal:80", "localhost:9000", "10.0.0.7:443", "[::1]:8443"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://a.example", WebAddress("https", "a.example", 443, "/")),
        ("https://A.Example/Jobs?of=Me&x=%2F", WebAddress("https", "a.example", 443, "/Jobs?of=Me&x=%2F")),
        ("https://a.example?x", WebAddress("https", "a.example", 443, "/?x")),
        ("https://a.example:443/", WebAddress("https", "a.example", 443, "/")),
        ("https://a.example:8443/a/../b//c", WebAddress("https", "a.example", 8443, "/a/../b//c")),
        ("https://a.example:65535", WebAddress("https", "a.example", 65535, "/")),
        ("https://xn--bcher-kva.example/", WebAddress("https", "xn--bcher-kva.example", 443, "/")),
        ("https://1.1.1.1/", WebAddress("https", "1.1.1.1", 443, "/")),
        ("https://[2606:4700::1111]:1024/", WebAddress("https", "2606:4700::1111", 1024, "/")),
        ("https://1.example.com/", WebAddress("https", "1.example.com", 443, "/")),
    ],
)
def test_what_may_be_called(text: str, found: WebAddress) -> None:
    assert web_address(text, NONE) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.example",
        "//a.example/",
        "https:a.example",
        "https:///a.example",
        "https://",
        "https://:443/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "HTTPS://a.example/",
        "http://a.example/",
        "https://user@a.example/",
        "https://user:secret@a.example/",  # pragma: allowlist secret - made up
        "https://a.example@10.0.0.1/",
        "https://a.example#@10.0.0.1/",
        "https://a.example/#fragment",
        "https://a.example\\@10.0.0.1/",
        "https://a.example/\\x",
        "https://a.example/ x",
        " https://a.example/",
        "https://a.example/\n",
        "https://a.example/\r\nhost: b",
        "https://a.exam\tple/",
        "https://bücher.example/",
        "https://a。example/",
        "https://⑩.0.0.1/",
        "https://a.example/ü",
        "https://a.example/%",
        "https://a.example/%zz",
        "https://a%2eexample/",
        "https://a.example:/",
        "https://a.example:0/",
        "https://a.example:22/",
        "https://a.example:80/",
        "https://a.example:1023/",
        "https://a.example:6667/",
        "https://a.example:65536/",
        "https://a.example:99999/",
        "https://a.example:+443/",
        "https://a.example:٤٤٣/",
        "https://a..example/",
        "https://.a.example/",
        "https://a.example./",
        "https://-a.example/",
        "https://a_b.example/",
        "https://" + "a" * 64 + ".example/",
        "https://" + "a.b" * 90 + ".example/",
        "https://localhost/",
        "https://LOCALHOST/",
        "https://a.localhost/",
        "https://intranet/",
        "https://printer.local/",
        "https://instance-data.ec2.internal/",
        "https://metadata.google.internal/",
        "https://nas.home.arpa/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://1.0x/",
        "https://1.1.1.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[fe80::1%25eth0]/",
        "https://[::]/",
        "https://[::1/",
        "https://[a.example]/",
        "https://[1.1.1.1]/",
        "https://::1/",
    ],
)
def test_what_may_not(text: str) -> None:
    with pytest.raises(AddressError) as raised:
        web_address(text, NONE)
    told = str(raised.value)
    assert told.startswith("It")
    assert "secret" not in told


@pytest.mark.parametrize(
    "text", ["http://hooks.internal/x", "http://localhost:9000/", "https://10.0.0.7/", "https://[::1]:8443/"]
)
def test_the_operators_own_hosts(text: str) -> None:
    web_address(text, OWN)
    with pytest.raises(AddressError):
        web_address(text, NONE)


@pytest.mark.parametrize(
    "text",
    [
        "http://hooks.internal:81/",
        "https://hooks.internal/",
        "http://localhost/",
        "https://[::1]/",
        "ftp://localhost:9000/",
    ],
)
def test_another_port_is_another_host(text: str) -> None:
    with pytest.raises(AddressError):
        web_address(text, OWN)


@pytest.mark.parametrize(
    ("text", "header", "authority"),
    [
        ("https://a.example/", "a.example", "a.example:443"),
        ("https://a.example:8443/", "a.example:8443", "a.example:8443"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]", "[2606:4700::1111]:443"),
        ("https://[2606:4700::1111]:8443/", "[2606:4700::1111]:8443", "[2606:4700::1111]:8443"),
    ],
)
def test_the_host_header(text: str, header: str, authority: str) -> None:
    found = web_address(text, NONE)
    assert (found.host_header, found.authority) == (header, authority)


PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "https://",
                "http://",
                "a.example",
                "10.0.0.1",
                "[::1]",
                "1.1.1.1",
                "localhost",
                "1",
                "0x",
                "_",
                "-",
            ),
            *("@", ":", "443", "8443", "/", "//", "?", "#", "x=1", "&", ";", "\\", "[", "]", "ü", " ", "\t"),
            *("%", "%2e", "%2f", ".", ".."),
        ]
    ),
    max_size=9,
).map("".join)


@given(PIECES | PIECES.map(lambda rest: "https://a.example" + rest) | st.text())
def test_other_readers_find_the_same_host(text: str) -> None:
    try:
        found = web_address(text, NONE)
    except AddressError:
        return
    standard, client = urlsplit(text), httpx.URL(text)
    assert found.host == standard.hostname == client.host
    assert found.port == (standard.port or 443) == (client.port or 443)
    assert (standard.username, client.username, standard.fragment) == (None, "", "")
    assert found.target.startswith("/")
    assert found.target.isascii()
    assert found.target.isprintable()
