"""`promotion ledger export|import|upgrade|take` on the command line."""

import json
import os
import re
import sqlite3
import tracemalloc
from contextlib import closing
from threading import Thread

import pytest
from situation import NOON, stages, toy

import promotion
from promotion.adapters.sql import SqlLedger
from promotion.cli.ledger import import_file
from promotion.errors import LedgerError, Refused
from promotion.ledger.chain import chain
from promotion.ledger.entries import FreshStart
from promotion.ledger.export import entries_to_append, export_lines, read_export
from promotion.ledger.folding import advance, fold
from promotion.registry.take import plan_takeover

pytestmark = pytest.mark.integration


def ledger_at(path):
    return SqlLedger(f"sqlite:///{path}")


def test_what_is_exported_is_imported_into_an_empty_ledger_and_only_once(with_champion, command, monkeypatch):
    code, out, _ = command("ledger", "export", "--out", "backup.jsonl")
    entries = ledger_at("ledger.db").entries("toy")
    assert (code, out) == (0, f"toy: {len(entries)} entries written to backup.jsonl\n")
    assert (
        command("ledger", "export")[1]
        == command("ledger", "export", "toy")[1]
        == (with_champion / "backup.jsonl").read_text()
    )

    monkeypatch.setenv("PROMOTION_LEDGER", "sqlite:///other.db")
    counts = f"{len(entries)} of {len(entries)}"
    assert command("ledger", "import", "backup.jsonl", "--dry-run")[:2] == (
        0,
        f"toy: {counts} entries would be imported\n",
    )
    assert ledger_at("other.db").models() == ()
    assert command("ledger", "import", "backup.jsonl")[:2] == (0, f"toy: {counts} entries imported\n")
    assert (
        command("ledger", "import", "backup.jsonl", "--json")[1]
        == '{\n  "dry_run": false,\n  "entries": {\n    "toy": 0\n  }\n}\n'
    )
    assert ledger_at("other.db").entries("toy") == entries
    assert ledger_at("other.db").head("toy") == ledger_at("ledger.db").head("toy")
    assert command("status")[0] == 0


@pytest.mark.parametrize("lost", [None, 700])
def test_an_export_of_any_length_holds_a_page_of_entries_in_memory(with_champion, command, monkeypatch, lost):
    """Also of a ledger that lost an entry: what is left of it is exported once."""
    ledger = ledger_at("ledger.db")
    new = [FreshStart(reason=str(number)) for number in range(1_300)]
    made = tuple(chain("toy", ledger.head("toy"), new, at=NOON, actor="os:alice"))
    ledger.append(made, advance(fold("toy", ledger.entries("toy")), *made).head)
    if lost:
        with closing(sqlite3.connect("ledger.db")) as database, database:
            database.execute("DELETE FROM entries WHERE seq = ?", [lost])
    expected, read, most = ledger.entries("toy"), SqlLedger.entries, []

    def counted(self, model, **which):
        found = read(self, model, **which)
        most.append(len(found))
        return found

    monkeypatch.setattr(SqlLedger, "entries", counted)
    assert command("ledger", "export", "--out", "backup.jsonl")[0] == 0
    lines = (with_champion / "backup.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines[1:]] == [one.seq for one in expected]
    assert max(most) <= 500


def test_an_import_does_not_hold_the_file_in_memory(tmp_path, monkeypatch):
    long = [FreshStart(reason=f"{number} {'x' * 8_000}") for number in range(2_500)]
    made = tuple(chain("toy", None, long, at=NOON, actor="os:alice"))
    path = tmp_path / "backup.jsonl"
    path.write_text("".join(f"{line}\n" for line in export_lines({"toy": made}, release="1")))
    monkeypatch.setenv("PROMOTION_LEDGER", f"sqlite:///{tmp_path / 'other.db'}")
    tracemalloc.start()
    try:
        import_file(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 2
    assert ledger_at(tmp_path / "other.db").entries("toy") == made


def test_an_export_that_changes_after_it_was_checked_is_not_imported(with_champion, command):
    command("ledger", "export", "--out", "backup.jsonl")
    path, other = with_champion / "backup.jsonl", ledger_at("other.db")
    with path.open("r+b") as file:
        (found,) = read_export(file, name="backup.jsonl", file=file).values()
        text = path.read_bytes()
        path.write_bytes(text.replace(b"config:tests", b"config:other"))
        with pytest.raises(LedgerError, match=r"^backup\.jsonl changed while it was read\. Nothing was imported\.$"):
            other.append_all([(entries_to_append(found, ()), found.head)])
    assert other.models() == ()
    assert other.entries("toy") == ()


def test_an_export_is_imported_from_a_pipe(with_champion, command, monkeypatch):
    command("ledger", "export", "--out", "backup.jsonl")
    os.mkfifo(with_champion / "pipe")
    text = (with_champion / "backup.jsonl").read_bytes()
    writer = Thread(target=lambda: (with_champion / "pipe").write_bytes(text))
    writer.start()
    monkeypatch.setenv("PROMOTION_LEDGER", "sqlite:///other.db")
    assert command("ledger", "import", "pipe")[0] == 0
    writer.join()
    assert ledger_at("other.db").entries("toy") == ledger_at("ledger.db").entries("toy")


def test_a_damaged_export_changes_nothing(with_champion, command, monkeypatch):
    command("ledger", "export", "--out", "backup.jsonl")
    text = (with_champion / "backup.jsonl").read_text()
    (with_champion / "backup.jsonl").write_text(text.replace("config:tests", "config:nobody", 1))
    monkeypatch.setenv("PROMOTION_LEDGER", "sqlite:///other.db")
    assert command("ledger", "import", "backup.jsonl") == (
        1,
        "",
        "Error: Line 2 of backup.jsonl has entry 1 of 'toy', which was changed: its hash does not match its content. "
        "Nothing was imported.\n",
    )
    assert not (with_champion / "other.db").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "absent.jsonl"], "absent.jsonl cannot be read (No such file or directory)."),
        (["import", "."], ". cannot be read (Is a directory)."),
        (
            ["export", "--out", "absent/x.jsonl"],
            "absent/x.jsonl cannot be written (No such file or directory). Name another file with --out.",
        ),
        (["export", "tooy"], "There is no model 'tooy'. Did you mean 'toy'? The ledger records no other."),
    ],
)
def test_a_mistake_is_one_sentence(with_champion, command, arguments, said):
    code, out, err = command("ledger", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert err.endswith(f"{said}\n")


def test_an_older_ledger_is_upgraded_when_asked(with_champion, command):
    entries = ledger_at("ledger.db").entries("toy")
    with sqlite3.connect("ledger.db") as first_release:
        first_release.execute("DROP TABLE ledger_version")
        first_release.execute("ALTER TABLE entries DROP COLUMN signature")
    code, _, err = command("status")
    assert code == 1
    assert "has revision 0001, but this release needs 0002. Make a backup, then run `promotion ledger upgrade`" in err

    place = f"sqlite:///{with_champion}/ledger.db"
    said = [" ".join(command("ledger", "upgrade")[1].split()) for _ in range(2)]
    assert said == [
        f"The ledger at {place} was upgraded from revision 0001 to 0002. Every entry was kept.",
        f"The ledger at {place} is already at revision 0002. Nothing was changed.",
    ]
    assert ledger_at("ledger.db").entries("toy") == entries
    assert json.loads(command("ledger", "upgrade", "--json")[1]) == {"place": place, "before": "0002", "after": "0002"}
    assert "AUD00" not in command("audit", "toy")[1]


def test_a_new_folder_is_given_a_ledger(here, command):
    assert command("ledger", "upgrade")[1].endswith("/ledger.db is new, at revision 0002.\n")
    assert command("ledger", "export")[1] == '{"format":"promotion-ledger","models":{},"release":"0.1.0","version":1}\n'
    assert command("ledger", "export", "--out", "none.jsonl")[1] == "none.jsonl contains no entries.\n"
    assert command("ledger", "import", "none.jsonl")[1] == "none.jsonl contains no entries.\n"


def test_a_damaged_file_is_no_ledger(here, command):
    (here / "ledger.db").write_text("Dear diary, " * 100)
    with pytest.raises(LedgerError):
        ledger_at("ledger.db")
    assert command("ledger", "upgrade")[2].endswith("cannot be used (file is not a database). Nothing was recorded.\n")


def test_on_postgresql_every_command_is_the_same_and_a_server_that_is_away_is_one_sentence(
    here, command, monkeypatch, postgres_server
):
    url = postgres_server.new_database()
    monkeypatch.setenv("PROMOTION_LEDGER", url)
    assert command("gate", "toy:weak")[0] == 0
    assert command("gate", "toy:good")[0] == 0
    assert SqlLedger(url).head("toy").champion.tag == "toy:good"
    assert command("ledger", "upgrade")[1].startswith("The ledger at postgresql+psycopg://***@/")
    exported = command("ledger", "export")[1]
    assert postgres_server.password not in exported

    postgres_server.stop()
    try:
        code, out, err = command("status")
    finally:
        postgres_server.start()
    assert (code, out) == (1, "")
    assert re.match(
        r"^Error: The ledger at postgresql\+psycopg://\*\*\*@/\S+ cannot be used \(.*\)\. Nothing was recorded\.$", err
    )
    assert postgres_server.password not in err
    assert command("ledger", "export")[1] == exported


def claim_of(folder):
    return json.loads((folder / "bentoml" / "ledgers" / "toy.json").read_text())


class TestHandingOver:
    TAKE = ("ledger", "take", "toy", "--reason", "the team moved")

    def test_it_shows_asks_and_records_and_then_the_first_ledger_is_refused(self, second, with_champion, at):
        before = claim_of(with_champion)
        code, out, _ = at(second, *self.TAKE, "--dry-run")
        assert code == 0
        assert "Dry run: nothing was changed. Hand-over of toy" in out
        assert f"the ledger at sqlite:///{with_champion}/ledger.db can no longer change toy" in out
        assert at(second, *self.TAKE)[::2] == (
            2,
            "Error: The command must ask for confirmation, but there is no terminal. Add --yes.",
        )
        assert claim_of(with_champion) == before

        code, out, _ = at(second, *self.TAKE, "--yes")
        assert code == 0
        assert out.endswith(
            "toy belongs to this ledger now. It has no champion yet. To make the serving version its champion, run "
            "`promotion adopt toy:weak --reason …` with --trained-before, --assume-clean or --trained-on-everything."
        )
        ((entry),) = SqlLedger(f"sqlite:///{second}/ledger.db").entries("toy")
        assert (entry.kind, entry.actor) == ("takeover", "config:tests")
        assert entry.body == {
            "reason": "the team moved", "mirrored": None, **{key: before[key] for key in ("ledger", "place", "seq", "hash")}
        }  # fmt: skip
        code, _, err = at(with_champion, "gate", "toy:good")
        assert code == 1
        assert f"belongs to the ledger at sqlite:///{second}/ledger.db" in err

        assert at(second, "adopt", "toy:weak", "--reason", "it serves", "--assume-clean")[0] == 0
        assert at(second, "gate", "toy:good")[0] == 0
        assert stages(promotion.open(second / "promotion.toml")) == {"weak": "archived", "good": "prod"}
        assert "took toy over from the ledger at" in at(second, "history", "toy")[1]
        assert at(second, "champion", "toy")[::2] == (0, "")
        assert at(with_champion, "champion", "toy")[2].startswith("Note: 'toy' in the model store belongs to")

    def test_mlflow_of_both_follows_the_one_that_took_and_still_knows_a_cut_tail(self, second, with_champion, at):
        text = (second / "promotion.toml").read_text()
        (second / "promotion.toml").write_text(text.replace('"sqlite:///mlflow.db"', '"sqlite:///../mlflow.db"'))
        first = SqlLedger(f"sqlite:///{with_champion}/ledger.db").entries("toy")
        code, _, err = at(second, *self.TAKE, "--yes")
        assert code == 0
        assert err.startswith(
            "Note: In MLflow, the alias champion of 'toy' points to toy:weak, but the ledger has no champion"
        )
        ledger = SqlLedger(f"sqlite:///{second}/ledger.db")
        assert ledger.entries("toy")[0].body["mirrored"] == [len(first), first[-1].hash]
        said = at(second, "audit", "toy")[1], " ".join(json.loads(at(second, "status", "--json")[1])["notes"])
        assert [("AUD038" in one, "`promotion sync`" in one) for one in said] == [(True, False)] * 2
        assert at(second, "adopt", "toy:weak", "--reason", "it serves", "--assume-clean")[::2] == (0, "")
        assert at(second, "promote", "toy:good", "--reason", "why", "--override", "--yes")[::2] == (0, "")
        registry = promotion.open(second / "promotion.toml")
        assert registry.mirror.aliases("toy") == {"champion": "toy:good", "previous": "toy:weak"}
        assert {found.code for found in registry.audit("toy")} == {"AUD015"}

        kept = ledger.entries("toy")[:-4]
        with closing(sqlite3.connect(second / "ledger.db")) as cut, cut:
            cut.execute("DELETE FROM entries")
            cut.execute("DELETE FROM heads")
        ledger.append(kept, fold("toy", kept).head)
        assert "AUD035" in {found.code for found in promotion.open(second / "promotion.toml").audit("toy")}

    def test_it_can_be_taken_back_and_then_labels_are_told_to_differ(self, second, with_champion, at):
        at(second, *self.TAKE, "--yes")
        at(second, "promote", "toy:good", "--reason", "why", "--override", "--yes")
        code, out, _ = at(with_champion, *self.TAKE, "--yes", "--json")
        assert (code, json.loads(out)["place"]) == (0, f"sqlite:///{second}/ledger.db")
        assert at(with_champion, "repair", "toy", "--yes")[0] == 0
        assert stages(promotion.open(with_champion / "promotion.toml"))["weak"] == "prod"
        assert at(second, "gate", "toy:twin")[0] == 1

    def test_what_is_ours_already_and_what_is_nobodys(self, second, with_champion, at):
        code, out, err = at(with_champion, *self.TAKE, "--yes")
        assert (code, out) == (1, "")
        assert err.startswith(
            f"Error: 'toy' already belongs to this ledger at sqlite:///{with_champion}/ledger.db (since "
        )
        assert at(second, "ledger", "take", "tooy", "--reason", "why", "--yes")[2].startswith(
            "Error: There is no model"
        )
        assert at(second, "ledger", "take", "toy", "--reason", " ", "--yes")[2].endswith("--reason 'why'.")

    def test_a_model_that_changed_hands_meanwhile_is_not_taken(self, second, with_champion):
        ours, third = promotion.open(second / "promotion.toml"), promotion.open(with_champion / "promotion.toml")
        plan = plan_takeover(ours.parts, "toy", reason="mine")
        third.gate(toy("good"))
        with pytest.raises(
            Refused, match=r"^'toy' or its owner changed while this command ran, so nothing was changed\. Run"
        ):
            ours.apply(plan)
        assert ours.history("toy") == ()
