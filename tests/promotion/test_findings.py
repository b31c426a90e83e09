"""Every kind of finding, seeded on purpose: each gives its own code and no other, and a clean registry gives none.

One folder is created once and restored after each case; SQLite databases, which stay open, by SQLite's own backup.
"""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, replace
from datetime import timedelta

import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import NOON, open_at, settings_at, ticking, toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.adapters.mlflow import MlflowMirror
from promotion.audit import libraries as libraries_audit
from promotion.canonical import canonical_json, digest, plain
from promotion.errors import MirrorError
from promotion.findings import Code
from promotion.interfaces import call
from promotion.ledger.folding import fold
from promotion.policy import Kind, Policy, decide
from promotion.registry.register import Origin
from promotion.rows import fingerprints
from promotion.vocabulary import Stage
from registry_flows.flows.tracking import Logged

pytestmark = pytest.mark.slow

POLICY = {"min_rows": 100, "min_positives": 20, "approval": "required", "metrics": ["roc_auc"], "guardrails": []}
SKILLS = {"weak": "weak", "good": "good", "twin": "good", "noisy": "noisy", "last": "good"}
TRAINED = {"holdout_roc_auc": 0.1 + 0.2, "training_rows": 300.0}
IMPERATIVES = {
    *("Ask", "Check", "Copy", "Delete", "Deny", "Do", "Install", "Judge", "Put", "Register", "Restore", "Retrain"),
    *("Return", "Run", "Start", "Synchronize", "Train", "Trust", "Use"),
}
ROWS = synthetic_rows(600)
LATER = NOON + timedelta(days=1)


class Here:
    """The folder, and how a case gets at what is in it."""

    def __init__(self, root, policy=POLICY):
        self.root, self.now, self.policy = root, LATER, policy
        self.uri = f"sqlite:///{root / 'mlflow.db'}"
        self.mirror = MlflowMirror(self.uri)
        self.store = BentoStore(root / "bentoml")
        clock = ticking()
        self.alice, self.bob = (
            self.open(actor=lambda name=name: f"os:{name}", clock=clock) for name in ("alice", "bob")
        )
        self.saved = root.parent / "saved"

    def open(self, **parts):
        parts = {"store": self.store, "mirror": self.mirror, **parts}
        return open_at(settings_at(self.root, policy=self.policy), **parts)

    @property
    def mlflow(self):
        return self.mirror._client

    def audit(self):
        findings = self.open(clock=lambda: self.now).audit("toy")
        assert [one.mend for one in findings if one.mend.split()[0] not in IMPERATIVES] == []
        return {finding.code.value for finding in findings}

    def keep(self):
        """Remember how everything is."""
        shutil.copytree(self.root, self.saved)

    def put_back(self):
        """Make everything as it was."""
        self.now = LATER
        for path in [*self.root.iterdir()]:
            if ".db" not in path.name:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self.saved.iterdir():
            if path.is_dir():
                shutil.copytree(path, self.root / path.name)
            elif path.suffix == ".db":
                with closing(sqlite3.connect(path)) as kept, closing(sqlite3.connect(self.root / path.name)) as now:
                    kept.backup(now)
            elif ".db" not in path.name:
                shutil.copy2(path, self.root)

    # Contents of the folder

    def path(self, version):
        return self.store.path(toy(version))

    def run_id(self, version):
        return self.alice.state("toy").versions[f"toy:{version}"].registration.run_id

    def number(self, version):
        found = self.mlflow.search_model_versions("name='toy'")
        return next(one.version for one in found if one.tags["promotion.tag"] == f"toy:{version}")

    def seq(self, kind, version=None, *, last=False):
        """Of the first entry of the kind that names the version, or the last."""
        found = [
            entry.seq
            for entry in self.alice.history("toy")
            if entry.kind == kind
            and (version is None or f"toy:{version}" in {entry.body.get("tag"), entry.body.get("champion")})
        ]
        return found[-1 if last else 0]

    # Changes to the folder

    def sql(self, *statement, file="ledger.db"):
        with closing(sqlite3.connect(self.root / file)) as connection, connection:
            connection.execute(*statement)

    def label(self, version, stage):
        path = self.path(version) / "model.yaml"
        path.write_text(path.read_text().replace(f"stage: {self.stage(version)}", f"stage: {stage}"))

    def stage(self, version):
        return self.store.get(toy(version)).stage

    def refit(self, change, *, mlflow=True):
        """What one who may write to ledger and MLflow can do: change entries and make all that is hashed fit again."""
        entries, prev_hash = change([*self.alice.history("toy")]), "0" * 64
        for place, entry in enumerate(entries):
            fitted = replace(entry, seq=place + 1, prev_hash=prev_hash)
            prev_hash = fitted.expected_hash()
            entries[place] = replace(fitted, hash=prev_hash)
        head = fold("toy", entries).head
        self.sql("delete from entries")
        for entry in entries:
            row = {**asdict(entry), "body": canonical_json(entry.body)}
            self.sql(f"insert into entries ({', '.join(row)}) values ({', '.join('?' * len(row))})", [*row.values()])
        champion = json.dumps(asdict(head.champion)) if head.champion else None
        self.sql(
            "update heads set seq = ?, hash = ?, champion = ?, mirrored = ?", (head.seq, head.hash, champion, head.seq)
        )
        if mlflow:
            self.mlflow.set_registered_model_tag("toy", "promotion.head", f"{head.seq}:{head.hash}")

    def edit(self, seq, **fields):
        """Change fields of one entry's body, and refit."""
        self.refit(lambda entries: [
            replace(one, body={**one.body, **fields}) if one.seq == seq else one for one in entries
        ])  # fmt: skip

    def drop(self, seq):
        """Take one entry out, and refit."""

        def without(entries):
            for entry in (one for one in entries if one.seq != seq):
                planned = entry.body.get("planned")
                yield replace(entry, body={"planned": planned - 1}) if planned and planned > seq else entry

        self.refit(lambda entries: [*without(entries)])

    def edit_decision(self, seq, change, **fields):
        """Change a decision, name it anew wherever it is named, and refit."""
        ((before, body),) = [
            (one.body["decision_digest"], one.body) for one in self.alice.history("toy") if one.seq == seq
        ]
        decision = change(body["decision"])
        named = digest(decision)

        def renamed(entries):
            for entry in entries:
                text = canonical_json(
                    {**entry.body, "decision": decision, **fields} if entry.seq == seq else entry.body
                )
                yield replace(entry, body=json.loads(text.replace(before, named)))

        self.refit(lambda entries: [*renamed(entries)])


def train(here, empty_mlflow, versions):
    """Save the versions with their runs and what these logged."""
    shutil.copy(empty_mlflow, here.root / "mlflow.db")
    experiment = here.mlflow.create_experiment("toy", artifact_location=(here.root / "artifacts").as_uri())
    training = ToyRecipe().split(ROWS).training
    fitted = {skill: ToyRecipe(skill=skill).train(training, step=call) for skill in set(versions.values())}
    for version, skill in versions.items():
        run_id = here.mlflow.create_run(experiment).info.run_id
        for name, value in TRAINED.items():
            here.mlflow.log_metric(run_id, name, value)
        metadata = {"version": version, **Logged(run_id=run_id, metrics=TRAINED).metadata}
        here.store.save(f"toy:{version}", fitted[skill], metadata=metadata, training_rows=fingerprints(training["id"]))


@pytest.fixture(scope="module")
def world(tmp_path_factory, empty_mlflow):
    """`weak` was adopted, `good` approved against it, `noisy` rejected, `twin` waits, `last` was overridden and undone."""
    root = tmp_path_factory.mktemp("corruptions") / "here"
    root.mkdir()
    ROWS.to_csv(root / "rows.csv", index=False)
    here = Here(root)
    train(here, empty_mlflow, SKILLS)
    here.store.write_stage(toy("weak"), Stage.PROD)
    data = here.alice.reader.load("toy")[1]
    for version in SKILLS:
        here.alice.register(
            toy(version), Origin(run_id=here.store.get(toy(version)).metadata["mlflow_run_id"], data=data)
        )
    here.alice.adopt(toy("weak"), reason="it serves", assume_clean=True)
    for version in ("good", "twin", "noisy"):
        here.alice.gate(toy(version))
    here.bob.approve(toy("good"), reason="looks good")
    here.bob.promote(toy("last"), reason="as good, and newer", override=True)
    here.bob.rollback("toy", reason="it is not")
    here.keep()
    return here


CASES = {}


def seeded(*codes):
    """A corruption that is found by these codes and no other."""

    def taken(function):
        CASES[function.__name__] = (function, set(codes))
        return function

    return taken


# The ledger alone


@seeded("AUD001")
def entry_edited(here, _):
    here.sql("update entries set actor = 'os:mallory' where seq = 7")


@seeded("AUD001")
def entry_removed_from_the_middle(here, _):
    here.sql("delete from entries where seq = 7")


@seeded("AUD001")
def entries_swapped(here, _):
    for before, after in ((7, 99), (8, 7), (99, 8)):
        here.sql("update entries set seq = ? where seq = ?", (after, before))


@seeded("AUD001")
def entry_of_a_kind_nobody_knows(here, _):
    here.sql("update entries set kind = 'blessing' where seq = 7")


@seeded("AUD002")
def last_entry_removed(here, _):
    here.sql("delete from entries where seq = (select max(seq) from entries)")


@seeded("AUD002")
def head_names_another_champion(here, _):
    here.sql("update heads set champion = replace(champion, 'toy:good', 'toy:twin')")


@seeded("AUD003")
def decision_edited_and_its_digest_left(here, _):
    seq = here.seq("decision", "noisy")
    decision = here.alice.history("toy")[seq - 1].body["decision"]
    here.edit(seq, decision={**decision, "alpha": 0.2})


@seeded("AUD004", "AUD035")
def tail_cut_and_the_head_made_to_fit(here, _):
    here.sql("delete from entries where seq = (select max(seq) from entries)")
    here.sql(
        "update heads set seq = seq - 1, hash = (select hash from entries order by seq desc limit 1), mirrored = 0"
    )


@seeded("AUD036")
def rewritten_and_all_hashes_made_to_fit(here, _):
    here.refit(
        lambda entries: [replace(one, actor="os:eve") if one.kind == "override" else one for one in entries],
        mlflow=False,
    )


@seeded("AUD040")
def clock_set_back(here, _):
    here.refit(lambda entries: [
        replace(one, at="2026-11-01T00:00:00+00:00") if one.kind == "override" else one for one in entries
    ])  # fmt: skip


@seeded("AUD041")
def auditors_clock_behind(here, _):
    here.now = NOON


# The record against itself


@seeded("AUD050")
def promotion_without_its_override(here, _):
    here.drop(here.seq("override"))


@seeded("AUD050")
def promotion_by_the_decision_on_another(here, _):
    other = here.alice.history("toy")[here.seq("decision", "twin") - 1].body["decision_digest"]
    here.edit(here.seq("transition_planned", "good"), decision=other)


@seeded("AUD050")
def adoption_that_nobody_vouched_for(here, _):
    here.refit(lambda entries: [
        replace(one, body={**one.body, "tag": "toy:last"}) if one.kind == "adoption" else one for one in entries
    ])  # fmt: skip


@seeded("AUD050")
def champion_changed_by_a_repair(here, _):
    here.edit(here.seq("transition_planned", "last"), cause="repair")


@seeded("AUD051")
def approval_removed_and_all_hashes_made_to_fit(here, _):
    here.drop(here.seq("approval"))


@seeded("AUD051")
def approval_by_who_asked_for_the_decision(here, _):
    here.refit(lambda entries: [replace(one, actor="os:alice") if one.kind == "approval" else one for one in entries])


@seeded("AUD051")
def approval_turned_into_a_denial(here, _):
    here.edit(here.seq("approval"), approved=False)


@seeded("AUD052")
def policy_edited_and_all_hashes_made_to_fit(here, _):
    seq = here.seq("decision", "noisy")
    policy = here.alice.history("toy")[seq - 1].body["policy"]
    here.edit(seq, policy={**policy, "min_rows": 1})


@seeded("AUD053")
def stricter_policy_put_under_a_decision_with_all_digests(here, _):
    seq = here.seq("decision", "good")
    policy = here.alice.history("toy")[seq - 1].body["policy"]
    policy = plain(Policy.from_toml({**policy, "primary": {"metric": "roc_auc", "min_gain": 0.5}}))
    named = Policy.from_toml(policy).digest
    here.edit_decision(seq, lambda decision: {**decision, "policy": named}, policy=policy)


@seeded("AUD053")
def bound_of_a_check_edited(here, _):
    def better(decision):
        checks = [{**one, "bound": 0.5} if one["kind"] == "primary" else one for one in decision["checks"]]
        return {**decision, "checks": checks}

    here.edit_decision(here.seq("decision", "good"), better)


@seeded("AUD053")
def check_that_failed_taken_out(here, _):
    def fewer(decision):
        return {**decision, "checks": [one for one in decision["checks"] if one["kind"] != "floor"]}

    here.edit_decision(here.seq("decision", "good"), fewer)


@seeded("AUD053")
def count_of_uses_taken_out(here, _):
    def unbudgeted(decision):
        policy = Policy.from_toml(here.alice.history("toy")[seq - 1].body["policy"])
        judgement = here.alice.history("toy")[seq - 1].content()
        before = tuple(one for one in judgement.decision.checks if one.kind in {Kind.CLEAN, Kind.SCORED})
        again = decide(judgement.decision.evidence, policy, footprint=judgement.decision.footprint, before=before)
        return {**decision, **{name: plain(again)[name] for name in ("budget", "alpha", "checks", "verdict")}}

    seq = here.seq("decision", "good")
    here.edit_decision(seq, unbudgeted)


@seeded("AUD054")
def verdict_turned_round(here, _):
    here.edit_decision(here.seq("decision", "noisy"), lambda decision: {**decision, "verdict": "hold"})


@seeded("AUD050", "AUD054")
def promotion_on_a_verdict_that_says_no(here, _):
    here.edit_decision(here.seq("decision", "good"), lambda decision: {**decision, "verdict": "hold"})


@seeded("AUD055")
def rollback_to_one_that_never_served(here, _):
    here.edit(here.seq("transition_planned", "last"), cause="rollback")


@seeded("AUD056")
def approval_that_never_came(here, _):
    here.now = LATER + timedelta(days=30)


@seeded("AUD057")
def holdout_used_nine_times(here, _):
    """The same decision on `noisy` again, until the next one on these rows would be asked at less than a hundredth."""
    again = here.alice.history("toy")[here.seq("decision", "noisy") - 1]
    here.refit(lambda entries: [*entries, *[replace(again, at=entries[-1].at)] * 7])
    here.open().sync("toy", everything=True)


# The store


@seeded("AUD010")
def champions_label_edited(here, _):
    here.label("good", "staging")


@seeded("AUD011")
def waiting_ones_label_edited(here, _):
    here.label("twin", "archived")


@seeded("AUD012", "AUD013")
def second_champion_copied_in(here, _):
    shutil.copytree(here.path("good"), here.path("copy"))
    path = here.path("new")
    shutil.copytree(here.path("good"), path)
    text = (path / "model.yaml").read_text()
    (path / "model.yaml").write_text(text.replace("version: good", "version: new", 1))


@seeded("AUD013")
def description_half_written(here, _):
    (here.path("twin") / "model.yaml").write_text("labels: {stage: sta")


@seeded("AUD014")
def champions_folder_deleted(here, _):
    shutil.rmtree(here.path("good"))


@seeded("AUD015")
def version_that_nobody_registered(here, _):
    training = ToyRecipe().split(ROWS).training
    here.store.save(
        "toy:odd", ToyRecipe().train(training, step=call), metadata={}, training_rows=fingerprints(training["id"])
    )


@seeded("AUD017")
def stray_folder(here, _):
    (here.root / "bentoml/models/.Trash-0").mkdir()


@seeded("AUD020")
def model_byte_changed(here, _):
    path = here.path("good") / "saved_model.pkl"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@seeded("AUD020")
def archived_models_file_removed(here, _):
    (here.path("weak") / "training_rows.2.npy").unlink()


@seeded("AUD020", "AUD058")
def metric_in_the_versions_metadata_edited(here, _):
    path = here.path("good") / "model.yaml"
    path.write_text(path.read_text().replace("0.30000000000000004", "0.9"))


@seeded("AUD080")
def model_taken_over_by_another_ledger(here, _):
    other = settings_at(here.root, policy=here.policy).model_copy(update={"ledger": "sqlite:///other.db"})
    open_at(other, store=here.store, mirror=MemoryMirror()).take("toy", reason="they serve it now")


@seeded("AUD081")
def store_that_names_no_ledger(here, _):
    (here.root / "bentoml/ledgers/toy.json").unlink()


# MLflow


@seeded("AUD030", "AUD033")
def alias_put_back_with_the_mark_of_what_was_sent(here, _):
    here.sql("update heads set mirrored = ?", (here.seq("transition_planned", "weak"),))
    here.mlflow.set_registered_model_alias("toy", "champion", here.number("weak"))


@seeded("AUD038")
def alias_moved(here, _):
    here.mlflow.set_registered_model_alias("toy", "champion", here.number("twin"))


@seeded("AUD031", "AUD038")
def version_deleted_in_mlflow(here, _):
    here.mlflow.delete_model_version("toy", here.number("twin"))


@seeded("AUD031")
def stage_edited_in_mlflow(here, _):
    here.mlflow.set_model_version_tag("toy", here.number("noisy"), "promotion.stage", "prod")


@seeded("AUD032")
def decisions_metric_logged_over(here, _):
    here.mlflow.log_metric(here.run_id("noisy"), "gate_roc_auc", 0.99, step=here.seq("decision", "noisy"))


@seeded("AUD032")
def decisions_metric_logged_over_at_a_later_step(here, _):
    here.mlflow.log_metric(here.run_id("noisy"), "gate_roc_auc", 0.99, step=1000)


@seeded("AUD032")
def decisions_metric_changed_by_a_millionth_of_a_thousandth(here, _):
    (value,) = {one.value for one in here.mlflow.get_metric_history(here.run_id("good"), "gate_roc_auc_gain")}
    here.mlflow.log_metric(here.run_id("good"), "gate_roc_auc_gain", value + 2e-9, step=here.seq("decision", "good"))


@seeded("AUD033")
def mlflow_put_back_to_an_earlier_day(here, _):
    entry = here.alice.history("toy")[5]
    here.mlflow.set_registered_model_tag("toy", "promotion.head", f"{entry.seq}:{entry.hash}")


@seeded("AUD034")
def mlflow_away(here, monkeypatch):
    def away(*_):
        raise MirrorError("A request to MLflow at sqlite:///mlflow.db failed (it is away).")

    monkeypatch.setattr(here.mirror, "head", away)


@seeded("AUD037")
def head_removed_in_mlflow(here, _):
    here.mlflow.delete_registered_model_tag("toy", "promotion.head")


@seeded("AUD058")
def trainings_metric_logged_over(here, _):
    here.mlflow.log_metric(here.run_id("weak"), "holdout_roc_auc", 0.99)


@seeded("AUD058")
def trainings_metric_edited_in_the_database(here, _):
    for table in ("metrics", "latest_metrics"):
        here.sql(
            f"update {table} set value = 301 where key = 'training_rows' and run_uuid = ?",
            (here.run_id("good"),),
            file="mlflow.db",
        )


@seeded("AUD059")
def run_deleted(here, _):
    here.mlflow.delete_run(here.run_id("noisy"))


@seeded("AUD060")
def run_gone(here, _):
    for table in ("metrics", "latest_metrics", "tags", "runs"):
        here.sql(f"delete from {table} where run_uuid = ?", (here.run_id("last"),), file="mlflow.db")


# Data and libraries


@seeded("AUD061")
def holdout_byte_changed(here, _):
    content = (here.root / "rows.csv").read_bytes()
    (here.root / "rows.csv").write_bytes(content[:-2] + (b"1" if content[-2:-1] != b"1" else b"2") + b"\n")


@seeded("AUD062")
def holdout_gone(here, _):
    (here.root / "rows.csv").unlink()


@seeded("AUD063")
def rows_added_at_the_end(here, _):
    with (here.root / "rows.csv").open("a") as file:
        file.write("9999,1,9999,0.1,0.2\n")


@seeded("AUD064")
def library_updated_since(here, monkeypatch):
    monkeypatch.setattr(libraries_audit, "_installed", lambda _: "99.0")


# What is tested elsewhere, since it needs another world

ELSEWHERE = {
    "AUD005": "audit/test_chain.py: signatures",
    "AUD006": "audit/test_chain.py: signatures",
    "AUD007": "audit/test_chain.py: signatures",
    "AUD008": "audit/test_chain.py: signatures",
    "AUD009": "ledger/test_checkpoint.py",
    "AUD016": "audit/test_audit.py: a deleted version brought back",
    "AUD018": "audit/test_audit.py: a store that cannot be read",
    "AUD065": "audit/test_service.py: a service that lags",
    "AUD066": "audit/test_service.py: a service that is away",
    "AUD070": "audit/test_recompute.py: a number rewritten, and all hashes made to fit",
    "AUD071": "audit/test_recompute.py: an old version's files",
    "AUD072": "audit/test_recompute.py: rows written over",
    "AUD073": "audit/test_recompute.py: a recipe that reads other rows",
    "AUD074": "audit/test_recompute.py: a champion that serves for too long",
    "AUD075": "audit/test_recompute.py: fresh rows that lie elsewhere",
}


def test_the_world_as_it_was_made_is_clean(world):
    assert world.audit() == set()


@pytest.mark.parametrize("name", CASES)
def test_each_corruption_is_found_by_its_codes_alone(world, name, monkeypatch):
    corrupt, codes = CASES[name]
    try:
        corrupt(world, monkeypatch)
        assert world.audit() == codes
    finally:
        world.put_back()


def test_since_passes_over_runs_of_versions_that_neither_serve_nor_wait(world):
    def found(since):
        registry = world.open(clock=lambda: world.now)
        return {finding.subject for finding in registry.audit("toy", since=since)}

    try:
        for version in ("noisy", "good"):
            world.mlflow.log_metric(world.run_id(version), "holdout_roc_auc", 0.123)
        assert (
            found(None)
            == found(NOON - timedelta(days=1))
            == {"holdout_roc_auc of toy:good", "holdout_roc_auc of toy:noisy"}
        )
        assert found(world.now) == {"holdout_roc_auc of toy:good"}
    finally:
        world.put_back()


def test_a_registry_of_two_hundred_decisions_that_nobody_touched_has_no_finding(tmp_path, empty_mlflow):
    here = Here(tmp_path, {**POLICY, "approval": "automatic", "holdout_reuse": "ignore"})
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    challengers = {f"v{number}": ("good", "weak", "noisy", "spoilt")[number % 4] for number in range(10)}
    train(here, empty_mlflow, {"first": "weak", **challengers})
    registry = here.open(mirror=MemoryMirror())
    for version in ("first", *challengers):
        registry.register(toy(version), Origin(run_id=here.store.get(toy(version)).metadata["mlflow_run_id"]))
    registry.gate(toy("first"))
    for day in range(23):
        synthetic_rows(400, seed=day, first_id=10_000).to_csv(tmp_path / f"day{day}.csv", index=False)
        for version in challengers:
            if registry.champion("toy").tag != toy(version):
                registry.gate(toy(version), holdout=f"day{day}.csv")
    assert here.open().sync("toy", everything=True)

    assert sum(entry.kind == "decision" for entry in registry.history("toy")) >= 200
    here.now = NOON + timedelta(days=6)
    assert here.open(clock=lambda: here.now).audit("toy") == ()


def test_every_code_is_in_the_table_or_tested_elsewhere():
    tabled = set().union(*(codes for _, codes in CASES.values()))
    assert len(CASES) >= 30
    assert tabled | ELSEWHERE.keys() == {code.value for code in Code}
    assert tabled.isdisjoint(ELSEWHERE)
