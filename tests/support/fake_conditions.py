"""DynamoDB's conditions, read and decided: the forms that the stores write, with AND before OR and parentheses.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(\(|\)|,|<>|<=|>=|=|<|>|[\w#:.]+)")

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

type Value = dict[str, Any]
"""A typed value; empty where nothing is."""


class Condition:
    """A condition of one item.

    Args:
        text: it.
        value_at: what lies at a path.
        value_of: the value of a placeholder.
    """

    def __init__(self, text: str, value_at: Callable[[str], Value], value_of: Callable[[str], Value]) -> None:
        self._tokens = _TOKEN.findall(text)
        assert "".join(self._tokens) == re.sub(r"\s", "", text), text
        self._value_at = value_at
        self._value_of = value_of

    def holds(self) -> bool:
        """Whether it does."""
        found = self._either()
        assert not self._tokens, self._tokens
        return found

    def _either(self) -> bool:
        found = self._both()
        while self._takes("OR"):
            found = self._both() or found
        return found

    def _both(self) -> bool:
        found = self._term()
        while self._takes("AND"):
            found = self._term() and found
        return found

    def _term(self) -> bool:
        if self._takes("("):
            found = self._either()
            self._expect(")")
            return found
        word = self._tokens.pop(0)
        if word in ("attribute_exists", "attribute_not_exists", "begins_with"):
            return self._function(word)
        return self._comparison(self._size() if word == "size" else self._value_at(word))

    def _size(self) -> Value:
        self._expect("(")
        found = self._value_at(self._tokens.pop(0))
        self._expect(")")
        return {"N": str(len(found["SS"]))} if found else found

    def _function(self, name: str) -> bool:
        self._expect("(")
        found = self._value_at(self._tokens.pop(0))
        start = self._value_of(self._tokens.pop(0))["S"] if self._takes(",") else ""
        self._expect(")")
        if name == "begins_with":
            return str(found.get("S", "")).startswith(start)
        return bool(found) == (name == "attribute_exists")

    def _comparison(self, found: Value) -> bool:
        match self._tokens.pop(0):
            case "=":
                return found == self._value_of(self._tokens.pop(0))
            case "<>":
                return found != self._value_of(self._tokens.pop(0))
            case "IN":
                return found in self._list()
            case "BETWEEN":
                least, _, most = (self._tokens.pop(0) for _ in range(3))
                return _compared(">=", found, self._value_of(least)) and _compared(
                    "<=", found, self._value_of(most)
                )
            case sign:
                return _compared(sign, found, self._value_of(self._tokens.pop(0)))

    def _list(self) -> list[Value]:
        self._expect("(")
        values = [self._value_of(self._tokens.pop(0))]
        while self._takes(","):
            values.append(self._value_of(self._tokens.pop(0)))
        self._expect(")")
        return values

    def _takes(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        del self._tokens[0]
        return True

    def _expect(self, token: str) -> None:
        assert self._takes(token), (token, self._tokens)


def _compared(sign: str, found: Value, value: Value) -> bool:
    """Values of two types, or one that is not there, compare as nothing."""
    if found.keys() != value.keys():
        return False
    return COMPARISONS[sign](_comparable(found), _comparable(value))


def _comparable(value: Value) -> Any:
    ((kind, content),) = value.items()
    return int(content) if kind == "N" else content
