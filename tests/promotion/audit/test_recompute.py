"""Past decisions recomputed from models and rows."""

import json
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta
from importlib import import_module
from threading import Barrier

import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import NOON, faults, open_at, settings_at, toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.audit import recompute
from promotion.canonical import canonical_json, digest
from promotion.interfaces import call
from promotion.ledger.entries import FORMAT
from promotion.registry.judge import weigh
from promotion.registry.register import Origin
from promotion.rows import fingerprints

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def decided(tmp_path_factory, trained_store):
    """`toy:weak`, then `toy:good` champion, `toy:noisy` rejected: three decisions on one file."""
    root = tmp_path_factory.mktemp("decided") / "here"
    shutil.copytree(trained_store, root / "bentoml")
    synthetic_rows().to_csv(root / "rows.csv", index=False)
    registry = open_at(settings_at(root), store=BentoStore(root / "bentoml"), mirror=MemoryMirror())
    for version in ("weak", "good", "noisy"):
        registry.register(toy(version), Origin())
        registry.gate(toy(version))
    return root, registry.mirror


@pytest.fixture
def registry(decided, tmp_path):
    root, mirror = decided
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    later = NOON + timedelta(days=1)
    return open_at(settings_at(tmp_path), store=BentoStore(tmp_path / "bentoml"), mirror=mirror, clock=lambda: later)


def found(registry, **options):
    return {f"{one.code} {one.subject}" for one in again(registry, **options)}


def again(registry, **options):
    return [one for one in registry.audit("toy", recompute=True, **options) if one.code.startswith("AUD07")]


def decisions(registry):
    return [entry for entry in registry.history("toy") if entry.kind == "decision"]


def rewrite(registry, root, change):
    """The record of a decision changed in the ledger's database, and every digest and hash after it made to fit."""
    last, with_decision = None, decisions(registry)[1].seq
    with closing(sqlite3.connect(root / "ledger.db")) as connection, connection:
        for entry in registry.history("toy"):
            body = json.loads(json.dumps(entry.body))
            if entry.seq == with_decision:
                change(body)
                body["decision_digest"] = digest(body["decision"])
            prev = last or entry.prev_hash
            last = digest([FORMAT, entry.model, entry.seq, entry.kind, entry.at, entry.actor, body, prev])
            connection.execute(
                "update entries set body = ?, prev_hash = ?, hash = ? where seq = ?",
                (canonical_json(body), prev, last, entry.seq),
            )
        connection.execute("update heads set hash = ?", (last,))


def test_all_decisions_come_out_as_they_were_made_each_version_scored_once(registry, monkeypatch):
    scored, reads = [], []
    score, load = recompute.score_version, ToyRecipe.load
    monkeypatch.setattr(recompute, "score_version", lambda side, *rest: scored.append(side.tag) or score(side, *rest))
    monkeypatch.setattr(ToyRecipe, "load", lambda *given: reads.append(1) or load(*given))
    assert again(registry) == []
    assert sorted(map(str, scored)) == ["toy:good", "toy:noisy", "toy:weak"]
    assert len(reads) == 1


def better(body):
    body["decision"]["evidence"]["metrics"][0]["challenger"] += 1e-6


def test_models_of_several_decisions_are_scored_at_once_and_in_any_order(registry, monkeypatch):
    """Each model waits for another one to be scored beside it, the first ones the longest."""
    running, beside, score = set(), Barrier(2), recompute.score_version

    def waiting(side, *rest):
        running.add(side.tag.version)
        if running <= {"weak", "good"}:
            beside.wait(timeout=30)
            time.sleep(0.2 if side.tag.version == "weak" else 0)
        return score(side, *rest)

    monkeypatch.setattr(recompute, "score_version", waiting)
    assert again(registry) == []


SLICED = {"by": "a", "bins": 2, "max_loss": 5.0, "min_rows": 20}
OTHERS = {
    "classes": ("ClassesRecipe", {"primary": {"metric": "log_loss"}, "slices": [{**SLICED, "metric": "log_loss"}]}),
    "numbers": ("NumberRecipe", {"primary": {"metric": "rmse"}, "slices": [{**SLICED, "metric": "rmse"}]}),
    "two": ("ToyRecipe", {"primary": {"metric": "roc_auc"}, "slices": [{**SLICED, "metric": "brier_score"}]}),
}


@pytest.mark.parametrize(("name", "policy"), OTHERS.values(), ids=OTHERS)
def test_decisions_of_every_task_are_made_again_with_their_slices(tmp_path, monkeypatch, name, policy):
    synthetic_rows().to_csv(tmp_path / "rows.csv", index=False)
    whole = {"guardrails": [], "floors": [], "metrics": [], "min_positives": 0, **policy}
    settings = settings_at(tmp_path, policy=whole, recipe=f"recipes:{name}")
    registry = open_at(settings, store=BentoStore(tmp_path / "bentoml"), mirror=MemoryMirror())
    for skill in ("weak", "good"):
        recipe, data = registry.reader.load("toy", options={"skill": skill})
        training = recipe.split(data.rows).training
        trained, keys = recipe.train(training, step=call), fingerprints(training["id"])
        registry.store.save(f"toy:{skill}", trained, metadata={}, training_rows=keys)
        registry.register(toy(skill), Origin(data=data, options={"skill": skill}))
        verdict = registry.gate(toy(skill)).verdict
        if skill == "weak":
            registry.promote(toy("weak"), reason="the first", override=True)
    assert verdict == "promote"
    assert len(decisions(registry)[1].body["decision"]["evidence"]["slices"]) == 2
    assert again(registry) == []

    def without_the_first_row(rows, scores, *rest):
        return weigh(rows.iloc[1:], [one[1:] for one in scores], *rest)

    monkeypatch.setattr(recompute, "weigh", without_the_first_row)
    assert {one.code for one in again(registry)} == {"AUD070"}


def test_a_decision_of_a_release_that_recorded_no_policy_is_made_again(registry, tmp_path):
    rewrite(registry, tmp_path, lambda body: body.update(policy=None))
    assert again(registry) == []
    rewrite(registry, tmp_path, better)
    (one,) = again(registry)
    assert one.code == "AUD070"


def test_a_number_changed_with_hashes_that_fit_is_found_by_recomputing(registry, tmp_path):
    seq = decisions(registry)[1].seq

    rewrite(registry, tmp_path, better)
    assert not any(one.code in {"AUD001", "AUD002", "AUD003"} for one in faults(registry))
    (one,) = again(registry)
    assert (one.code, one.subject) == ("AUD070", f"entry {seq} (toy:good)")
    assert one.expected.startswith("roc_auc challenger 0.")


def test_a_byte_of_an_old_model_is_found_in_each_decision_that_it_was_part_of(registry, tmp_path):
    path = next((tmp_path / "bentoml/models/toy/weak").glob("*.pkl"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    first, second, _ = decisions(registry)
    assert found(registry) == {f"AUD071 entry {first.seq} (toy:weak)", f"AUD071 entry {second.seq} (toy:good)"}


@pytest.mark.parametrize("change", [lambda path: path.write_text(path.read_text() + "\n"), lambda path: path.unlink()])
def test_of_rows_that_are_gone_or_changed_it_is_said_that_nothing_was_recomputed(registry, tmp_path, change):
    change(tmp_path / "rows.csv")
    assert found(registry) == {f"AUD072 entry {one.seq} ({one.body['tag']})" for one in decisions(registry)}
    assert {one.severity for one in again(registry)} == {"warning"}


def test_since_leaves_out_earlier_decisions(registry, tmp_path):
    (tmp_path / "rows.csv").unlink()
    last = decisions(registry)[-1]
    assert found(registry, since=datetime.fromisoformat(last.at)) == {f"AUD072 entry {last.seq} (toy:noisy)"}


def test_since_reaches_the_database(registry, monkeypatch):
    last, handed = decisions(registry)[-1], []

    def recorded(ledger, model, **options):
        handed.extend(read := honest(ledger, model, **options))
        return read

    audit = import_module("promotion.audit.audit")
    honest = audit.recorded
    monkeypatch.setattr(audit, "recorded", recorded)
    assert found(registry, since=datetime.fromisoformat(last.at)) == set()
    assert [entry.seq for entry in handed] == [*range(last.seq, len(registry.history("toy")) + 1)]


def test_since_passes_over_what_is_wrong_with_earlier_decisions_and_over_no_broken_chain(registry, tmp_path):
    second, last = (datetime.fromisoformat(one.at) for one in decisions(registry)[1:])

    def codes(since=None):
        return {one.code for one in registry.audit("toy", since=since)} - {"AUD015"}

    rewrite(registry, tmp_path, lambda body: body["decision"].update(verdict="reject"))
    assert codes() >= codes(second) >= {"AUD050", "AUD054"}
    assert not codes(last) & {"AUD050", "AUD054"}
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("update entries set actor = 'os:mallory' where seq = 1")
    assert codes(last) == {"AUD001"}


def test_of_rows_read_in_another_way_it_is_said(registry, monkeypatch):
    load = ToyRecipe.load
    monkeypatch.setattr(ToyRecipe, "load", lambda self, path: load(self, path).iloc[:-1])
    assert {one.code for one in again(registry)} == {"AUD073"}


def test_a_champion_that_serves_for_too_long_is_told(registry):
    def stale(longest):
        settings = settings_at(registry.config.root, champion_max_age=longest)
        later = open_at(settings, store=registry.store, mirror=registry.mirror, clock=lambda: NOON + timedelta(days=9))
        return [one.found for one in later.audit("toy") if one.code == "AUD074"]

    assert stale("9d") == []
    assert stale("1w") == ["a champion that has served since 2026-11-22, for 8 days"]


def test_fresh_rows_that_lie_elsewhere_are_told_by_their_columns(registry, tmp_path):
    def drift(move):
        rows = synthetic_rows()
        fresh = rows.assign(id=rows["id"] + 10**6, t=rows["t"] + rows["t"].max() + 1, a=rows["a"] + move)
        fresh.to_csv(tmp_path / "fresh.csv", index=False)
        settings = settings_at(tmp_path, data="fresh.csv")
        moved = open_at(settings, store=registry.store, mirror=registry.mirror, clock=lambda: NOON + timedelta(days=1))
        return [one.found for one in again(moved)]

    assert drift(0) == []
    (found,) = drift(2)
    assert "a " in found
    assert "the scores " in found
    assert ", b " not in found
