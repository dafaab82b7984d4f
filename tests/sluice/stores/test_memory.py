"""A memory of so many values."""

from hypothesis import given
from hypothesis import strategies as st

from sluice.stores.memory import Memory

NAMES = "abcde"
STEPS = st.lists(st.tuples(st.sampled_from(("get", "put", "forget")), st.sampled_from(NAMES)), max_size=60)


@given(st.integers(1, 4), STEPS)
def test_it_knows_the_values_used_last_and_no_more(size: int, steps: list[tuple[str, str]]) -> None:
    memory = Memory[int](size)
    known: list[tuple[str, int]] = []  # the one used last at the end
    for number, (verb, name) in enumerate(steps):
        value = dict(known).get(name)
        others = [each for each in known if each[0] != name]
        match verb:
            case "put":
                assert memory.put(name, number) == number
                known = [*others, (name, number)][-size:]
            case "forget":
                memory.forget(name)
                known = others
            case _:
                assert memory.get(name) == value
                known = known if value is None else [*others, (name, value)]
    for name, value in known:
        assert memory.get(name) == value
    assert sum(memory.get(name) is not None for name in NAMES) == len(known)
