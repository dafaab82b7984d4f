"""Step 1: whose request is it?"""

from sluice.errors import InvalidAPIKeyError
from sluice.keys import digest_of
from sluice.stores.key_cache import KeyCache
from sluice.stores.keys import KeyRecord

SCHEME = "bearer"
KEY_PREFIX = "sk-"
MAX_KEY_LENGTH = 256


def _refusal() -> InvalidAPIKeyError:
    """One wording for every reason: an answer that differs would tell which keys exist.

    It begins as OpenAI's does, because there are clients (litellm) that tell a wrong key by these words.
    """
    return InvalidAPIKeyError("Incorrect API key provided, or none. Send it as 'Authorization: Bearer sk-…'.")


async def authenticate(authorization: str | None, keys: KeyCache, now: float) -> KeyRecord:
    """Find the key of an ``Authorization`` header.

    An answer takes as long as the work for it, so that is the same for every key that does not count and could be one:
    its digest, and what the cache does for it, one read of the table or none. The table is asked for the digest and for
    nothing of the key itself, so no comparison ends sooner the less of a key is right. What cannot be a key, by its
    scheme, its beginning or its length, is refused at once: that tells only what the documentation does, and whoever
    sends it should cost no read.

    Args:
        authorization: the header's value, None without one.
        keys: looks records up by digest.
        now: epoch seconds.

    Raises:
        InvalidAPIKeyError: missing, malformed, unknown, inactive and expired alike.
        OverloadedError: the key could not be looked up.
    """
    scheme, _, secret = (authorization or "").strip().partition(" ")
    secret = secret.strip()
    if scheme.lower() != SCHEME or not secret.startswith(KEY_PREFIX) or len(secret) > MAX_KEY_LENGTH:
        raise _refusal()
    record = await keys.get(digest_of(secret))
    if record is None or not record.usable(int(now)):
        raise _refusal()
    return record
