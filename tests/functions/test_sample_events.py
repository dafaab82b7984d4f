"""The sample events of the functions of jobs are what calls them."""

from typing import Any

import pytest

from function_handlers import sample_events
from local_stack import blueprint
from machines import definition, states
from sluice.local.functions import load_app
from sluice.pipeline.jobs.task import task_event


def test_every_task_has_a_sample_that_is_what_its_machine_sends() -> None:
    sent: dict[str, set[str]] = {}
    for machine in ("ImagesMachine", "VideosMachine"):
        for state in states(definition(machine)).values():
            if state["Type"] == "Task":
                payload = state["Parameters"]["Payload"]
                sent.setdefault(payload["task"], set()).update(name.removesuffix(".$") for name in payload)
    samples = {name: sample for name, sample in sample_events("jobs").items() if "task" in sample}
    assert {name: set(sample) for name, sample in samples.items()} == sent
    for name, sample in samples.items():
        asked = task_event(sample)
        assert (asked.task, asked.job) == (name, sample["job"])


def test_the_courier_is_told_the_job_alone() -> None:
    deliver = states(definition("WebhooksMachine"))["Deliver"]["Parameters"]["Payload"]
    (sample,) = sample_events("deliver_webhook").values()
    assert {name.removesuffix(".$") for name in deliver} == set(sample)


@pytest.mark.parametrize("name", ["images", "videos"])
async def test_every_route_that_clients_use_has_a_sample(name: str) -> None:
    (function,) = [found for found in blueprint().functions if found.folder.name == name]
    app: Any = load_app(function)
    seen = set()
    for sample in sample_events(name).values():
        assert sample["httpMethod"] in app.methods[sample["resource"]]
        path = sample["resource"]
        for parameter, value in (sample["pathParameters"] or {}).items():
            path = path.replace(f"{{{parameter}}}", value)
        assert path == sample["path"]
        seen.add(sample["resource"])
    assert seen == {route.path for route in function.routes if not route.path.startswith("/api/")}
