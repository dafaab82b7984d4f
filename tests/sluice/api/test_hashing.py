"""The hash depends on what the JSON says, not on how it is written."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from sluice.api.hashing import NumberRangeError, canonical_digest

RFC_8785_EXAMPLE = r"""{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}"""
RFC_8785_CANONICAL = (
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
    '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
)


def test_the_example_of_the_rfc() -> None:
    expected = hashlib.sha256(RFC_8785_CANONICAL.encode()).hexdigest()
    assert canonical_digest(from_json(RFC_8785_EXAMPLE)) == expected


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(values, st.booleans(), st.sampled_from([None, 2]))
def test_order_space_and_escapes_do_not_matter(value: object, escaped: bool, indent: int | None) -> None:
    written = json.dumps(value, ensure_ascii=escaped, indent=indent, sort_keys=indent is None)
    assert canonical_digest(from_json(written)) == canonical_digest(value)


def test_a_number_is_the_double_it_stands_for() -> None:
    assert canonical_digest({"seed": 2**60 + 1}) == canonical_digest({"seed": float(2**60)})
    assert canonical_digest({"seed": [2**60]}) != canonical_digest({"seed": [2**61]})
    assert canonical_digest({"a": [1.0, True, 2**70]}) == canonical_digest({"a": [1, True, 2**70]})


@pytest.mark.parametrize("value", [10**400, float("inf"), [2**60, float("nan")]])
def test_a_number_that_no_double_holds_is_refused(value: object) -> None:
    with pytest.raises(NumberRangeError):
        canonical_digest({"value": value})
