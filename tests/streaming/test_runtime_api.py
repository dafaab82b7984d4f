"""The Runtime API's calls, as far as the process tests do not show them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from sluice_streaming import runtime_api
from sluice_streaming.invocation import Fault

TEXTS = st.text(max_size=50) | st.integers(0, 5000).map(lambda length: "\N{WATER WAVE}" * length)


@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=50))
def test_trailers_fit_the_platforms_buffer(kind: str, message: str, frames: list[str]) -> None:
    fault = Fault({"errorType": kind, "errorMessage": message, "requestId": "", "stackTrace": frames}, {})
    [(type_name, type_value), (body_name, body_value)] = runtime_api.trailers_of(fault)
    assert len(f"{type_name}: {type_value}\r\n{body_name}: {body_value}\r\n\r\n") < 4096
    assert type_value.isascii()
    assert "\n" not in type_value


def test_of_a_long_fault_the_frames_nearest_to_it_are_kept() -> None:
    frames = [f"frame {n} " + "x" * 100 for n in range(100)]
    fault = Fault({"errorType": "E", "errorMessage": "m", "requestId": "", "stackTrace": frames}, {})
    error = json.loads(runtime_api.trailer_json(fault))
    assert error["errorMessage"] == "m"
    assert error["stackTrace"] == frames[-len(error["stackTrace"]) :]
    assert len(error["stackTrace"]) > 10
