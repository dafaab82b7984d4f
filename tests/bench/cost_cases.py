"""The cases whose cost is told: each makes requests with a key of its own, and gives back what they consumed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.bench.capacity import Trace
from tests.bench.gateways import Environment, World, in_flight

from sluice.accounting.windows import MINUTE
from sluice.keys import new_secret
from sluice.pipeline.health_monitor import FAILURES

REPEATS = 10
AT_ONCE = 20

UNAUTHORIZED, PAYMENT_REQUIRED, TOO_MANY_REQUESTS, UNAVAILABLE = 401, 402, 429, 503


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of request.

    Attributes:
        name: what it is.
        run: makes such requests, and gives back what each consumed.
        writes: how many each makes, before the provider is called and later.
        limits: of the key, in the place of the usual ones.
    """

    name: str
    run: Callable[[World], Awaitable[Sequence[Trace]]]
    writes: tuple[int, int]
    limits: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


async def whole(world: World) -> Sequence[Trace]:
    environment = await world.warm()
    return [await environment.ask() for _ in range(REPEATS)]


async def streamed(world: World) -> Sequence[Trace]:
    environment = await world.warm()
    return [await environment.ask(stream=True) for _ in range(REPEATS)]


async def counted_by_address(world: World) -> Sequence[Trace]:
    environment = await world.warm(ip_rpm=120)
    return [await environment.ask() for _ in range(REPEATS)]


async def with_idempotency_key(world: World) -> Sequence[Trace]:
    environment = await world.warm()
    return [await environment.ask(idempotency_key=str(number)) for number in range(REPEATS)]


async def repeated(world: World) -> Sequence[Trace]:
    environment = await world.warm()
    await environment.ask(idempotency_key="1")
    return [await environment.ask(idempotency_key="1") for _ in range(REPEATS)]


async def begins_a_slot(world: World) -> Sequence[Trace]:
    environment = await world.warm()
    return [await _in_next_slot(world, environment) for _ in range(REPEATS)]


async def finds_a_slot_begun(world: World) -> Sequence[Trace]:
    """Where others serve the key too, which an environment finds out by one lost write."""
    environment, other = await world.warm(), Environment(world)
    traces = []
    for _ in range(REPEATS + 1):
        await _in_next_slot(world, other)
        traces.append(await environment.ask())
    return traces[1:]


async def first_of_an_environment(world: World) -> Sequence[Trace]:
    await world.warm()
    return [await Environment(world).ask() for _ in range(REPEATS)]


async def first_of_all(world: World) -> Sequence[Trace]:
    return [await Environment(world).ask()]


async def at_once(world: World) -> Sequence[Trace]:
    environment = await world.warm()
    async with in_flight(world, environment, AT_ONCE) as asking:
        pass
    return await asking


async def gets_fewer_tokens(world: World) -> Sequence[Trace]:
    environment = Environment(world)
    await environment.ask()
    return [await environment.ask(max_tokens=None) for _ in range(REPEATS)]


async def provider_fails(world: World) -> Sequence[Trace]:
    environment = await world.warm()
    world.provider.status = UNAVAILABLE
    for _ in range(
        FAILURES
    ):  # the last of them tells that the model is down, which then is known for a while
        await environment.ask(UNAVAILABLE)
    return [await environment.ask(UNAVAILABLE) for _ in range(REPEATS)]


async def provider_fails_for_some_time(world: World) -> Sequence[Trace]:
    environment = await world.warm()
    world.provider.status = UNAVAILABLE
    for _ in range(FAILURES - 1):
        await environment.ask(UNAVAILABLE)
    return [await environment.ask(UNAVAILABLE)]


async def over_the_rate(world: World) -> Sequence[Trace]:
    environment = Environment(world)
    await environment.ask()
    return [await environment.ask(TOO_MANY_REQUESTS)]


async def over_the_rate_again(world: World) -> Sequence[Trace]:
    environment = Environment(world)
    await environment.ask()
    await environment.ask(TOO_MANY_REQUESTS)
    return [await environment.ask(TOO_MANY_REQUESTS) for _ in range(REPEATS)]


async def over_the_budget(world: World) -> Sequence[Trace]:
    environment = Environment(world)
    await environment.ask()
    return [await environment.ask(PAYMENT_REQUIRED, max_tokens=4096)]


async def over_the_budget_again(world: World) -> Sequence[Trace]:
    environment = Environment(world)
    await environment.ask()
    await environment.ask(PAYMENT_REQUIRED, max_tokens=4096)
    return [await environment.ask(PAYMENT_REQUIRED, max_tokens=4096) for _ in range(REPEATS)]


async def budget_is_in_flight(world: World) -> Sequence[Trace]:
    environment = Environment(world)
    async with in_flight(world, environment, 1):
        return [await environment.ask(TOO_MANY_REQUESTS) for _ in range(REPEATS)]


async def over_the_address_limit(world: World) -> Sequence[Trace]:
    environment = Environment(world, ip_rpm=1)
    await environment.ask()
    return [await environment.ask(TOO_MANY_REQUESTS) for _ in range(REPEATS)]


async def unknown_key(world: World) -> Sequence[Trace]:
    environment = Environment(world)
    return [await environment.ask(UNAUTHORIZED, secret=new_secret("key")) for _ in range(REPEATS)]


async def _in_next_slot(world: World, environment: Environment) -> Trace:
    world.clock.now += MINUTE.slot_seconds
    return await environment.ask()


COUNTED_BY_ADDRESS = Case("the same, its address counted too", counted_by_address, (2, 2))

CASES = (
    Case("whole reply", whole, (1, 2)),
    Case("streamed reply", streamed, (1, 2)),
    COUNTED_BY_ADDRESS,
    Case("with an Idempotency-Key", with_idempotency_key, (2, 3)),
    Case("repeated with its Idempotency-Key", repeated, (1, 0)),
    Case(f"first in {MINUTE.slot_seconds} s", begins_a_slot, (1, 2)),
    Case(f"first in {MINUTE.slot_seconds} s here, not elsewhere", finds_a_slot_begun, (1, 2)),
    Case("first of the key in a new environment", first_of_an_environment, (1, 2)),
    Case("first of the key at all", first_of_all, (1, 2)),
    Case(f"one of {AT_ONCE} at once", at_once, (1, 2)),
    Case("gets fewer tokens than the model has", gets_fewer_tokens, (1, 2), {"budget_nano_usd": 10**6}),
    Case("provider fails", provider_fails, (1, 1)),
    Case(f"provider fails for the {FAILURES}rd time", provider_fails_for_some_time, (1, 3)),
    Case("over the key's rate", over_the_rate, (0, 0), {"rpm": 1}),
    Case("over the key's rate, again", over_the_rate_again, (0, 0), {"rpm": 1}),
    Case("over the budget", over_the_budget, (0, 0), {"budget_nano_usd": 10**6}),
    Case("over the budget, again", over_the_budget_again, (0, 0), {"budget_nano_usd": 10**6}),
    Case("budget held by requests in flight", budget_is_in_flight, (0, 0), {"budget_nano_usd": 10**5}),
    Case("over the address's rate", over_the_address_limit, (0, 0)),
    Case("unknown key", unknown_key, (0, 0)),
)
