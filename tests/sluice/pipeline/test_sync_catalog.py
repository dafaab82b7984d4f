"""Models that providers list, and what the models table has of them after synchronisations."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fake_upstream import Response
from provider_desks import BROKEN, FILED, Answer, Desk, answer, hangs, models, place
from sluice.catalog import Catalog, load_catalog
from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.pipeline import provider_desk, sync_catalog
from sluice.pipeline.live_catalog import rows_of
from sluice.stores.aws import AWSError
from sluice.stores.model_items import StoredModel

CATALOG = load_catalog()


async def synced(desk: Desk) -> Mapping[str, StoredModel]:
    await sync_catalog.sync_catalog(desk.desk)
    return (await desk.store.read()).models


async def catalog(desk: Desk) -> Catalog:
    """What requests find."""
    return desk.catalog.extended(rows_of(await desk.store.read()))


def far(*answers: Answer, **members: Any) -> Desk:
    return Desk({"far": members}, FILED, {"far": list(answers)})


async def test_a_new_model_is_there_and_can_be_asked_for() -> None:
    desk = far(answer({"data": [{"id": "new", "created": 5, "owned_by": "acme", "context_window": 1000}]}))
    assert (await synced(desk))["new"].found == {
        "kind": "chat",
        "candidates": [{"provider": "far", "model": "new"}],
        "created": 5,
        "owned_by": "acme",
        "aliases": ["far/new"],
        "context_tokens": 1000,
    }
    row = (await catalog(desk)).find("far/new")
    assert row is not None
    assert (row.id, row.price, row.context_tokens, row.owner) == ("new", None, 1000, "acme")


async def test_what_the_list_does_not_say_is_left_out() -> None:
    found = (await synced(far(models("text-embedding-9"))))["text-embedding-9"].found
    assert found == {
        "kind": "embedding",
        "candidates": [{"provider": "far", "model": "text-embedding-9"}],
        "created": 0,
        "owned_by": "far",
        "aliases": ["far/text-embedding-9"],
    }


async def test_what_the_file_has_and_what_nobody_can_ask_for_is_left_out() -> None:
    assert list(await synced(far(models("up", "whisper-9", "new")))) == ["new"]


@pytest.mark.parametrize(
    ("kind", "found"),
    [("openai", {"flux-9": "image"}), ("together", {"flux-9": "image"}), ("groq", {}), ("anthropic", {})],
)
async def test_pictures_are_asked_of_those_who_make_them(kind: str, found: dict[str, str]) -> None:
    """Some list what others make, or what they make at an endpoint that is not asked here."""
    desk = far(answer({"data": [{"id": "flux-9"}]}), kind=kind)
    assert {name: model.found["kind"] for name, model in (await synced(desk)).items()} == found


async def test_videos_are_asked_of_a_service_that_the_file_declares() -> None:
    videos = CATALOG.providers["ora"].model_dump(mode="json", exclude_unset=True)["videos"]
    for members, found in (({"kind": "groq"}, set()), ({"kind": "groq", "videos": videos}, {"kling-9"})):
        assert set(await synced(far(models("kling-9"), **members))) == found


@pytest.mark.parametrize("name", ["filed", "taken"])
async def test_a_name_that_the_file_has_taken_goes_behind_its_providers(name: str) -> None:
    desk = far(models(name))
    assert list(await synced(desk)) == [f"far/{name}"]
    found = await catalog(desk)
    other, own = found.find(f"far/{name}"), found.find(name)
    assert other is not None
    assert own is not None
    assert (other.candidates[0].model, own.id) == (name, "filed")


async def test_of_two_providers_with_one_name_the_first_in_the_file_has_it() -> None:
    desk = Desk({"one": {}, "two": {}}, [], {"one": [models("new")], "two": [models("new")]})
    assert {name: place(model) for name, model in (await synced(desk)).items()} == {
        "new": ("one", "new"),
        "two/new": ("two", "new"),
    }
    desk.forget_calls()
    await synced(desk)
    assert desk.writes == []


@pytest.mark.parametrize("earlier", [models(), models("new"), BROKEN], ids=["lacks it", "has it", "broken"])
async def test_a_name_that_begins_with_another_providers_is_that_ones(earlier: Answer) -> None:
    """Whoever lists it first: a client that names a provider is sent to no other."""
    answers = {"two": [models("one/new")], "one": [earlier, models("new")]}
    desk = Desk({"two": {}, "one": {}}, [], answers)
    await synced(desk)
    assert set(await synced(desk)) == {"new", "two/one/new"}
    found = (await catalog(desk)).find("one/new")
    assert found is not None
    assert found.candidates[0].provider == "one"


@pytest.mark.parametrize("lists", [[models("new", "one/new")], [models("new"), models("one/new")]])
async def test_a_name_that_is_an_alias_of_another_is_taken(lists: list[Answer]) -> None:
    desk = Desk({"one": {}}, [], {"one": lists})
    await synced(desk)
    assert set(await synced(desk)) == {"new", "one/one/new"}


async def test_a_model_whose_names_are_all_taken_is_left_out() -> None:
    rows = [{"id": name, "candidates": [{"provider": "far", "model": "up"}]} for name in ("new", "far/new")]
    assert await synced(Desk({"far": {}}, rows, {"far": [models("new")]})) == {}


async def test_a_model_keeps_its_name() -> None:
    """Also when a shorter one gets free, or the list's order changes."""
    answers = {"one": [models("new"), models(), models()], "two": [models("new")]}
    desk = Desk({"one": {}, "two": {}}, [], answers)
    await synced(desk)
    for _ in range(2):
        found = await synced(desk)
        assert place(found["two/new"]) == ("two", "new")
        assert found["new"].gone_at is not None


async def test_a_model_whose_name_the_file_takes_for_another_gets_a_new_one() -> None:
    desk = far(models("new"))
    await synced(desk)
    rows = [{"id": "new", "candidates": [{"provider": "far", "model": "up"}]}]
    file = Catalog.model_validate({"providers": desk.catalog.providers, "models": rows})
    desk.desk = replace(desk.desk, catalog=file)
    found = await synced(desk)
    assert place(found["far/new"]) == ("far", "new")
    assert found["new"].gone_at is not None
    desk.forget_calls()
    await synced(desk)
    assert desk.writes == []
    desk.desk = replace(desk.desk, catalog=desk.catalog)
    await synced(desk)
    assert desk.writes == [], "it keeps that, too"


async def test_one_that_the_file_takes_up_leaves_the_table() -> None:
    desk = far(models("new"))
    await synced(desk)
    rows = [{"id": "mine", "candidates": [{"provider": "far", "model": "new"}]}]
    file = Catalog.model_validate({"providers": desk.catalog.providers, "models": rows})
    desk.desk = replace(desk.desk, catalog=file)
    assert (await synced(desk))["new"].gone_at is not None


async def test_what_is_listed_no_more_is_not_shown_until_it_comes_back() -> None:
    desk, begun = far(models("new"), models(), models(), models("new")), int(time.time())
    await synced(desk)
    await desk.store.set_own("new", {"price": {"input": "1"}})
    for _ in range(2):
        gone = (await synced(desk))["new"]
        assert gone.gone_at is not None
        assert begun <= gone.gone_at <= time.time()
        assert (await catalog(desk)).find("new") is None
    back = await synced(desk)
    assert (back["new"].gone_at, back["new"].own) == (None, {"price": {"input": "1"}})
    assert (await catalog(desk)).find("new") is not None


@pytest.mark.parametrize(
    "bad",
    [
        BROKEN,
        answer({"error": {"message": "no"}}, 401),
        answer({"error": {"message": "no"}}, 429),
        answer({"error": {"message": "no"}}, 500),
        answer({"object": "list"}),
        answer("junk"),
        Response(200, "text/html", (b"<html>",)),
    ],
    ids=repr,
)
async def test_a_provider_that_fails_changes_nothing(bad: Answer) -> None:
    desk = Desk({"far": {}, "near": {}}, [], {"far": [models("new"), bad], "near": [models("other")]})
    before = await synced(desk)
    desk.forget_calls()
    assert await synced(desk) == before
    assert desk.writes == []


async def test_nor_does_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = far(models("new"), hangs())
    before = await synced(desk)
    monkeypatch.setattr(provider_desk, "LIST_SECONDS", 0.01)
    assert await synced(desk) == before


async def test_nor_does_one_that_is_not_set_up_any_more_or_not_asked() -> None:
    desk = far(models("new"), models())
    before = await synced(desk)
    asked = len(desk.providers.requests)
    desk.desk = replace(desk.desk, credentials=Desk({}, [], {}).desk.credentials)
    assert await synced(desk) == before
    silent = far(models("new"), discover=False)
    assert await synced(silent) == {}
    assert (len(desk.providers.requests), silent.providers.requests) == (asked, [])


class Denied:
    """Credentials of which one may not be read."""

    async def get(self, name: str) -> str:
        if name == "far_key":
            raise AWSError("GetSecretValue", "AccessDeniedException", "no")
        return "secret"


async def test_nor_does_one_whose_credential_may_not_be_read() -> None:
    desk = Desk({"far": {}, "near": {}}, [], {"far": [models("new")], "near": [models("other")]})
    desk.desk = replace(desk.desk, credentials=Denied())
    assert list(await synced(desk)) == ["other"]


async def test_nothing_is_written_where_nothing_has_changed() -> None:
    desk = far(models("new", "other"), models("other", "new"), models("other", "new", created=7))
    await synced(desk)
    assert desk.writes == ["UpdateItem"] * 2
    desk.forget_calls()
    await synced(desk)
    assert desk.writes == []
    await synced(desk)
    assert desk.writes == []


async def test_what_has_changed_is() -> None:
    desk = far(models("new", "other"))
    await synced(desk)
    desk.forget_calls()
    desk.providers.answers = {"far": [models("new", created=7)]}
    await synced(desk)
    assert desk.writes == ["UpdateItem"] * 2
    assert (await desk.store.read()).models["new"].found["created"] == 7


async def test_a_list_without_end_adds_only_so_many_and_takes_none_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sync_catalog, "MOST_MODELS", 3)
    desk = far(models("a", "b"), models(*"xyzab"), models(*"vwxab"), models(*"vw"))
    for expected, shown in (("ab", "ab"), ("abx", "abx"), ("abx", "abx"), ("abx", "")):
        found = await synced(desk)
        assert sorted(found) == list(expected)
        assert sorted(name for name, model in found.items() if model.gone_at is None) == list(shown)


JUNK: list[Any] = [
    None,
    5,
    "name",
    [],
    {},
    {"id": None},
    {"id": 5},
    {"id": ""},
    {"id": "models/"},
    {"id": "x" * 257},
    {"id": "a\nb"},
    {"id": "a\u0000b"},
]
ODD: list[Any] = [
    {"id": "odd", "created": -1, "owned_by": 5, "context_length": "many"},
    {"id": "odd", "created": 1.5, "owned_by": "", "context_window": True},
    {"id": "odd", "created": 10**30, "owned_by": None, "max_model_len": 0},
    {"id": "odd", "owned_by": "x" * 500_000},
    {"id": "odd", "owned_by": "a\u001b[2J"},
    {"id": "models/odd", "created": None, "owned_by": [], "context_length": -5},
]


@pytest.mark.parametrize("bare", [False, True])
async def test_junk_in_a_list_is_passed_over(bare: bool) -> None:
    for odd in ODD:
        rows = [*JUNK, odd, {"id": "odd"}, {"id": "new"}]
        desk = far(answer(rows if bare else {"data": rows}))
        assert sorted(await synced(desk)) == ["new", "odd"]
        row = (await catalog(desk)).find("odd")
        assert row is not None
        assert (row.created, row.owner, row.context_tokens) == (0, "far", None)


async def test_a_table_that_cannot_be_written_fails_the_run() -> None:
    desk = far(models("new"))
    desk.dynamodb.faults[:] = [None, OverloadedError("busy", retry_after=1)]
    with pytest.raises(OverloadedError):
        await synced(desk)


async def test_an_item_that_was_edited_by_hand_stops_nobody() -> None:
    desk = far(models("new"))
    await desk.store.set_own("mine", {"aliases": 5, "candidates": "far"})
    await desk.store.found("theirs", {"aliases": [5], "candidates": [{"provider": 5, "model": "x"}]})
    assert (await synced(desk)).keys() == {"mine", "theirs", "new"}
    assert (await catalog(desk)).find("new") is not None


async def test_a_run_that_changes_something_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    desk = far(models("new", "other"))
    with caplog.at_level(logging.INFO, logger="sluice"):
        await synced(desk)
        await synced(desk)
    assert caplog.messages == ["2 models have come, gone or changed"]
