"""What the gateway shows a provider, or AWS, to be let in."""

from typing import NamedTuple


class AWSCredentials(NamedTuple):
    """What requests to AWS are signed with, and the region that the process which has them is in, where one is set."""

    access_key: str
    secret_key: str
    token: str | None
    region: str | None = None

    def __repr__(self) -> str:
        """Without the secret."""
        return f"AWSCredentials({self.access_key!r})"


type Credential = str | AWSCredentials
"""A provider's: a secret as its console gives it, or the credentials of the function's own role."""
