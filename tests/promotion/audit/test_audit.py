import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml
from recipes import synthetic_rows
from situation import NOON, bentoml_at, kinds, open_at, settings_at, stages, toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.mlflow import MlflowMirror
from promotion.canonical import canonical_json, digest
from promotion.errors import MirrorError, StoreError
from promotion.ledger.entries import FORMAT
from promotion.registry.register import Origin
from promotion.vocabulary import Stage, Tag

pytestmark = pytest.mark.integration

LATER = NOON + timedelta(days=1)


@pytest.fixture(scope="module")
def audited_folder(tmp_path_factory, trained_store, empty_mlflow):
    """`toy:weak`, then `toy:good` champion, `toy:noisy` rejected and `toy:twin` waiting; mirrored to a real MLflow.

    `toy:spoilt` is outside the store, in `spare`.
    """
    from mlflow import MlflowClient

    root = tmp_path_factory.mktemp("audited") / "here"
    shutil.copytree(trained_store, root / "bentoml")
    (root / "bentoml/models/toy/spoilt").rename(root / "spare")
    shutil.copy(empty_mlflow, root / "mlflow.db")
    synthetic_rows().to_csv(root / "rows.csv", index=False)
    uri = f"sqlite:///{root / 'mlflow.db'}"
    client = MlflowClient(uri, uri)
    experiment = client.create_experiment("toy", artifact_location=(root / "artifacts").as_uri())
    registry = open_at(settings_at(root), store=BentoStore(root / "bentoml"), mirror=MlflowMirror(uri))
    for version in ("weak", "good", "noisy", "twin"):
        registry.register(toy(version), Origin(run_id=client.create_run(experiment).info.run_id))
        registry.gate(toy(version))
    return root


@pytest.fixture
def audited(audited_folder, tmp_path):
    """A registry on that folder, a day later and at a new location, which the store knows."""
    shutil.copytree(audited_folder, tmp_path, dirs_exist_ok=True)
    mirror = MlflowMirror(f"sqlite:///{tmp_path / 'mlflow.db'}")
    store = BentoStore(tmp_path / "bentoml")
    registry = open_at(settings_at(tmp_path), store=store, mirror=mirror, clock=lambda: LATER)
    store.write_claim("toy", replace(store.claim("toy"), place=registry.parts.claims.place))
    return registry


@pytest.fixture
def mlflow(audited):
    """A client of its MLflow."""
    return audited.mirror._client


def sql(*statement):
    with closing(sqlite3.connect("ledger.db")) as connection, connection:
        return connection.execute(*statement).fetchall()


def edit_body(seq, **changes):
    ((body,),) = sql("select body from entries where seq = ?", (seq,))
    sql("update entries set body = ? where seq = ?", (canonical_json({**json.loads(body), **changes}), seq))


def seq_of(registry, kind, which=0):
    return [entry.seq for entry in registry.history("toy") if entry.kind == kind][which]


def label(registry, version, stage):
    path = registry.store.path(toy(version)) / "model.yaml"
    description = yaml.safe_load(path.read_text())
    description["labels"]["stage"] = stage
    path.write_text(yaml.safe_dump(description))


def rehash_from(registry, seq):
    """What someone with the source could do: make the chain fit again after a change."""
    prev_hash = None
    for entry in registry.history("toy")[seq - 1 :]:
        prev = prev_hash or entry.prev_hash
        prev_hash = digest([FORMAT, entry.model, entry.seq, entry.kind, entry.at, entry.actor, entry.body, prev])
        sql("update entries set prev_hash = ?, hash = ? where seq = ?", (prev, prev_hash, entry.seq))
    sql("update heads set hash = ?", (prev_hash,))


def bring_in_a_version(registry):
    """`toy:spoilt`, which nobody registered."""
    shutil.copytree("spare", registry.store.path(toy("spoilt")))


def cut_tail(length, *, mirrored=None):
    """What someone who may write to the ledger could do: take off its end and make the head fit."""
    sql("delete from entries where seq > ?", (length,))
    ((entry_hash,),) = sql("select hash from entries where seq = ?", (length,)) or (("",),)
    sql("update heads set seq = ?, hash = ?", (length, entry_hash))
    if mirrored is not None:
        sql("update heads set mirrored = ?", (mirrored,))


class Corruptions:
    """Each changes one thing behind the registry's back; the codes that the audit must then give."""

    def champions_label_edited(registry, mlflow):  # noqa: N805 - a namespace of plain functions
        label(registry, "good", "staging")
        return {"AUD010 toy:good"}

    def waiting_ones_label_edited(registry, mlflow):  # noqa: N805
        label(registry, "twin", "archived")
        return {"AUD011 toy:twin"}

    def second_prod_label(registry, mlflow):  # noqa: N805
        label(registry, "weak", "prod")
        return {"AUD011 toy:weak"}

    def unrecorded_version_labelled_prod(registry, mlflow):  # noqa: N805
        bring_in_a_version(registry)
        label(registry, "spoilt", "prod")
        return {"AUD012 toy:spoilt"}

    def version_that_nobody_registered(registry, mlflow):  # noqa: N805
        bring_in_a_version(registry)
        return {"AUD015 toy:spoilt"}

    def torn_folder(registry, mlflow):  # noqa: N805
        bring_in_a_version(registry)
        (registry.store.path(toy("spoilt")) / "model.yaml").unlink()
        return {"AUD013 toy:spoilt"}

    def empty_folder(registry, mlflow):  # noqa: N805
        registry.store.path(toy("spoilt")).mkdir()
        return {"AUD013 toy:spoilt"}

    def champion_copied_by_hand(registry, mlflow):  # noqa: N805
        shutil.copytree(registry.store.path(toy("good")), registry.store.path(toy("copy")))
        return {"AUD013 toy:copy"}

    def foreign_folder_beside_the_models(registry, mlflow):  # noqa: N805
        (registry.store.home / "models/.Trash-0").mkdir()
        return {f"AUD017 {registry.store.home}/models/.Trash-0"}

    def foreign_folder_beside_the_versions(registry, mlflow):  # noqa: N805
        (registry.store.home / "models/toy/Good_Old").mkdir()
        return {f"AUD017 {registry.store.home}/models/toy/Good_Old"}

    def champions_description_half_written(registry, mlflow):  # noqa: N805
        (registry.store.path(toy("good")) / "model.yaml").write_text("labels: {stage: pr")
        return {"AUD013 toy:good"}

    def champions_folder_deleted(registry, mlflow):  # noqa: N805
        shutil.rmtree(registry.store.path(toy("good")))
        return {"AUD014 toy:good"}

    def folder_of_the_one_before_deleted(registry, mlflow):  # noqa: N805
        shutil.rmtree(registry.store.path(toy("weak")))
        return {"AUD014 toy:weak"}

    def folder_of_one_that_waits_deleted(registry, mlflow):  # noqa: N805
        shutil.rmtree(registry.store.path(toy("twin")))
        return {"AUD014 toy:twin"}

    def deleted_version_brought_back(registry, mlflow):  # noqa: N805
        shutil.copytree(registry.store.path(toy("noisy")), "copy")
        registry.gc("toy", keep=0, registered_before=LATER, reason="old")
        registry.sync("toy")
        assert not registry.store.path(toy("noisy")).exists()
        shutil.copytree("copy", registry.store.path(toy("noisy")))
        return {"AUD016 toy:noisy"}

    def champions_files_deleted(registry, mlflow):  # noqa: N805
        (registry.store.path(toy("good")) / "saved_model.pkl").unlink()
        return {"AUD020 toy:good"}

    def file_replaced_by_a_link_to_the_same_bytes(registry, mlflow):  # noqa: N805
        path = registry.store.path(toy("good")) / "saved_model.pkl"
        path.symlink_to(path.rename("elsewhere.pkl").absolute())
        return {"AUD020 toy:good"}

    def pipe_added(registry, mlflow):  # noqa: N805
        os.mkfifo(registry.store.path(toy("good")) / "pipe")
        return {"AUD020 toy:good"}

    def model_byte_changed(registry, mlflow):  # noqa: N805
        path = registry.store.path(toy("good")) / "saved_model.pkl"
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        return {"AUD020 toy:good"}

    def file_added(registry, mlflow):  # noqa: N805
        (registry.store.path(toy("weak")) / "payload.py").write_text("import os")
        return {"AUD020 toy:weak"}

    def ledger_body_edited(registry, mlflow):  # noqa: N805
        seq = seq_of(registry, "transition_planned")
        edit_body(seq, reason="It was fine, really.")
        return {f"AUD001 entry {seq}"}

    def ledger_actor_edited(registry, mlflow):  # noqa: N805
        sql("update entries set actor = 'os:mallory' where seq = 2")
        return {"AUD001 entry 2"}

    def ledger_body_unreadable(registry, mlflow):  # noqa: N805
        sql("""update entries set body = '{"tag": NaN}' where seq = 2""")
        return {"AUD001 toy"}

    def ledger_entry_deleted(registry, mlflow):  # noqa: N805
        sql("delete from entries where seq = 3")
        return {"AUD001 entry 4"}

    def last_ledger_entry_deleted(registry, mlflow):  # noqa: N805
        last = registry.ledger.head("toy").seq
        sql("delete from entries where seq = ?", (last,))
        return {"AUD002 head"}

    def all_ledger_entries_deleted(registry, mlflow):  # noqa: N805
        sql("delete from entries")
        return {"AUD002 head"}

    def head_deleted(registry, mlflow):  # noqa: N805
        sql("delete from heads")
        return {"AUD002 head"}

    def head_names_another_champion(registry, mlflow):  # noqa: N805
        ((champion,),) = sql("select champion from heads")
        sql("update heads set champion = ?", (champion.replace("toy:good", "toy:weak"),))
        return {"AUD002 head"}

    def head_unreadable(registry, mlflow):  # noqa: N805
        sql("update heads set champion = '{}'")
        return {"AUD001 toy"}

    def decision_edited_and_the_chain_made_to_fit(registry, mlflow):  # noqa: N805
        seq = seq_of(registry, "decision", 2)
        decision = registry.history("toy")[seq - 1].body["decision"]
        edit_body(seq, decision={**decision, "verdict": "promote"})
        rehash_from(registry, seq)
        return {f"AUD003 entry {seq}"}

    def tail_cut_and_the_head_made_to_fit(registry, mlflow):  # noqa: N805
        last = registry.ledger.head("toy").seq
        cut_tail(last - 1, mirrored=last - 1)
        return {f"AUD035 entry {last}"}

    def tail_cut_and_its_transition_left_open(registry, mlflow):  # noqa: N805
        last = registry.ledger.head("toy").seq
        cut_tail(seq_of(registry, "transition_planned", 2), mirrored=0)
        return {f"AUD035 entry {last}", "AUD004 entry 11", "AUD015 toy:twin"}

    def ledger_emptied(registry, mlflow):  # noqa: N805
        last = registry.ledger.head("toy").seq
        sql("delete from entries")
        sql("delete from heads")
        return {f"AUD035 entry {last}", "AUD012 toy:good", "AUD080 toy"}

    def mark_moved_beyond_the_end(registry, mlflow):  # noqa: N805
        sql("update heads set mirrored = mirrored + 1")
        return {"AUD002 head"}

    def rewritten_from_the_middle_and_the_chain_made_to_fit(registry, mlflow):  # noqa: N805
        sql("update entries set actor = 'os:mallory' where seq = 2")
        rehash_from(registry, 2)
        return {f"AUD036 entry {registry.ledger.head('toy').seq}"}

    def ledger_of_the_model_deleted_in_the_store(registry, mlflow):  # noqa: N805
        (registry.store.home / "ledgers/toy.json").unlink()
        return {"AUD081 toy"}

    def mlflow_put_back_to_an_earlier_day(registry, mlflow):  # noqa: N805
        entry = registry.history("toy")[5]
        mlflow.set_registered_model_tag("toy", "promotion.head", f"{entry.seq}:{entry.hash}")
        return {"AUD033 mirror"}

    def head_removed_in_mlflow(registry, mlflow):  # noqa: N805
        mlflow.delete_registered_model_tag("toy", "promotion.head")
        return {"AUD037 mirror"}

    def mark_moved_back(registry, mlflow):  # noqa: N805
        mlflow.delete_registered_model_tag("toy", "promotion.head")
        sql("update heads set mirrored = 0")
        return {"AUD033 mirror"}

    def alias_moved(registry, mlflow):  # noqa: N805
        mlflow.set_registered_model_alias("toy", "champion", mlflow_number(mlflow, "toy:weak"))
        return {"AUD038 alias champion"}

    def alias_deleted(registry, mlflow):  # noqa: N805
        mlflow.delete_registered_model_alias("toy", "previous")
        return {"AUD038 alias previous"}

    def stage_tag_edited(registry, mlflow):  # noqa: N805
        mlflow.set_model_version_tag("toy", mlflow_number(mlflow, "toy:noisy"), "promotion.stage", "prod")
        return {"AUD031 toy:noisy"}

    def version_deleted_in_mlflow(registry, mlflow):  # noqa: N805
        mlflow.delete_model_version("toy", mlflow_number(mlflow, "toy:twin"))
        return {"AUD031 toy:twin", "AUD038 alias challenger"}

    def metric_rewritten(registry, mlflow):  # noqa: N805
        run_id = registry.state("toy").versions["toy:noisy"].registration.run_id
        mlflow.log_metric(run_id, "gate_roc_auc", 0.99, step=seq_of(registry, "decision", 2))
        return {"AUD032 gate_roc_auc of toy:noisy"}


CORRUPTIONS = {name: function for name, function in vars(Corruptions).items() if not name.startswith("_")}
MENDED = {
    "champions_label_edited",
    "waiting_ones_label_edited",
    "second_prod_label",
    "unrecorded_version_labelled_prod",
    "torn_folder",
    "empty_folder",
    "champion_copied_by_hand",
    "foreign_folder_beside_the_models",
    "foreign_folder_beside_the_versions",
    "ledger_of_the_model_deleted_in_the_store",
    "mlflow_put_back_to_an_earlier_day",
    "head_removed_in_mlflow",
    "alias_moved",
    "alias_deleted",
    "stage_tag_edited",
    "version_deleted_in_mlflow",
}


def mlflow_number(mlflow, tag):
    (version,) = (one for one in mlflow.search_model_versions("name='toy'") if one.tags["promotion.tag"] == tag)
    return version.version


def test_a_clean_registry_has_no_findings(audited):
    assert stages(audited) == {"weak": "archived", "good": "prod", "noisy": "rejected", "twin": "staging"}
    before = kinds(audited)
    assert audited.audit("toy") == ()
    assert audited.repair("toy").transition is None
    assert audited.audit("toy") == ()
    assert kinds(audited) == before
    assert audited.audit("unheard-of") == ()


@pytest.mark.slow
@pytest.mark.parametrize("corrupt", CORRUPTIONS.values(), ids=list(CORRUPTIONS))
def test_every_corruption_is_found_by_its_code_and_told_in_full(audited, mlflow, corrupt):
    expected = corrupt(audited, mlflow)
    findings = audited.audit("toy")

    assert {f"{one.code} {one.subject}" for one in findings} == expected
    for finding in findings:
        assert finding.expected
        assert finding.found
        assert finding.expected != finding.found
        assert finding.mend


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MENDED))
def test_repair_mends_labels_and_aliases_and_the_champion_stays(audited, mlflow, name):
    champion = audited.champion("toy")
    CORRUPTIONS[name](audited, mlflow)
    audited.repair("toy")

    assert audited.audit("toy") == ()
    assert audited.champion("toy") == champion
    assert [version for version, stage in stages(audited).items() if stage == "prod"] == ["good"]
    label_was_edited = "label" in name
    assert (audited.history("toy")[-2].body.get("cause") == "repair") == label_was_edited


def test_what_cannot_be_mended_stays_a_finding_and_nothing_is_recorded(audited, mlflow):
    CORRUPTIONS["metric_rewritten"](audited, mlflow)
    before = kinds(audited)
    audited.repair("toy")
    (finding,) = audited.audit("toy")
    assert finding.found == "0.99"
    assert finding.expected.endswith(f"as decided in entry {seq_of(audited, 'decision', 2)}")
    assert finding.mend.startswith("Trust the ledger; run ")
    assert kinds(audited) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CORRUPTIONS))
def test_the_command_that_a_finding_names_makes_it_go_away(audited, mlflow, name):
    CORRUPTIONS[name](audited, mlflow)
    found = audited.audit("toy")
    if "AUD080" in {one.code for one in found}:  # every command is refused until a person hands the model over
        found = ()
    for finding in found:
        named = re.search(r"`((promotion|bentoml models) \w+[^`]*)`", finding.mend)
        if named and finding.code not in {"AUD035", "AUD036"}:
            follow(named[1], audited)
            left = {(one.code, one.subject) for one in audited.audit("toy")}
            assert (finding.code, finding.subject) not in left


def follow(command, registry):
    """Do what the command says, by the method of its name."""
    tool, *words, what = command.split()
    match (tool, *words):
        case ("promotion", "repair"):
            registry.repair(what)
        case ("promotion",):
            registry.sync("toy")
        case ("promotion", "gate"):
            registry.gate(Tag.parse(what))
        case ("promotion", "adopt"):
            registry.adopt(Tag.parse(what), reason="it serves", assume_clean=True)
        case ("promotion", "rollback"):
            registry.rollback(what, reason="the files are gone")
        case ("bentoml", "models", "delete"):
            import bentoml

            with bentoml_at(registry.store.home):
                bentoml.models.delete(what)


@pytest.mark.parametrize(
    "name", ["tail_cut_and_the_head_made_to_fit", "rewritten_from_the_middle_and_the_chain_made_to_fit"]
)
def test_an_older_ledger_that_was_put_back_knowingly_is_accepted_by_removing_the_tag(audited, mlflow, name):
    CORRUPTIONS[name](audited, mlflow)
    assert not audited.sync("toy", everything=True) or name.startswith("tail")
    assert {one.code for one in audited.audit("toy")} & {"AUD035", "AUD036"}
    mlflow.delete_registered_model_tag("toy", "promotion.head")
    audited.repair("toy")
    assert audited.audit("toy") == ()


@pytest.mark.parametrize(
    ("name", "code"),
    [("tail_cut", "AUD035"), ("rewritten_from_the_middle_and_the_chain_made_to_fit", "AUD036")],
)
def test_a_copy_at_another_place_hides_nothing_of_what_was_cut_or_rewritten(audited, mlflow, name, code):
    claim = audited.store.claim("toy")
    audited.store.write_claim("toy", replace(claim, place="sqlite:////elsewhere/ledger.db"))
    if name == "tail_cut":
        cut_tail(claim.seq - 1, mirrored=claim.seq - 1)
    else:
        CORRUPTIONS[name](audited, mlflow)
    assert [one.code for one in audited.audit("toy")] == ["AUD080", code]


def test_a_cut_ledger_that_grows_again_does_not_overwrite_what_mlflow_knows(audited, mlflow):
    last, sent = audited.ledger.head("toy").seq, mlflow.get_registered_model("toy").tags["promotion.head"]
    cut_tail(last - 1, mirrored=last - 1)
    audited.promote(toy("weak"), reason="nobody will see", override=True)

    assert audited.ledger.head("toy").seq > last
    assert mlflow.get_registered_model("toy").tags["promotion.head"] == sent
    assert {f"{one.code} {one.subject}" for one in audited.audit("toy")} == {f"AUD036 entry {last}"}
    assert audited.notices[0].startswith(f"MLflow was sent another entry {last} of 'toy' than the ledger has")


def test_a_champion_whose_folder_is_gone_cannot_be_verified_and_says_so(audited):
    shutil.rmtree(audited.store.path(toy("good")))
    (finding,) = audited.audit("toy")
    assert (finding.expected, finding.found, finding.mend) == (
        "the version in prod",
        "no folder in the store",
        "Copy it there from another host's store or a backup, or bring back the champion before it: `promotion rollback toy`.",
    )


def test_a_store_that_cannot_be_read_is_one_finding(audited, monkeypatch):
    def unreadable(_):
        raise StoreError("The Bento store cannot be read at /store (Permission denied).")

    monkeypatch.setattr(audited.store, "versions", unreadable)
    (finding,) = audited.audit("toy")
    assert (finding.code, finding.found) == ("AUD018", "The Bento store cannot be read at /store (Permission denied).")


def test_a_change_that_is_made_during_the_audit_is_no_finding(audited, monkeypatch):
    head, changes = audited.mirror.head, [lambda: audited.promote(toy("weak"), reason="meanwhile", override=True)]

    def and_meanwhile(model):
        while changes:
            changes.pop()()
        return head(model)

    monkeypatch.setattr(audited.mirror, "head", and_meanwhile)
    assert audited.audit("toy") == ()
    assert audited.champion("toy").tag == toy("weak")


def test_a_mirror_that_is_away_is_a_warning(audited, monkeypatch):
    def away(_):
        raise MirrorError("MLflow at http://away did not answer.")

    monkeypatch.setattr(audited.mirror, "head", away)
    (finding,) = audited.audit("toy")
    assert (finding.code, finding.severity, finding.found) == (
        "AUD034",
        "warning",
        "MLflow at http://away did not answer.",
    )


def test_a_prod_label_without_any_champion_of_record_is_a_warning_before_and_after_registration(registry):
    registry.store.write_stage(toy("weak"), Stage.PROD)
    for _ in range(2):
        (finding,) = (one for one in registry.audit("toy") if one.code != "AUD015")
        assert (finding.code, finding.severity) == ("AUD012", "warning")
        assert finding.mend == "`promotion adopt toy:weak` makes it the champion of record."
        registry.register(toy("weak"))
