"""The values used last, by name, and no more than so many."""

from collections import OrderedDict


class Memory[Value]:
    """A dictionary that forgets what was used longest ago.

    Args:
        size: how many values are kept.
    """

    def __init__(self, size: int) -> None:
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._size = size

    def get(self, name: str) -> Value | None:
        """The value, None if it is not known."""
        value = self._values.get(name)
        if value is not None:
            self._values.move_to_end(name)
        return value

    def put(self, name: str, value: Value) -> Value:
        """Remember a value, and give it back."""
        self._values[name] = value
        self._values.move_to_end(name)
        if len(self._values) > self._size:
            self._values.popitem(last=False)
        return value

    def forget(self, name: str) -> None:
        """Forget a value, if it is known."""
        self._values.pop(name, None)
