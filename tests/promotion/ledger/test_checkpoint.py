"""A checkpoint gives the state that folding all entries gives, or is ignored."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import record_history
from situation import NOON

from promotion.adapters.memory import MemoryLedger, MemoryMirror, MemoryStore
from promotion.adapters.sql import SqlLedger
from promotion.audit.ledger_scan import LedgerScan
from promotion.canonical import canonical_json
from promotion.config import Config
from promotion.errors import LedgerError
from promotion.ledger.chain import chain
from promotion.ledger.checkpoint import _digest, checkpoint_of, condensed, state_of
from promotion.ledger.entries import FreshStart, Registration, Service
from promotion.ledger.folding import advance, fold
from promotion.registry import ledger_writer
from promotion.registry.holdout_uses import last_spent
from promotion.registry.registry import Registry

DECISIONS = 40


@pytest.fixture(scope="module")
def ledger():
    ledger = MemoryLedger()
    record_history(ledger, "toy", DECISIONS, rows=300)
    return ledger


def entries_of(ledger):
    return lambda **which: ledger.entries("toy", **which)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_checkpoint_and_the_entries_after_it_give_the_state_of_all_entries(ledger, data):
    entries = ledger.entries("toy")
    place = data.draw(st.integers(1, len(entries)))
    middle = data.draw(st.integers(place, len(entries)))
    state = state_of(checkpoint_of(fold("toy", entries[:place])), entries_of(ledger))
    state = condensed(advance(state, *entries[place:middle]), entries_of(ledger))
    state, whole = advance(state, *entries[middle:]), fold("toy", entries)
    assert state == whole
    assert list(state.versions) == list(whole.versions)
    assert list(state.trials) == list(whole.trials)
    assert checkpoint_of(state) == checkpoint_of(whole)
    assert last_spent(state) == last_spent(whole)


def registry_on(ledger):
    config = Config(models={})
    return Registry(config, store=MemoryStore(), ledger=ledger, mirror=MemoryMirror(), actor=lambda: "os:alice")


def signed(checkpoint, lines=None, **changes):
    """The checkpoint with values of its text replaced, and a digest that agrees, as an attacker would write it."""
    first, *rest = checkpoint.text.split("\n")
    text = "\n".join((canonical_json(json.loads(first) | changes), *(rest if lines is None else lines)))
    return replace(checkpoint, text=text, digest=_digest(text))


def values_of(checkpoint):
    return json.loads(checkpoint.text.partition("\n")[0])


def as_text(checkpoint, text):
    return replace(checkpoint, text=text, digest=_digest(text))


USELESS = {
    "altered": lambda one: replace(one, text=one.text.replace("staging", "archived")),
    "garbage": lambda one: as_text(one, "garbage"),
    "another value": lambda one: as_text(one, "[1, 2]"),
    "nothing": lambda one: as_text(one, "null"),
    "values missing": lambda one: as_text(one, canonical_json({"format": 2, "seq": one.seq, "hash": one.hash})),
    "an earlier format": lambda one: signed(one, format=1),
    "a later format": lambda one: signed(one, format=99),
    "of another place": lambda one: signed(one, seq=one.seq - 1),
    "fewer versions than tags": lambda one: signed(one, lines=one.text.split("\n")[1:-1]),
    "fewer stages than versions": lambda one: signed(one, stages=values_of(one)["stages"][:-1]),
    "a damaged rollback": lambda one: signed(one, rolled_back={"toy:a": {"seq": "often"}}),
    "an odd number of decisions": lambda one: signed(one, decisions=[1]),
    "beyond the end": lambda one: replace(signed(one, seq=10_000), seq=10_000),
    "before the start": lambda one: replace(signed(one, seq=0), seq=0),
    "of another chain": lambda one: replace(signed(one, hash="f" * 64), hash="f" * 64),
}


@pytest.fixture(params=["memory", "SQLite"])
def filled(request, ledger, tmp_path):
    """A ledger of each kind with the same entries, and the model `pet` with others."""
    made = MemoryLedger() if request.param == "memory" else SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}")
    made.append(ledger.entries("toy"), ledger.head("toy"))
    record_history(made, "pet", 3, rows=300)
    return made


@pytest.mark.parametrize("name", USELESS)
def test_a_checkpoint_that_is_not_of_these_entries_is_ignored_and_replaced(filled, name, monkeypatch):
    whole = fold("toy", filled.entries("toy"))
    filled.keep(USELESS[name](checkpoint_of(fold("toy", filled.entries("toy", limit=50)))))
    registry = registry_on(filled)
    assert registry.state("toy") == whole
    monkeypatch.setattr(ledger_writer, "is_due", lambda *_: True)
    registry.parts.writer.append(whole, FreshStart(reason="a change"))
    assert filled.checkpoint("toy") == checkpoint_of(whole)


def test_a_checkpoint_of_another_model_is_ignored(filled):
    other = checkpoint_of(fold("pet", filled.entries("pet")))
    filled.keep(replace(other, model="toy"))
    assert registry_on(filled).state("toy") == fold("toy", filled.entries("toy"))


def test_a_ledger_that_was_cut_is_read_as_it_is(filled):
    """A backup holds fewer entries than the checkpoint; one that went on differently holds others."""
    entries = filled.entries("toy")
    shorter = MemoryLedger()
    shorter.append(entries[:60], fold("toy", entries[:60]).head)
    shorter.keep(checkpoint_of(fold("toy", entries)))
    assert registry_on(shorter).state("toy") == fold("toy", entries[:60])

    state = fold("toy", entries[:60])
    others = tuple(chain("toy", state.head, [FreshStart(reason=str(n)) for n in range(80)], at=NOON, actor="os:bob"))
    shorter.append(others, advance(state, *others).head)
    assert registry_on(shorter).state("toy") == advance(state, *others)


def test_an_entry_that_differs_from_the_checkpoint_is_refused_when_it_is_read(filled):
    """Whoever rewrites an entry, with its own hash, is found out by the hash that the checkpoint names."""
    entries = list(filled.entries("toy"))
    whole = fold("toy", entries)
    tag = next(iter(whole.versions))
    (forged,) = chain("toy", None, [Registration(tag=tag, digest="e" * 64, stage=None)], at=NOON, actor="os:alice")
    rewritten = MemoryLedger()
    rewritten.append((forged, *entries[1:]), whole.head)
    rewritten.keep(checkpoint_of(whole))
    with pytest.raises(
        LedgerError,
        match=r"^Entry 1 of 'toy' is not the one that was written: the ledger was changed from outside\. "
        r"`promotion audit toy` shows where\. Restore it from a backup\.$",
    ):
        registry_on(rewritten).state("toy").versions[tag]


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "7", "null", '[[1],"2026",[1]]', '[[1],"2026",[1,"a"],null,null,[3]]', "bogus stage"]
)
def test_a_damaged_version_with_a_digest_that_agrees_is_a_sentence_when_it_is_read(filled, line):
    right = checkpoint_of(fold("toy", filled.entries("toy")))
    tag, *tags = values_of(right)["tags"]
    lines = right.text.split("\n")[1:]
    if line == "bogus stage":
        filled.keep(signed(right, stages=["bogus"] * (1 + len(tags))))
    else:
        filled.keep(signed(right, lines=[line, *lines[1:]]))
    with pytest.raises(
        LedgerError, match=r"^The checkpoint of 'toy' is damaged\. Run `promotion repair toy`, which replaces it\.$"
    ):
        registry_on(filled).state("toy").versions[tag]


@pytest.mark.parametrize(
    "name", ["champion", "line", "used", "decisions", "judged", "began", "lines", "stages", "waiting", "trials"]
)
def test_only_an_audit_finds_an_altered_checkpoint_with_a_digest_that_agrees_and_a_repair_replaces_it(filled, name):
    whole = fold("toy", filled.entries("toy"))
    right = checkpoint_of(whole)
    found, lines = values_of(right), right.text.split("\n")[1:]
    other = {
        "champion": {**found["champion"], "tag": "toy:mallory"},
        "used": 7.0,
        "judged": found["tags"][0],
        "stages": found["stages"][::-1],
        "waiting": found["tags"],
        "lines": lines[::-1],
        "decisions": found["decisions"][:-2],
        "trials": found["trials"][:-2],
    }
    filled.keep(signed(right, **{name: other[name] if name in other else found[name][:-1]}))
    registry = registry_on(filled)
    scan = LedgerScan("toy", None, NOON, None, filled.checkpoint("toy"))
    scan.take(filled.entries("toy"))
    assert "AUD009" in {one.code.value for one in scan.findings()}

    registry.parts.writer.replace_checkpoint("toy")
    assert filled.checkpoint("toy") == right
    assert registry.state("toy") == whole


def test_a_database_that_takes_no_checkpoint_is_read_without_one(ledger, tmp_path):
    """For example a ledger of the present release, which has no table for them, opened by somebody who only reads."""
    path = tmp_path / "ledger.db"
    SqlLedger(f"sqlite:///{path}").append(ledger.entries("toy"), ledger.head("toy"))
    readonly = SqlLedger(f"sqlite:///file:{path}?mode=ro&uri=true")
    whole = fold("toy", ledger.entries("toy"))
    readonly.keep(checkpoint_of(whole))
    assert readonly.checkpoint("toy") is None
    assert registry_on(readonly).state("toy") == whole


def test_who_served_before_survives_a_checkpoint_and_earlier_checkpoints_have_no_such_key(ledger):
    assert "stated" not in json.loads(checkpoint_of(fold("toy", ledger.entries("toy"))).text.partition("\n")[0])
    registry = registry_on(ledger)
    tag = next(iter(registry.state("toy").versions))
    stated = Service(tag=tag, since="2026-05-01T00:00:00+00:00", until="2026-06-01T00:00:00+00:00", reason="told")
    registry.parts.writer.append(registry.state("toy"), stated)
    whole = fold("toy", ledger.entries("toy"))
    assert [one.tag for one in whole.stated] == [tag]
    assert state_of(checkpoint_of(whole), entries_of(ledger)) == whole
