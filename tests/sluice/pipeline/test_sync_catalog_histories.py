"""What the models table has after any history of lists, and of an operator's words between them."""

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from provider_desks import BROKEN, FILED, Answer, Desk, models, place
from sluice.pipeline import sync_catalog
from sluice.pipeline.live_catalog import rows_of
from sluice.providers.contract import UpstreamRequest
from sluice.stores.model_items import StoredModel

IDS = st.lists(
    st.sampled_from(["a", "b", "filed", "far/a", "near/b", "text-embedding-1", "whisper-1"]), unique=True
)
OWN = st.fixed_dictionaries(
    {},
    optional={
        "price": st.just({"input": "1", "output": "2"}),
        "aliases": st.lists(st.sampled_from(["a", "x", "filed"]), unique=True),
        "context_tokens": st.integers(1, 9),
    },
)
BY_HAND = st.sampled_from(["a", "mine", "far/a"])


class Synchronisations(RuleBasedStateMachine):
    """Lists that change, between an operator's words: nothing that the operator said is ever lost."""

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, list[str] | None] = {"far": [], "near": []}
        answers = {name: partial(self.answer, name) for name in self.lists}
        self.desk = Desk({"far": {}, "near": {}}, FILED, answers)
        self.own: dict[str, dict[str, Any]] = {}
        self.names: dict[tuple[str, str], str] = {}

    def answer(self, provider: str, _: UpstreamRequest) -> Answer:
        ids = self.lists[provider]
        return BROKEN if ids is None else models(*ids)

    @property
    def models(self) -> Mapping[str, StoredModel]:
        return asyncio.run(self.desk.store.read()).models

    @rule(provider=st.sampled_from(["far", "near"]), ids=st.none() | IDS)
    def serve(self, provider: str, ids: list[str] | None) -> None:
        self.lists[provider] = ids

    @rule()
    def sync(self) -> None:
        before = json.dumps(self.desk.dynamodb.database.tables["ModelsTable"].get(("model#mine",)))
        asyncio.run(sync_catalog.sync_catalog(self.desk.desk))
        after = json.dumps(self.desk.dynamodb.database.tables["ModelsTable"].get(("model#mine",)))
        assert before == after, "what was made by hand is nobody else's"
        shown = {
            place(model): model for model in self.models.values() if model.found and model.gone_at is None
        }
        for provider, ids in self.lists.items():
            if ids is not None:
                assert {name for there, name in shown if there == provider} <= set(ids) - {"whisper-1"}
        self.desk.forget_calls()
        asyncio.run(sync_catalog.sync_catalog(self.desk.desk))
        assert self.desk.writes == [], "a second one finds nothing to do"

    @rule(model=BY_HAND, own=OWN)
    def set_own(self, model: str, own: dict[str, Any]) -> None:
        if model == "mine":
            own = own | {"candidates": [{"provider": "far", "model": "x"}]}
        asyncio.run(self.desk.store.set_own(model, own))
        self.own[model] = own

    @invariant()
    def what_the_operator_said_stays(self) -> None:
        found = self.models
        assert {name: found[name].own for name in self.own} == self.own
        assert all(not model.own for name, model in found.items() if name not in self.own)

    @invariant()
    def a_model_keeps_its_name(self) -> None:
        for model in self.models.values():
            if model.found:
                assert self.names.setdefault(place(model), model.id) == model.id

    @invariant()
    def the_file_has_the_first_word(self) -> None:
        found = self.desk.catalog.extended(rows_of(asyncio.run(self.desk.store.read())))
        for name in ("filed", "taken"):
            row = found.find(name)
            assert row is not None
            assert row.id == "filed"
        names = [name for row in found.models for name in (row.id, *row.aliases)]
        assert len(names) == len(set(names))


TestSynchronisations = Synchronisations.TestCase
