"""What environments that come of one snapshot must not share: the numbers that they draw, and their credentials."""

import json
from random import Random

from proxy_events import proxy_event
from receiver import Receiver
from runtime_process import Platform
from snapshot_credentials import TOKEN, environment_of, handing_out


async def test_numbers_are_not_those_that_the_snapshot_would_draw(platform: Platform) -> None:
    runtime = await platform.start(
        """
        import random

        random.seed(7)  # what one snapshot has, all that come of it have

        async def answer(scope, receive, send):
            await send(start())
            await send(body(json.dumps(random.random()).encode()))

        app = http_only(answer)
        """,
        AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
    )
    call = platform.api.invoke(proxy_event())
    await platform.api.completed(call)
    assert json.loads(call.body) != Random(7).random()
    await platform.api.polled(2)
    await runtime.stop()


async def test_credentials_are_asked_for_after_the_restore_and_their_finder_was_there_before(
    platform: Platform,
) -> None:
    with Receiver(handing_out("AKIARESTORED", seconds=3600), tls=None) as receiver:
        runtime = await platform.start(
            """
            import sys
            import snapshot_restore_py
            from sluice.config import aws_variables
            from sluice.stores.access import access_to

            opened = {}

            async def app(scope, receive, send):
                if scope["type"] == "lifespan":
                    await receive()
                    opened["access"] = access_to("dynamodb", aws_variables("DYNAMODB"))
                    await send({"type": "lifespan.startup.complete"})
                    await receive()
                    await send({"type": "lifespan.shutdown.complete"})
                    return
                before = set(sys.modules)
                found = await opened["access"].credentials()
                late = [name for name in set(sys.modules) - before if name.startswith("botocore")]
                await send(start())
                await send(body(json.dumps([found.access_key, found.token, late]).encode()))

            @snapshot_restore_py.register_after_restore
            def restored():
                tell("restored")
            """,
            **environment_of(receiver),
        )
        await platform.gates.reached("restored")
        assert receiver.received == []
        first, second = platform.api.invoke(proxy_event()), platform.api.invoke(proxy_event())
        await platform.api.completed(first, second)
        assert json.loads(first.body) == json.loads(second.body) == ["AKIARESTORED", "session", []]
        (asked,) = receiver.received
        assert asked.headers["authorization"] == TOKEN
        await platform.api.polled(3)
        await runtime.stop()
