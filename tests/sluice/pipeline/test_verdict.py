"""What a client is told when everybody has failed: who was asked, and nothing in the providers' own words."""

from typing import Any

import pytest

from route_world import asked, body, run, status, world_of
from sluice.errors import SluiceError


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (
            [status(500, {"message": "a secret"}), status(401), status(502)],
            "None of a, b, c answered; a: The provider answered with status 500.",
        ),
        (
            [status(500), status(429, {"message": "a secret"}, retry_after="9"), status(401)],
            "None of a, b, c answered; b: The provider limits the gateway's rate of requests; try again.",
        ),
        (
            [status(500), None, None],
            "None of a, b, c answered; c: The provider did not answer within the request's deadline.",
        ),
        (
            [status(404, {"code": "model_not_found"})] * 3,
            "The provider does not have this model.",
        ),
    ],
    ids=repr,
)
def test_when_all_fail_the_client_is_told_who_was_asked(answers: list[Any], message: str) -> None:
    world = world_of({"retries": 1}, **dict(zip("abc", answers, strict=True)))
    got, _ = run(world.ask(body()))
    assert isinstance(got, SluiceError)
    assert got.message == str(got) == message
    assert (got.type, got.param) == (type(got).type, "model" if got.status == 404 else None)


def test_who_was_asked_alone_is_not_named() -> None:
    world = world_of({"retries": 1}, a=status(500))
    got, _ = run(world.ask(body(model="alone")))
    assert (len(asked(world)), str(got)) == (2, "The provider answered with status 500.")
