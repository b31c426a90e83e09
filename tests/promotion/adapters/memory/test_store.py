"""A registry on a user's own store: in memory, without maintenance."""

from dataclasses import replace

import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import stages, toy

import promotion
from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MODEL, MemoryMirror, MemoryStore
from promotion.errors import DigestMismatch, Refused, StoreError
from promotion.findings import Code
from promotion.interfaces import Claim, StoreMaintenance, call
from promotion.registry.repair import plan_repair
from promotion.report.repair import repair_page
from promotion.rows import fingerprints
from promotion.vocabulary import Stage, Verdict

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def filled():
    """The versions of `trained_store`, in memory."""
    store, rows = MemoryStore(), synthetic_rows()
    for name in ("weak", "good", "noisy", "spoilt", "twin"):
        recipe = ToyRecipe(skill="good" if name == "twin" else name)
        training = recipe.split(rows).training
        trained, keys = recipe.train(training, step=call), fingerprints(training["id"])
        store.save(f"toy:{name}", trained, metadata={"version": name}, training_rows=keys)
    return store.kept


@pytest.fixture
def store(filled):
    """Replaces the Bento store of other tests; `registry` and similar fixtures use it."""
    store = MemoryStore()
    store.kept = dict(filled)
    return store


def spoil(store, version, **changes):
    """Change a version as somebody else would."""
    store.kept[toy(version)] = replace(store.kept[toy(version)], **changes)


def label(store, version, stage):
    spoil(store, version, labels={"stage": stage})


def found(registry):
    return {finding.code: finding for finding in registry.audit("toy") if finding.code is not Code.UNRECORDED}


def test_a_model_lives_there_from_registration_to_deletion(registry_after_three_champions):
    registry = registry_after_three_champions
    assert registry.gate(toy("noisy")).verdict is Verdict.REJECT
    assert registry.gate(toy("spoilt")).verdict is Verdict.REJECT
    assert registry.rollback("toy", reason="complaints").champion == "toy:good"
    assert "toy:twin" in registry.promote(toy("twin"), reason="it was not that", override=True).champion
    assert stages(registry) == {
        "weak": "archived",
        "good": "archived",
        "noisy": "rejected",
        "spoilt": "rejected",
        "twin": "prod",
    }
    champion = registry.champion("toy")
    assert champion.digest == registry.store.digests(toy("twin")).whole
    assert champion.path == registry.store.path(toy("twin"))
    assert found(registry) == {}

    plan = registry.gc("toy", keep=1, reason="full")
    assert plan.deletions == ("toy:noisy",)
    assert "noisy" not in stages(registry)
    with pytest.raises(Refused, match=r"^toy:noisy was deleted at "):
        registry.gate(toy("noisy"))
    assert found(registry) == {}


def test_a_rollback_keeps_out_the_same_files_under_another_name(registry_with_champion):
    registry = registry_with_champion
    registry.gate(toy("good"))
    registry.rollback("toy", reason="complaints")
    assert "toy:twin has the very same files." in registry.gate(toy("twin")).summary


def test_changed_files_do_not_serve(registry_with_champion, store):
    registry = registry_with_champion
    registry.register(toy("good"))
    spoil(store, "good", files={**store.kept[toy("good")].files, MODEL: store.kept[toy("spoilt")].files[MODEL]})
    with pytest.raises(DigestMismatch, match=r"^The files of toy:good are not the ones that were registered"):
        registry.promote(toy("good"), reason="hurry", override=True)
    assert registry.champion("toy").tag == toy("weak")
    assert set(found(registry)) == {Code.FILES}


def test_a_repair_writes_labels_and_says_that_it_clears_nothing(registry_with_champion, store):
    registry = registry_with_champion
    assert not isinstance(store, StoreMaintenance)
    label(store, "weak", "archived")
    label(store, "good", "prod")
    assert {Code.CHAMPION_LABEL, Code.FOREIGN_PROD} <= set(found(registry))
    registry.notices.clear()

    registry.repair("toy")
    assert (store.get(toy("weak")).stage, store.get(toy("good")).stage) == ("prod", "staging")
    assert registry.notices == ["The memory store does no maintenance, so a repair moves or deletes nothing in it."]
    assert found(registry) == {}


def test_an_audit_names_a_torn_version_and_what_is_said_of_it(registry_with_champion, store):
    files = {name: content for name, content in store.kept[toy("weak")].files.items() if name != MODEL}
    spoil(store, "weak", files=files)
    finding = found(registry_with_champion)[Code.TORN]
    assert (finding.subject, finding.found) == (
        "toy:weak",
        "toy:weak has no model.pkl. Delete it, and save the model again.",
    )
    assert finding.mend == "Follow that advice, then run the audit again."
    registry_with_champion.repair("toy")
    assert toy("weak") in store.kept


def test_sentences_name_the_store_and_its_own_way_to_delete(registry_with_champion, store):
    registry = registry_with_champion
    audited = {finding.subject: finding.mend for finding in registry.audit("toy")}
    assert audited["toy:twin"] == (
        "`promotion gate toy:twin` registers and judges it; "
        "`registry.store.delete(promotion.Tag.parse('toy:twin'))` removes it."
    )
    (page,) = repair_page([replace(plan_repair(registry.parts, "toy"), claims=True)], store.name).summary
    assert page == "toy: the memory store names no ledger for it, and will name this one;"

    del store.kept[toy("weak")]
    with pytest.raises(
        StoreError, match=r"^The champion toy:weak cannot be used\. Its folder is not in the memory store\."
    ):
        registry.gate(toy("good"))
    with pytest.raises(Refused, match=r"its files are no longer in the memory store\. Restore memory/toy/weak from a"):
        registry.parts.stored(toy("weak"))

    theirs = Claim(
        ledger=64 * "a", place="elsewhere", seq=1, hash=64 * "b", since="2026-11-22T12:00+00:00", by="os:bob"
    )
    store.write_claim("toy", theirs)
    with pytest.raises(Refused, match=r"^'toy' in the memory store belongs to the ledger at elsewhere "):
        registry.gate(toy("good"))


def test_a_champion_of_another_ledger_is_kept_by_a_copy_into_this_store(opened):
    mirror = MemoryMirror()
    mirror.shown["toy"] = {"champion": "toy/2"}
    with pytest.raises(Refused, match=r"- Keep it: copy it into the memory store with the label stage: prod, then run"):
        opened(mirror=mirror).gate(toy("good"))


def test_open_takes_the_store_in_place_of_the_configured_one(settings_of_toy, store, tmp_path):
    registry = promotion.open(settings_of_toy, store=store)
    assert registry.gate(toy("good")).verdict is Verdict.PROMOTE
    assert store.get(toy("good")).known_stage is Stage.PROD
    assert registry.audit("toy", full=True) == registry.audit("toy")
    assert not (tmp_path / "bentoml").exists()
    assert isinstance(promotion.open(settings_of_toy).store, BentoStore)
