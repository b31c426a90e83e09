"""Every kind of change by somebody who can write to the ledger's database; the audit must detect each.

Rows are changed as stored in SQLite, and read as the adapter reads them.
"""

import itertools
import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from recipes import synthetic_rows
from situation import NOON, POLICY, names_of, open_at, settings_at, toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.keys import PublicKeys, Signer, write_new_key
from promotion.adapters.memory import MemoryMirror
from promotion.adapters.mlflow import MlflowMirror
from promotion.adapters.sql import SqlLedger
from promotion.adapters.sql.tables import entry_of, head_of
from promotion.audit.audit import audit_model
from promotion.cli import run
from promotion.errors import LedgerError
from promotion.ledger.chain import Entry, chain
from promotion.ledger.entries import (
    Adoption,
    Approval,
    Move,
    Override,
    Registration,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.ledger.folding import advance, fold
from promotion.registry.mirror_state import mirror_state
from promotion.vocabulary import Stage

LATER = NOON + timedelta(days=1)
COLUMNS = tuple(Entry.__dataclass_fields__)
LEDGER = {"AUD001", "AUD002", "AUD003", "AUD005", "AUD006", "AUD007", "AUD008", "AUD035", "AUD036"}


@dataclass(frozen=True)
class Rows:
    """What lies in SQLite: rows of `entries` and of `heads`, as dicts."""

    entries: tuple
    heads: tuple

    def of(self, model):
        return [row for row in self.entries if row["model"] == model]

    def with_entry(self, row, **changes):
        changed = tuple({**one, **changes} if one is row else one for one in self.entries)
        return replace(self, entries=changed)

    def with_head(self, of, /, **changes):
        heads = tuple({**one, **changes} if one["model"] == of else one for one in self.heads)
        return replace(self, heads=heads)


READ = {}
"""Entries of rows that nobody changed, by the rows' ids: read once, since most of a ledger stays as it is."""


class RawLedger:
    """A `LedgerStore` on rows, which selects and orders as the SQL does."""

    place = "rows"

    def __init__(self, rows):
        self._rows = rows

    def entries(self, model, *, after=0, limit=None):
        ours = sorted((row for row in self._rows.of(model) if row["seq"] > after), key=lambda row: row["seq"])
        return tuple(READ.get(id(row)) or entry_of(as_row(row)) for row in ours[:limit])

    def head(self, model):
        found = [
            head_of(model, (row["seq"], row["hash"], row["champion"]))
            for row in self._rows.heads
            if row["model"] == model
        ]
        return found[0] if found else None

    def checkpoint(self, model):
        return None

    def mirrored(self, model):
        return next((row["mirrored"] for row in self._rows.heads if row["model"] == model), 0)


def as_row(row):
    return tuple(row[name] for name in COLUMNS)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """The private key's file, and the keyring with its public half."""
    folder = tmp_path_factory.mktemp("keys")
    public = write_new_key(folder / "ci.pem")
    return SimpleNamespace(
        file=folder / "ci.pem",
        public=public,
        sign=Signer("ci.pem", folder, public_keys=None, notice=print),
        ring=PublicKeys({"ci": public}),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory, trained_store, keys):
    """A ledger with every kind of entry of `toy`, the first four unsigned, and a second model, `pet`."""
    root = tmp_path_factory.mktemp("tampering") / "here"
    shutil.copytree(trained_store, root / "bentoml")
    synthetic_rows().to_csv(root / "rows.csv", index=False)
    registry = open_at(settings_at(root), store=BentoStore(root / "bentoml"), mirror=MemoryMirror())
    registry.register(toy("weak"))
    decision = registry.gate(toy("weak"))
    ledger = registry.ledger
    record(ledger, "toy", later_bodies(decision.digest), sign=keys.sign)
    moves = (Move(tag="pet:a", before=None, after=Stage.PROD),)
    adopted = TransitionPlanned(cause="adoption", moves=moves, champion="pet:a", reason="it serves")
    pet = Registration(tag="pet:a", digest="a" * 64, stage=None, version="Zoë's", options={"rate": 1e-05})
    record(ledger, "pet", [pet, adopted, TransitionApplied(planned=2)], sign=keys.sign)
    return root


def later_bodies(decision):
    """What a person did to `toy` after its first promotion, one of each kind."""
    up, down = (
        Move(tag="toy:good", before=None, after=Stage.PROD),
        Move(tag="toy:weak", before=None, after=Stage.ARCHIVED),
    )
    return [
        Registration(tag="toy:good", digest="b" * 64, stage=Stage.STAGING, training_rows=1200),
        Approval(tag="toy:weak", decision=decision, approved=True, reason="seen"),
        Adoption(tag="toy:good", reason="trained elsewhere", trained_before=0.1 + 0.2),
        Override(tag="toy:good", reason="the weak one fails", verdict=None),
        TransitionPlanned(cause="promotion", moves=(up, down), champion="toy:good", reason="the weak one fails"),
        TransitionApplied(planned=9),
    ]


def record(ledger, model, bodies, *, sign):
    state = fold(model, ledger.entries(model))
    entries = tuple(chain(model, state.head, bodies, at=NOON + timedelta(hours=1), actor="os:bob", sign=sign))
    ledger.append(entries, advance(state, *entries).head)
    ledger.mark_mirrored(model, entries[-1].seq)


@pytest.fixture(scope="module")
def rows(folder):
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        connection.row_factory = sqlite3.Row
        tables = (connection.execute(f"select * from {name} order by model") for name in ("entries", "heads"))
        rows = Rows(*(tuple(map(dict, table)) for table in tables))
    READ.update({id(row): entry_of(as_row(row)) for row in rows.entries})
    yield rows
    READ.clear()


def path_of(tag):
    return Path(str(tag))


@pytest.fixture(scope="module")
def mirror(rows):
    """MLflow, up to date with the unchanged ledger."""
    mirror = MemoryMirror()
    for model in ("toy", "pet"):
        entries = RawLedger(rows).entries(model)
        mirror.push(mirror_state(fold(model, entries), entries, path_of, names_of(model, entries)))
    return mirror


@pytest.fixture(scope="module")
def found(mirror, keys, tmp_path_factory):
    """Returns codes of the findings on the ledger itself, for one model or both."""
    store = BentoStore(tmp_path_factory.mktemp("empty"))

    def audit(rows, *models, mirror=mirror, keys=keys.ring):
        findings = (
            finding
            for model in models or ("toy", "pet")
            for finding in audit_model(model, RawLedger(rows), store, mirror, keys=keys, now=LATER)
        )
        return {finding.code for finding in findings} & LEDGER

    return audit


def relinked(rows, model, *, sign=None):
    """The rows with hashes that fit again, as anyone with the source can make them; signed where they have a key."""
    entries, prev_hash = [], "0" * 64
    for seq, row in enumerate(sorted(rows.of(model), key=lambda row: row["seq"]), start=1):
        entry = replace(entry_of(as_row(row)), seq=seq, prev_hash=prev_hash, signature=None)
        prev_hash = entry.expected_hash()
        signature = sign(prev_hash) if sign else None
        entries.append({**row, "seq": seq, "prev_hash": entry.prev_hash, "hash": prev_hash, "signature": signature})
    others = tuple(row for row in rows.entries if row["model"] != model)
    return with_fitting_head(replace(rows, entries=(*others, *entries)), model)


def with_fitting_head(rows, model):
    """The rows with a head, and a mark of the mirror, that fit the entries."""
    entries = RawLedger(rows).entries(model)
    if not entries:
        return replace(rows, heads=tuple(row for row in rows.heads if row["model"] != model))
    head = fold(model, entries).head
    champion = json.dumps(asdict(head.champion)) if head.champion else None
    return rows.with_head(model, seq=head.seq, hash=head.hash, champion=champion, mirrored=head.seq)


def cut(rows, model, length):
    """The rows without the end of a model's ledger, head and mark made to fit."""
    kept = tuple(row for row in rows.entries if row["model"] != model or row["seq"] <= length)
    return with_fitting_head(replace(rows, entries=kept), model)


def test_the_ledger_as_it_was_written_is_clean_and_holds_every_kind(rows, found):
    assert found(rows) == set()
    assert Counter(row["kind"] for row in rows.of("toy")).keys() == {
        "registration",
        "decision",
        "approval",
        "adoption",
        "override",
        "transition_planned",
        "transition_applied",
    }
    assert [row["signature"] is not None for row in rows.of("toy")] == 4 * [False] + 6 * [True]


class TestEntries:
    @pytest.mark.slow
    def test_every_change_of_a_single_byte_of_every_column_is_found(self, rows, found):
        tried = 0
        for row in rows.entries:
            for column, value in row.items():
                for changed in changes(value, thorough=row["model"] == "pet"):
                    assert found(rows.with_entry(row, **{column: changed}), row["model"]), (row["seq"], column, changed)
                    tried += 1
        assert tried > 12_000

    def test_every_removal_is_found(self, rows, found):
        for row in rows.entries:
            left = replace(rows, entries=tuple(one for one in rows.entries if one is not row))
            assert found(left, row["model"])

    def test_every_swap_of_two_entries_is_found(self, rows, found):
        for one, other in itertools.combinations(rows.of("toy"), 2):
            swapped = rows.with_entry(one, seq=other["seq"]).with_entry(other, seq=one["seq"])
            assert "AUD001" in found(swapped, "toy")

    def test_every_doubled_entry_is_found(self, rows, found):
        for row in rows.entries:
            for seq in (row["seq"], row["seq"] + 1, len(rows.of(row["model"])) + 1):
                doubled = replace(rows, entries=(*rows.entries, {**row, "seq": seq}))
                assert "AUD001" in found(doubled, row["model"])

    def test_a_time_that_is_none_is_found_where_all_hashes_fit(self, rows, found):
        for at in ("yesterday", "2026-11-22T12:00:00", ""):
            row = rows.of("toy")[9]
            assert found(relinked(rows.with_entry(row, at=at), "toy"), "toy", keys=None) == {"AUD001"}

    def test_an_entry_moved_to_the_other_model_is_found_in_both(self, rows, found):
        last = rows.of("toy")[-1]
        moved = rows.with_entry(last, model="pet", seq=4)
        assert found(moved, "toy") == {"AUD002"}
        assert "AUD001" in found(moved, "pet")

    def test_a_value_of_another_type_is_found(self, rows, found):
        row = rows.of("toy")[5]
        for column, value in {
            "at": 7,
            "actor": None,
            "actor ": b"os:bob",
            "body": b"{}",
            "hash": None,
            "seq": 6.5,
        }.items():
            assert found(rows.with_entry(row, **{column.strip(): value}), "toy")


class TestHead:
    @pytest.mark.slow
    def test_every_change_of_a_single_byte_is_found(self, rows, found, mirror, keys):
        for head in rows.heads:
            for column, value in head.items():
                for changed in changes(value, thorough=True):
                    if column == "mirrored" and changed < value:
                        continue
                    assert found(rows.with_head(head["model"], **{column: changed}), head["model"]), (column, changed)

    def test_a_mark_that_says_less_was_sent_is_told_and_only_makes_it_sent_again(self, rows, mirror, tmp_path):
        lower = RawLedger(rows.with_head("toy", mirrored=3))
        findings = audit_model("toy", lower, BentoStore(tmp_path), mirror, keys=None, now=LATER)
        (told,) = (finding for finding in findings if finding.code == "AUD033")
        assert (told.found, told.mend) == (
            "entry 10 in MLflow, and entry 3 marked as sent in the ledger",
            "Run `promotion sync`.",
        )


class TestCutTail:
    def test_every_length_is_found_by_what_mlflow_knows(self, rows, found):
        for model in ("toy", "pet"):
            for length in range(len(rows.of(model))):
                assert "AUD035" in found(cut(rows, model, length), model, keys=None)

    def test_signatures_and_chain_do_not_see_it_where_mlflow_was_cut_as_well(self, rows, found):
        shorter, other = cut(rows, "toy", 7), MemoryMirror()
        entries = RawLedger(shorter).entries("toy")
        other.push(mirror_state(fold("toy", entries), entries, path_of, names_of("toy", entries)))
        assert found(shorter, "toy", mirror=other) == set()

    def test_a_tail_that_was_replaced_is_found_even_where_mlflow_is_new(self, rows, found, keys):
        last = rows.of("toy")[-2]
        changed = relinked(rows.with_entry(last, actor="os:alice"), "toy")
        assert found(changed, "toy", keys=None) == {"AUD036"}
        assert found(changed, "toy", mirror=MemoryMirror()) == {"AUD008"}


class TestSignatures:
    def test_every_run_taken_off_the_end_is_found(self, rows, found):
        for first in range(5, 11):
            stripped = rows
            for row in rows.of("toy")[first - 1 :]:
                stripped = stripped.with_entry(row, signature=None)
            assert found(stripped, "toy") == {"AUD008" if first == 5 else "AUD007"}

    def test_one_taken_out_is_found_and_the_first_is_vouched_for_by_the_next(self, rows, found):
        for row in rows.of("toy")[4:]:
            expected = set() if row["seq"] == 5 else {"AUD007"}
            assert found(rows.with_entry(row, signature=None), "toy") == expected

    def test_a_ledger_rebuilt_without_the_key_is_found_without_mlflow(self, rows, found, keys, tmp_path):
        assert found(relinked(rows, "toy"), "toy", mirror=MemoryMirror()) == {"AUD008"}
        write_new_key(tmp_path / "mallory.pem")
        mallory = Signer("mallory.pem", tmp_path, public_keys=None, notice=print)
        assert found(relinked(rows, "toy", sign=mallory), "toy", mirror=MemoryMirror()) == {"AUD006"}

    def test_an_entry_added_without_the_key_is_found(self, rows, found):
        last = rows.of("toy")[-1]
        head = SimpleNamespace(seq=last["seq"], hash=last["hash"])
        (forged,) = chain("toy", head, [TransitionApplied(planned=9)], at=LATER, actor="os:bob")
        row = {**asdict(forged), "body": json.dumps(forged.body, separators=(",", ":"))}
        added = with_fitting_head(replace(rows, entries=(*rows.entries, row)), "toy")
        assert found(added, "toy") == {"AUD007"}
        assert found(added, "toy", keys=None) == set()

    def test_signatures_of_one_entry_on_another_are_found(self, rows, found):
        five, six = rows.of("toy")[4:6]
        swapped = rows.with_entry(five, signature=six["signature"]).with_entry(six, signature=five["signature"])
        assert found(swapped, "toy") == {"AUD005"}


def changes(value, *, thorough):
    """The value with each of its bytes changed: every bit of it, or one."""
    if isinstance(value, int):
        yield from (value ^ (1 << bit) for bit in range(62))
        yield -value
    elif value is not None:
        content = value.encode()
        for place, bit in itertools.product(range(len(content)), range(8 if thorough else 1)):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            try:
                yield changed.decode()
            except UnicodeDecodeError:
                continue  # SQLite refuses to read it; see TestCommand


class TestCommand:
    """The whole `promotion audit`, on SQLite and on a real MLflow, sees the same."""

    @pytest.fixture
    def here(self, folder, tmp_path, mlflow_uri, keys):
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        shutil.rmtree(tmp_path / "bentoml" / "ledgers")  # names the ledger at its first location
        (tmp_path / "promotion.toml").write_text(
            f'ledger = "sqlite:///ledger.db"\nbentoml_home = "bentoml"\nmlflow_tracking_uri = "{mlflow_uri}"\n'
            f'[public_keys]\nci = "{keys.public}"\n'
            f'[models.toy]\nrecipe = "recipes:ToyRecipe"\npolicy.primary.metric = "{POLICY["primary"]["metric"]}"\n'
        )
        ledger, mirror = SqlLedger(f"sqlite:///{tmp_path}/ledger.db"), MlflowMirror(mlflow_uri)
        entries = ledger.entries("toy")
        mirror.push(mirror_state(fold("toy", entries), entries, path_of, names_of("toy", entries)))
        return tmp_path

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("statements", "codes"),
        [
            ((), set()),
            (("update entries set actor = 'os:bod' where seq = 5",), {"AUD001"}),
            (("update entries set body = replace(body, '0.30000000000000004', '0.30000000000000003')",), {"AUD001"}),
            (("update entries set body = cast(x'7bff7d' as text) where seq = 5",), {"AUD001"}),
            (("update entries set actor = cast(x'6f73ff' as text) where seq = 5",), {"AUD001"}),
            (("update entries set at = x'00' where seq = 5",), {"AUD001"}),
            (("update entries set seq = 11 where seq = 5 and model = 'toy'",), {"AUD001", "AUD002"}),
            (("update entries set signature = null where seq > 5",), {"AUD007"}),
            (("update entries set signature = null",), {"AUD008"}),
            (("update entries set signature = replace(signature, ':', ';')",), {"AUD006"}),
            (("update heads set champion = replace(champion, 'good', 'weak')",), {"AUD002"}),
            (("update heads set champion = x'ff'",), {"AUD001"}),
            (("update heads set seq = 'ten'",), {"AUD002"}),
            (("update heads set mirrored = 'all'",), {"AUD001"}),
            (("update entries set seq = 'x' || seq where seq > 8",), {"AUD001"}),
            (("update entries set signature = x'00ff'",), {"AUD001"}),
            (("delete from entries", "delete from heads"), {"AUD035"}),
        ],
    )
    def test_by_the_same_codes(self, here, capsys, statements, codes):
        with closing(sqlite3.connect("ledger.db")) as connection, connection:
            for statement in statements:
                connection.execute(statement)
        code = run(["audit", "toy", "--json"])
        findings = json.loads(capsys.readouterr().out)["toy"]
        assert {one["code"] for one in findings} & LEDGER == codes
        assert code == (5 if findings else 0)


def test_the_adapter_refuses_another_spelling_of_the_same_values(rows):
    row = rows.of("pet")[0]
    for spelling in (
        row["body"].replace("1e-05", "1E-05"),
        row["body"].replace('","', '", "'),
        row["body"].replace("ë", "\\u00eb"),
    ):
        assert json.loads(spelling) == json.loads(row["body"])
        with pytest.raises(LedgerError, match=r"^Entry 1 of 'pet' in the ledger is damaged"):
            entry_of(as_row({**row, "body": spelling}))
