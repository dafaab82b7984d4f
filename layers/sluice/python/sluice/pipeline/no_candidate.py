"""Why nobody may answer a request: what is told of many refusals, which are of one candidate each."""

from collections.abc import Iterable, Sequence

from sluice.errors import InvalidRequestError
from sluice.pipeline.route import NotConfiguredError
from sluice.providers.features import InexpressibleError

type Refusals = Sequence[tuple[str, Exception]]
"""Candidates' providers, by their names in the catalogue, and what speaks against each."""


def most_telling_refusal(refusals: Refusals) -> Exception:
    """Of all that speaks against the candidates, what to tell the client; there is at least one.

    What a client can mend comes before what only the operator can. What several candidates are refused for is told of
    all of them.
    """
    told = next((error for _, error in refusals if _is_the_clients(error)), refusals[0][1])
    match told:
        case InexpressibleError():
            return told.by(_distinct(name for name, error in refusals if _is_alike(error, told)))
        case NotConfiguredError():
            return _of_all([error for _, error in refusals if isinstance(error, NotConfiguredError)])
        case _:
            return told


def _is_the_clients(error: Exception) -> bool:
    return isinstance(error, InvalidRequestError) and not isinstance(error, NotConfiguredError)


def _is_alike(error: Exception, told: InexpressibleError) -> bool:
    return isinstance(error, InexpressibleError) and (error.what, error.param) == (told.what, told.param)


def _of_all(errors: Sequence[NotConfiguredError]) -> NotConfiguredError:
    names = _distinct(error.provider for error in errors)
    if len(names) == 1:
        return errors[0]
    lacks = _distinct(error.lacks for error in errors)
    wanted = f"set {lacks[0]}" if len(lacks) == 1 else f"set one of {', '.join(lacks)}"
    return NotConfiguredError(
        f"None of {', '.join(names)} is configured: {wanted}.",
        provider=", ".join(names),
        lacks=", ".join(lacks),
    )


def _distinct(names: Iterable[str]) -> Sequence[str]:
    return tuple(dict.fromkeys(names))
