"""The dashboard is what CloudWatch takes, and shows what is written."""

from typing import Any

import pytest

from local_stack import TEMPLATE
from sluice.local.blueprint import read_template
from watched_metrics import STACK, dashboard_of, missing_from_aws, shown_by, written_metrics

WIDGETS = dashboard_of(read_template(TEMPLATE))["widgets"]
TITLES = [widget["properties"]["title"] for widget in WIDGETS]
COLUMNS = 24
FREE_METRICS = 50
"""That a dashboard shows which costs nothing."""


@pytest.mark.parametrize("title", TITLES)
def test_a_widget_shows_what_is_written(
    title: str,
    template: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = written_metrics(capsys, monkeypatch)
    shown = shown_by(WIDGETS[TITLES.index(title)])
    assert shown
    for each in shown:
        if each.namespace == STACK:
            assert each in written, f"{title} shows {each}, which nothing writes"
        else:
            assert missing_from_aws(each, template) is None, title


def test_widgets_are_whole_and_beside_each_other() -> None:
    assert len(set(TITLES)) == len(TITLES)
    taken: set[tuple[int, int]] = set()
    for widget in WIDGETS:
        assert widget["type"] == "metric"
        properties = widget["properties"]
        assert properties["region"] == "eu-central-1"
        assert properties["view"] == "timeSeries"
        assert properties["period"] % 60 == 0
        assert widget["x"] + widget["width"] <= COLUMNS
        place = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not place & taken
        taken |= place
        for metric in properties["metrics"]:
            options = metric[-1] if isinstance(metric[-1], dict) else {}
            assert options.keys() <= {"label", "stat", "yAxis"}


def test_it_is_one_of_those_that_cost_nothing_and_can_be_switched_off(template: dict[str, Any]) -> None:
    assert sum(len(shown_by(widget)) for widget in WIDGETS) <= FREE_METRICS
    assert template["Resources"]["StackDashboard"]["Condition"] == "ShowDashboard"
    assert template["Conditions"]["ShowDashboard"] == {"Fn::Equals": [{"Ref": "Dashboard"}, "on"]}


def test_a_metric_that_is_not_written_is_noticed(
    template: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = written_metrics(capsys, monkeypatch)
    shown = {each for widget in WIDGETS for each in shown_by(widget) if each.namespace == STACK}
    assert len(shown) > 20
    gone = {each for each in written if each.metric != "FirstByte"}
    assert {each.metric for each in shown - gone} == {"FirstByte"}
