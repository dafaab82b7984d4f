"""Replies that a client may keep and ask about again (RFC 9110, sections 8.8.3 and 13.1.2)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_ENTITY_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_LIST = re.compile(rf"[ \t,]*{_ENTITY_TAG.pattern}(?:[ \t]*,[ \t,]*{_ENTITY_TAG.pattern})*[ \t,]*")


@dataclass(frozen=True, slots=True)
class Cacheable:
    """A reply that is the same for everybody, made once and sent often.

    Args:
        body: its bytes.
        content_type: theirs.
        max_age: seconds for which a client or a cache between may use it without asking.
    """

    body: bytes
    content_type: str
    max_age: int
    entity_tag: str = field(init=False)
    """Strong: it is made of the body's SHA-256, so another body has another one."""

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.body).hexdigest()
        object.__setattr__(self, "entity_tag", f'"{digest}"')

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with the reply, and with the word that nothing has changed."""
        return {"etag": self.entity_tag, "cache-control": f"public, max-age={self.max_age}"}

    def is_known(self, if_none_match: str | None) -> bool:
        """Whether the client has it already, by its If-None-Match; one that is malformed counts for nothing."""
        if if_none_match is None:
            return False
        if if_none_match.strip() == "*":
            return True
        # Compared weakly, as is the rule for this field: a cache between may have weakened the tag.
        return _LIST.fullmatch(if_none_match) is not None and self.entity_tag in _ENTITY_TAG.findall(
            if_none_match
        )
