"""The mark of an audit: which decisions the next one does not make again, and when it makes all of them again."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from recipes import synthetic_rows
from situation import NOON, open_at, settings_at, toy

from promotion.adapters import checked
from promotion.adapters.bento import digest_cached
from promotion.adapters.memory import MemoryMirror
from promotion.audit import decisions
from promotion.canonical import canonical_json
from promotion.ledger.chain import Entry, chain
from promotion.ledger.entries import KINDS

pytestmark = pytest.mark.integration
MARK = "checked/toy.json"


@pytest.fixture
def audited(store, tmp_path):
    """A registry whose ledger, in SQLite, holds three decisions."""
    synthetic_rows().to_csv(tmp_path / "rows.csv", index=False)
    registry = open_at(
        settings_at(tmp_path),
        store=store,
        mirror=MemoryMirror(),
        clock=lambda: NOON + timedelta(days=1),
    )
    registry.parts.digest_cached = lambda full: digest_cached(store.home, tmp_path / "cache", full=full)
    for version in ("weak", "good", "noisy"):
        registry.gate(toy(version))
    return registry


@pytest.fixture
def cache(audited):
    return audited.parts.config.path(audited.parts.config.cache)


@pytest.fixture
def made(monkeypatch):
    """The entries whose decisions were made again."""
    seqs, make = [], decisions._check_again
    monkeypatch.setattr(decisions, "_check_again", lambda subject, *rest: seqs.append(subject) or make(subject, *rest))
    return seqs


def rewritten(folder, **changes):
    """Change the last decision of the ledger, and every hash after it so that the chain fits again."""
    with closing(sqlite3.connect(folder / "ledger.db")) as connection, connection:
        names = tuple(Entry.__dataclass_fields__)
        rows = [dict(zip(names, row, strict=True)) for row in connection.execute("select * from entries order by seq")]
        first = max(row["seq"] for row in rows if row["kind"] == "decision")
        last = next(SimpleHead(row["seq"], row["hash"]) for row in rows if row["seq"] == first - 1)
        for row in rows[first - 1 :]:
            body = json.loads(row["body"])
            if row["seq"] == first:
                body["decision"].update(changes)
                body["decision_digest"] = checked.hashlib.sha256(canonical_json(body["decision"]).encode()).hexdigest()
            value = Entry(**{**row, "body": body}).content()
            (entry,) = chain("toy", last, [value], at=NOON, actor=row["actor"])
            assert isinstance(value, KINDS[row["kind"]])
            connection.execute(
                "update entries set body = ?, at = ?, prev_hash = ?, hash = ? where seq = ?",
                (canonical_json(entry.body), entry.at, entry.prev_hash, entry.hash, entry.seq),
            )
            last = SimpleHead(entry.seq, entry.hash)
        connection.execute("update heads set hash = ?", (last.hash,))


class SimpleHead:
    def __init__(self, seq, digest):
        self.seq, self.hash = seq, digest


def codes(registry, **options):
    return {one.code.value for one in registry.audit("toy", **options)}


def test_decisions_are_made_again_once_and_then_only_new_ones_or_all_in_a_full_audit(audited, made):
    expected = codes(audited)
    assert len(made) == 3
    assert codes(audited) == expected
    assert len(made) == 3
    audited.gate(toy("twin"))
    assert codes(audited) == expected
    assert len(made) == 4
    assert codes(audited, full=True) == expected
    assert len(made) == 8


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: {**kept, "hash": "0" * 64},
        lambda kept: {**kept, "seq": kept["seq"] - 1},
        lambda kept: {**kept, "seq": kept["seq"] + 100},
        lambda kept: {**kept, "seq": "4"},
        lambda kept: {**kept, "by": "other code"},
        lambda _: [],
        lambda _: "no JSON",
    ],
)
def test_a_mark_that_is_damaged_or_of_other_code_is_none(audited, made, cache, damage):
    expected = codes(audited)
    kept = damage(json.loads((cache / MARK).read_text()))
    (cache / MARK).write_text(kept if isinstance(kept, str) else json.dumps(kept))
    made.clear()
    assert codes(audited) == expected
    assert len(made) == 3
    made.clear()
    assert codes(audited) == expected
    assert made == []


def test_a_decision_rewritten_with_its_chain_is_made_again(audited, tmp_path):
    assert not {code for code in codes(audited) if code.startswith("AUD05")}
    rewritten(tmp_path, alpha=0.4)
    assert "AUD053" in codes(audited)
    assert "AUD053" in codes(audited)  # a finding leaves no mark


def test_an_entry_before_the_mark_that_changes_is_found(audited, tmp_path):
    codes(audited)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("update entries set body = replace(body, 'reject', 'promote') where kind = 'decision'")
    assert codes(audited) == {"AUD001"}


def test_a_policy_with_somebodys_metric_leaves_no_mark(audited, cache, monkeypatch):
    monkeypatch.setattr("promotion.audit.decisions.is_built_in", lambda name: name != "roc_auc")
    decisions._is_ours.cache_clear()
    codes(audited)
    decisions._is_ours.cache_clear()
    assert not (cache / MARK).exists()
