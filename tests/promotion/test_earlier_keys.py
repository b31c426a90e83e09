"""Release 0.1.0 recorded rows whose key column pyarrow read as numbers; this release still finds them.

`store_of_0_1_0.tar.gz` was written by that release: 900 customers `001000` to `001899` in `rows.csv`, five versions
(`memory` not yet judged), and the ledger of four decisions. Recipe and policy are those below.
"""

import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recipes import CustomerRecipe, synthetic_rows
from situation import open_at, settings_at, toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.interfaces import call
from promotion.ledger.export import read_export
from promotion.registry.gate import plan_gate
from promotion.registry.register import Origin
from promotion.row_keys import FIRST_FORM, KEY_FORM, fingerprints

pytestmark = pytest.mark.integration

WRITTEN = Path(__file__).with_name("store_of_0_1_0.tar.gz")
POLICY = {
    "slices": [{"by": "country", "metric": "roc_auc", "max_loss": 0.5, "min_rows": 20}],
    "min_rows": 50,
    "min_positives": 20,
    "guardrails": [],
}


def opened(root, **keys):
    settings = settings_at(root, policy=POLICY, recipe="recipes:CustomerRecipe", **keys)
    return open_at(settings, store=BentoStore(root / "bentoml"), mirror=MemoryMirror())


@pytest.fixture
def registry(tmp_path):
    with tarfile.open(WRITTEN) as archive:
        archive.extractall(tmp_path, filter="data")
    registry = opened(tmp_path)
    with (tmp_path / "ledger.jsonl").open("rb") as lines:
        (chain,) = read_export(lines, name="ledger.jsonl").values()
    registry.ledger.append(chain.entries, chain.head)
    return registry


def grown(registry, name):
    """The file with one more row, whose key changes what pyarrow takes the column for."""
    rows = pd.read_csv(registry.config.root / "rows.csv", dtype=str, keep_default_na=False)
    pd.concat([rows, rows.tail(1).assign(id=name)]).to_csv(registry.config.root / "grown.csv", index=False)
    return "grown.csv"


def asked(registry, tag, **options):
    """What a gate would decide."""
    return plan_gate(registry.parts, tag, **options).decision


def trained(registry, *versions):
    """The customers whose rows trained them, by their numbers, which is what 0.1.0 made fingerprints of."""
    rows = [registry.store.training_rows(toy(version)) for version in versions]
    assert {one.form for one in rows} == {FIRST_FORM}
    numbers = pd.Series(range(1000, 1900))
    return {f"{number:06d}" for one in rows for number in numbers[np.isin(fingerprints(numbers), one.fingerprints)]}


def test_its_decisions_come_out_as_they_were_made(registry):
    assert [one for one in registry.audit("toy", recompute=True) if one.code.startswith("AUD07")] == []
    recorded = [entry.body["decision"] for entry in registry.history("toy") if entry.kind == "decision"]
    slices = [part["value"] for part in recorded[1]["evidence"]["slices"]]
    assert slices == ["BW", "ZA", "(missing)"]  # NA was read as missing then


@pytest.mark.parametrize("keys", [{}, {"time_unit": "s"}, {"group": "country"}, {"dependence": "independent"}])
def test_however_rows_are_taken_today_its_decisions_are_replayed_and_recomputed_row_by_row(registry, keys):
    today = opened(registry.config.root, **keys)
    assert [one for one in today.audit("toy", recompute=True) if one.code.startswith("AUD07")] == []
    replayed = today.replay("toy", today.config.model("toy").policy)
    assert len(replayed) == 4
    assert [one.now.digest for one in replayed] == [one.then.digest for one in replayed]
    today.gate(toy("memory"))
    assert "dependence" in today.history("toy")[-1].body["decision"]["evidence"]
    assert [one for one in today.audit("toy", recompute=True) if one.code.startswith("AUD07")] == []


@pytest.mark.parametrize("key", ["001900", "A01900", "19000000000000000000", "1900.5"])
def test_no_row_that_trained_its_versions_judges_now(registry, key):
    decision = asked(registry, toy("memory"), data=grown(registry, key))
    rows = CustomerRecipe().load(registry.config.root / "grown.csv")
    held = set(CustomerRecipe().split(rows).holdout["id"])
    left = held - trained(registry, "memory", "weak")
    assert len(held) > 400 > len(left) > 150
    assert (decision.holdout.rows, decision.holdout.removed) == (len(left), len(held) - len(left))


def test_rows_that_it_judged_by_are_used_and_the_same_question_is_the_same_use(registry):
    recorded = [entry.body["decision"] for entry in registry.history("toy") if entry.kind == "decision"]
    asked_again = asked(registry, toy("late"))
    assert asked_again.budget.use == recorded[3]["budget"]["use"] == 3.0
    assert asked_again.evidence.metrics == asked(registry, toy("late")).evidence.metrics
    later = asked(registry, toy("late"), data=grown(registry, "A01900"))
    assert 3.9 < later.budget.use <= 4.0


def test_what_counted_as_used_is_recorded_and_replayed(registry):
    registry.gate(toy("late"), data=grown(registry, "A01900"))
    last = registry.history("toy")[-1]
    assert last.kind == "decision"
    assert last.body["sketch"]["form"] == KEY_FORM
    assert len(last.body["renamed"]) == 1
    replayed = registry.replay("toy", registry.config.model("toy").policy)[-1]
    assert replayed.now.budget == replayed.then.budget
    assert [one for one in registry.audit("toy", recompute=True) if one.code.startswith("AUD07")] == []


def test_among_new_records_a_key_is_its_text_alone(registry):
    """A version of this release trained on the customers `1000` to `1899`; the customers `001000` are others."""
    rows = CustomerRecipe(by="time").load(registry.config.root / "rows.csv")
    others = rows.assign(id=rows["id"].str.lstrip("0"))
    fitted = CustomerRecipe().train(synthetic_rows(100), step=call)
    registry.store.save("toy:new", fitted, metadata={}, training_rows=fingerprints(others["id"]))
    registry.register(toy("new"), Origin(options={"by": "time"}))
    registry.promote(toy("new"), reason="a champion of this release", override=True)
    registry.store.save("toy:newer", fitted, metadata={}, training_rows=fingerprints(others["id"]))
    registry.register(toy("newer"), Origin(options={"by": "time"}))
    decision = asked(registry, toy("newer"))
    assert (decision.holdout.rows, decision.holdout.removed) == (450, 0)
