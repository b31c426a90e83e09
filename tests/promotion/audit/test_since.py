"""An audit since a time reads the entries from then on, and finds in them what an audit of all entries finds."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import record_history
from situation import NOON

from promotion.adapters.audits import last_audit, remember
from promotion.adapters.keys import PublicKeys, Signer, write_new_key
from promotion.adapters.memory import MemoryLedger, MemoryMirror, MemoryStore
from promotion.audit.audit import AuditContext, audit_model
from promotion.findings import Code, finding
from promotion.ledger.chain import chain
from promotion.ledger.checkpoint import checkpoint_of
from promotion.ledger.entries import Move, TransitionApplied, TransitionPlanned
from promotion.ledger.folding import fold
from promotion.vocabulary import Stage

DECISIONS = 40


class Counting(MemoryLedger):
    """Counts the entries that are read."""

    read = 0

    def entries(self, model, **which):
        found = super().entries(model, **which)
        self.read += len(found)
        return found


class Recorded(tuple):
    """The entries, without their text in Hypothesis' reports."""

    __slots__ = ()

    def __repr__(self):
        return f"{len(self)} entries"


@pytest.fixture(scope="module")
def recorded():
    ledger = MemoryLedger()
    record_history(ledger, "toy", DECISIONS, rows=300)
    return Recorded(ledger.entries("toy"))


def ledger_of(entries, checkpointed=None):
    made = Counting()
    made.append(tuple(entries), fold("toy", entries).head)
    if checkpointed:
        made.keep(checkpoint_of(fold("toy", entries[:checkpointed])))
    return made


def replace_entries(ledger, entries):
    ledger._records = {"toy": ledger._records["toy"]._replace(entries=tuple(entries))}


def audited(ledger, since=None, root=None, keys=None):
    context = AuditContext(root=root)
    now = NOON + timedelta(days=1)
    mirror = MemoryMirror()
    return audit_model("toy", ledger, MemoryStore(), mirror, keys=keys, now=now, since=since, context=context)


def at(entries, seq):
    return datetime.fromisoformat(entries[seq - 1].at)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_with_a_checkpoint_anywhere_it_finds_what_it_finds_without_one(recorded, tmp_path, data):
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data/train.csv").write_text("a,b\n")
    place = data.draw(st.integers(1, len(recorded)), "checkpoint")
    since = at(recorded, data.draw(st.integers(2, len(recorded)), "since"))
    whole = audited(ledger_of(recorded), since, tmp_path)
    assert audited(ledger_of(recorded, place), since, tmp_path) == whole


def test_it_may_begin_after_any_entry(recorded, tmp_path):
    """Also between two that belong together, such as an override and its transition."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.csv").write_text("a,b\n")
    for seq in range(2, len(recorded) + 1):
        since = at(recorded, seq)
        found = audited(ledger_of(recorded, seq - 1), since, tmp_path)
        assert found == audited(ledger_of(recorded), since, tmp_path), seq


def test_it_reads_no_earlier_entries_but_those_of_the_versions_concerned(recorded):
    ledger = ledger_of(recorded, len(recorded) - 12)
    audited(ledger, at(recorded, len(recorded) - 5))
    assert ledger.read < 60 < len(recorded)
    ledger.read = 0
    audited(ledger)
    assert ledger.read >= len(recorded)


@pytest.mark.parametrize("checkpointed", [50, 91])
def test_a_changed_entry_is_found_from_that_time_on_and_by_a_plain_audit(recorded, checkpointed):
    since, number = at(recorded, 88), len(recorded)
    for seq, found in ((40, False), (89, True), (number, True)):
        changed = tuple(replace(one, actor="os:mallory") if one.seq == seq else one for one in recorded)
        ledger = ledger_of(recorded, checkpointed)
        replace_entries(ledger, changed)
        assert ("AUD001" in {one.code for one in audited(ledger, since)}) is found, seq
        assert {one.code for one in audited(ledger)} == {"AUD001"}


def test_a_removed_entry_is_found(recorded):
    ledger = ledger_of(recorded, 50)
    replace_entries(ledger, [one for one in recorded if one.seq != 90])
    assert {one.code for one in audited(ledger, at(recorded, 88))} == {"AUD001"}


@pytest.mark.parametrize("named", ["decisions", "began"])
def test_a_checkpoint_that_lacks_what_its_entries_record_is_found(recorded, named):
    whole = fold("toy", recorded)
    ledger = ledger_of(recorded)
    ledger.keep(checkpoint_of(replace(whole, **{named: getattr(whole, named)[:-1]})))
    last = whole.decisions[-1][0] if named == "decisions" else whole.began[-1].seq
    found = {one.code: one.found for one in audited(ledger, at(recorded, last))}
    assert found["AUD009"] == "a different one"
    assert "AUD009" in {one.code for one in audited(ledger)}


def test_with_a_damaged_checkpoint_everything_is_checked(recorded):
    ledger = ledger_of(recorded)
    ledger.keep(replace(checkpoint_of(fold("toy", recorded)), text="damaged"))
    replace_entries(ledger, [replace(recorded[0], actor="os:mallory"), *recorded[1:]])
    assert {one.code for one in audited(ledger, at(recorded, len(recorded)))} == {"AUD001"}


def test_a_version_judged_earlier_and_promoted_later_against_its_verdict_is_found(recorded):
    state = fold("toy", recorded)
    rejected = state.in_stage(Stage.REJECTED)[0]
    moves = (
        Move(tag=rejected, before=Stage.REJECTED, after=Stage.PROD),
        Move(tag=state.champion.tag, before=Stage.PROD, after=Stage.ARCHIVED),
    )
    decided = state.versions[rejected].decision.digest
    plan = TransitionPlanned(cause="promotion", moves=moves, champion=rejected, reason="r", decision=decided)
    bodies = [plan, TransitionApplied(planned=state.seq + 1)]
    entries = (*recorded, *chain("toy", state.head, bodies, at=NOON, actor="os:mallory"))
    for checkpointed in (50, len(recorded), len(entries)):
        found = {one.code: one for one in audited(ledger_of(entries, checkpointed), NOON)}
        assert found["AUD050"].found == f"decision {decided[:12]} with the verdict reject"


def test_an_unsigned_entry_after_a_signed_one_is_found(recorded, tmp_path):
    public = write_new_key(tmp_path / "key")
    keys = PublicKeys({"ci": public})
    signer = Signer(str(tmp_path / "key"), tmp_path, public_keys=keys, notice=lambda _: None)
    signed = [replace(one, signature=signer(one.hash)) for one in recorded]
    number = len(recorded)
    ledger = ledger_of((*signed[:-1], recorded[-1]), number - 2)
    assert "AUD007" in {one.code for one in audited(ledger, at(recorded, number), keys=keys)}
    assert not {"AUD005", "AUD006", "AUD007", "AUD008"} & {
        one.code for one in audited(ledger_of(signed, number - 2), at(recorded, number), keys=keys)
    }
    (unsigned,) = [
        one for one in audited(ledger_of(recorded, number - 2), at(recorded, number), keys=keys) if one.code == "AUD008"
    ]
    assert unsigned.found == f"no signature from entry {number - 2} on"


def test_it_does_not_replace_the_findings_of_a_plain_audit(tmp_path):
    torn = [finding(Code.TORN, "toy:a", "a complete version", "half of one", "Run repair.")]
    remember(tmp_path, "toy", torn, NOON)
    remember(tmp_path, "toy", [], NOON + timedelta(days=1), since=NOON)
    assert last_audit(tmp_path, "toy").findings == 1
    changed = [finding(Code.FILES, "toy:b", "the registered files", "others", "Restore them.")]
    remember(tmp_path, "toy", [*torn, *changed], NOON + timedelta(days=1), since=NOON)
    both = last_audit(tmp_path, "toy")
    assert (both.findings, both.unusable, both.since) == (2, ("toy:a", "toy:b"), None), "and status proposes neither"
    remember(tmp_path, "toy", [], NOON + timedelta(days=1), since=NOON)
    assert last_audit(tmp_path, "toy") == both
    remember(tmp_path, "toy", [], NOON + timedelta(days=2))
    assert last_audit(tmp_path, "toy").findings == 0
    remember(tmp_path, "toy", torn, NOON + timedelta(days=3), since=NOON)
    remember(tmp_path, "toy", [], NOON + timedelta(days=4), since=NOON + timedelta(days=1))
    assert last_audit(tmp_path, "toy").findings == 0
