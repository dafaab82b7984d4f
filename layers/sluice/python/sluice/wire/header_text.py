"""Text as a header's value can hold it.

Source: RFC 9110 (section 5.5).
"""

from typing import Final
from urllib.parse import quote

_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))


def header_text(text: str) -> str:
    """Plain ASCII as it is; of any other text, what is not plain ASCII or not to be seen escaped as in an address."""
    if text.isascii() and text.isprintable():
        return text
    return quote(text, safe=_PRINTABLE, errors="surrogatepass")
