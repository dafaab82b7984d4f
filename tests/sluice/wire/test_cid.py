"""Content ids are those that IPFS's own implementations give.

Those of ``content`` are of ipfs-unixfs-importer 17.1.1, with its profiles unixfs-v0-2015 and unixfs-v1-2025 and, for the
first column, pieces of 256 KiB, 174 links and version 1. Those of ``hello`` are Kubo's, as its repository says them
(test/sharness/t0114-gateway-subdomains/README.md).
"""

import base64
import hashlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.wire.cid import CLASSIC, WAYS, Way, cid_of, has_id

KIB = 1024
PIECE = CLASSIC.piece_bytes
FULL = PIECE * CLASSIC.most_links


def content(length: int) -> bytes:
    """Bytes of a pattern that does not repeat within a file."""
    return b"".join(_row(number) for number in range(math.ceil(length / 256)))[:length]


def _row(number: int) -> bytes:
    shift = number * 7 + (number >> 8)
    return bytes((byte * 31 + shift) & 255 for byte in range(256))


IDS = [
    (
        0,
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
        "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    ),
    (
        1,
        "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu",
        "QmS9JArPwa55ePgDnyg6TzX24mYTS1b1vLqWNebyVotKxQ",
        "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu",
    ),
    (
        11,
        "bafkreiatkxzfxtv7mlyc5xb26oqu37fxpzaj5yj2g6ixzr2epg3dvnjh3m",
        "QmeQgnBKYtZccmP8MUAweze7tZndNo2J8YKvvqVCo9cnyo",
        "bafkreiatkxzfxtv7mlyc5xb26oqu37fxpzaj5yj2g6ixzr2epg3dvnjh3m",
    ),
    (
        PIECE - 1,
        "bafkreic6qomxptxdayqjbwulj7qcdynjjglwzdlw75rws3un3ngwfr7kw4",
        "QmXpYqQvaZfN2nprP1nZ5pBHcD8yiqQsKhFHw8PnmRMeU7",
        "bafkreic6qomxptxdayqjbwulj7qcdynjjglwzdlw75rws3un3ngwfr7kw4",
    ),
    (
        PIECE,
        "bafkreig6febf2je4comsmuz7bfvdv6uj2ombaa4lfmvojmj7ta3aju4z3i",
        "QmcpCHX3Z6p66WSh66APrP9Te8Z2shwmj3jKzX4hoDGJXR",
        "bafkreig6febf2je4comsmuz7bfvdv6uj2ombaa4lfmvojmj7ta3aju4z3i",
    ),
    (
        PIECE + 1,
        "bafybeiewpjhw3zbvwc76i6fq62jmqe6xzm2x7k2ep4s4id5kohtpivdotq",
        "Qme42pnZncpSoksku578ejMLu1yragBxKo3xMNw7VGr6AL",
        "bafkreigpbkxvricw2an7crh7eouwd7kzosq3bpsj5j353h4febzxdxjrfa",
    ),
    (
        2 * PIECE,
        "bafybeihf7e3kfzaleu6ohz7wm6kdziby5pyqjxovlsrbtcjzjyvdqra74a",
        "QmQ4AA4n26sL1dgndWR8z2Eq8X2kgqjKQwhHAazwKn2r6i",
        "bafkreia6p6thze3s7hfhga2h4x2pxktc7yant4yctkyzhhgmn4x7zkcx2m",
    ),
    (
        700_000,
        "bafybeiddgrxvrxgfnxh3bom3vbt3egojbxbcdl4iwvcxzq73zapn3v3jzy",
        "QmQCyuVcE1x4PLN7wBoRAy5bK9ze7JUDbBdUA9V4MGq8bM",
        "bafkreif3b6imwqxxuzgetucrbuha5qeqae2hdvuinsa2frjftiuv62fh5u",
    ),
    (
        1024 * KIB,
        "bafybeib7lgtst2msosl7g6kqcfkurraflrjcthqs45ljjgkq2lbhob3kbm",
        "Qmbo8cQ14rsWkib4YbZWAp88jWKVfjZ7bAArfxybkXpD1B",
        "bafkreiekn66be3bseimndmqudmqtw4f24zeplklu4aj43jy4nyz6hca2r4",
    ),
    (
        1024 * KIB + 1,
        "bafybeiften6672wzgt7wnqetzscxyoopmdpkeauhrzlv56t626buiks5lq",
        "QmNU8EP9i85NBuXz1avcBdgspobZ3pQfd8itgR1iFn3kCP",
        "bafybeih3t7bqnxym7lzhctvehj4qvtxacxpei4muryk2lhldrvravdusui",
    ),
    (
        FULL,
        "bafybeiaf7iqg26m2i2f7bzs4pcwayr7gbbnk6z46bx4e7ior7sktgjxkqe",
        "QmUkFazcvEeks2AwSQUrNRVqHsxxnuiA9h7YYjsJxuWUQW",
        "bafybeign4q47d4ytfv5l3mljjx4qgrpgqyfkkpp4z4tlbiw5gxpoyumez4",
    ),
    (
        FULL + 1,
        "bafybeidm7rs2ptudq45xhd5ju2agxjii35lvemlwl6xckossgvu2eivrkm",
        "QmUqGdDPq1voq8A1rVEjLenLcsFoPhwCnwCrsoimnFBRpZ",
        "bafybeibgzf4vxjcktvxkuvtsjxcnwar44wfjsv4qrzk7ae4jrncb5cwai4",
    ),
]


@pytest.mark.parametrize(("length", "ids"), [(length, ids) for length, *ids in IDS])
def test_ids_are_ipfs_own(length: int, ids: list[str]) -> None:
    found = content(length)
    assert [cid_of(found, way) for way in WAYS] == ids


def test_ids_are_kubos() -> None:
    assert cid_of(b"hello\n") == "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am"
    assert cid_of(b"hello\n", WAYS[1]) == "QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN"


@given(st.binary(max_size=1_000))
def test_what_fits_one_piece_goes_by_its_digest(content: bytes) -> None:
    digest = base64.b32decode(cid_of(content)[1:].upper() + "=" * 6)
    assert digest == b"\x01\x55\x12\x20" + hashlib.sha256(content).digest()


@given(st.binary(max_size=200), st.binary(max_size=200), st.sampled_from([1, 7, 64]), st.sampled_from([0, 1]))
def test_other_bytes_have_another_id_however_they_are_cut(
    one: bytes, other: bytes, piece_bytes: int, version: int
) -> None:
    way = Way(1 if version else 0, piece_bytes, 3)
    assert (cid_of(one, way) == cid_of(other, way)) == (one == other)


@pytest.mark.parametrize("way", WAYS)
def test_an_id_is_the_contents_own_however_it_was_cut(way: Way) -> None:
    found = content(1_500_000)
    assert has_id(found, cid_of(found, way))
    assert not has_id(found, cid_of(found[:-1], way))


@pytest.mark.parametrize("said", [None, 1, "", b"bafkrei", {"cid": "bafkrei"}])
def test_what_is_no_id_is_nobodys(said: object) -> None:
    assert not has_id(b"1", said)
