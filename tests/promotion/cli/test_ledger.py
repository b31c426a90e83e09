"""`promotion ledger export|import|upgrade`, as a person meets them."""

import json
import re
import sqlite3

import pytest

from promotion.adapters.sql import SqlLedger
from promotion.errors import LedgerError


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


def test_a_damaged_export_changes_nothing(with_champion, command, monkeypatch):
    command("ledger", "export", "--out", "backup.jsonl")
    text = (with_champion / "backup.jsonl").read_text()
    (with_champion / "backup.jsonl").write_text(text.replace("config:tests", "config:nobody", 1))
    monkeypatch.setenv("PROMOTION_LEDGER", "sqlite:///other.db")
    assert command("ledger", "import", "backup.jsonl") == (
        1,
        "",
        "Error: Line 2 of backup.jsonl holds entry 1 of 'toy' changed: its hash is not that of its content. "
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
    assert "is of revision 0001, and this release needs 0002. Make a backup, then run `promotion ledger upgrade`" in err

    place = f"sqlite:///{with_champion}/ledger.db"
    said = [" ".join(command("ledger", "upgrade")[1].split()) for _ in range(2)]
    assert said == [
        f"The ledger at {place} went from revision 0001 to 0002, with every entry.",
        f"The ledger at {place} is at revision 0002 already: there was nothing to do.",
    ]
    assert ledger_at("ledger.db").entries("toy") == entries
    assert json.loads(command("ledger", "upgrade", "--json")[1]) == {"place": place, "before": "0002", "after": "0002"}
    assert "AUD00" not in command("audit", "toy")[1]


def test_a_new_folder_is_given_a_ledger(here, command):
    assert command("ledger", "upgrade")[1].endswith("/ledger.db is new, at revision 0002.\n")
    assert command("ledger", "export")[1] == '{"format":"promotion-ledger","models":{},"release":"0.1.0","version":1}\n'
    assert command("ledger", "export", "--out", "none.jsonl")[1] == "none.jsonl holds no entries.\n"
    assert command("ledger", "import", "none.jsonl")[1] == "none.jsonl holds no entries.\n"


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
