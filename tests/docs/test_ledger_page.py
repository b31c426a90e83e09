"""The ledger page describes what the code writes, and its verifier detects changes."""

import re
import sqlite3
import subprocess
import sys
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pages import blocks_of

from promotion.adapters.sql import SqlLedger, schema
from promotion.adapters.sql.tables import BESIDE, TABLES
from promotion.ledger import entries
from promotion.ledger.chain import chain
from promotion.ledger.entries import Override, Registration
from promotion.ledger.folding import fold

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "ledger.md"
TEXT = PAGE.read_text("utf-8")
(VERIFIER,) = (block.source for block in blocks_of(PAGE) if "hashlib" in block.source)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def names_in(section):
    """What the first column of a section's tables names."""
    cells = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("kind", entries.KINDS)
def test_each_kind_of_entry_is_told_with_all_its_fields(kind):
    (section,) = re.findall(rf"^### {kind}\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)
    assert names_in(section) == {field.name for field in fields(entries.KINDS[kind])}


def test_each_column_and_revision_is_told():
    (tables,) = re.findall(r"^## Tables\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    described = (TABLES["entries"], TABLES["heads"], BESIDE["checkpoints"])
    assert names_in(tables) == {
        name for table in described for name in re.findall(r"(\w+) (?:VARCHAR|INTEGER|TEXT)", table)
    }
    (revisions,) = re.findall(r"^## Revisions\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    assert names_in(revisions) == set(schema.REVISIONS)


@pytest.fixture
def ledger(tmp_path):
    """`ledger.db` in the working folder, with two models."""
    made = SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}")
    for model in ("another", "toy"):
        bodies = [Registration(tag=f"{model}:a", digest=64 * "a", stage=None, data="ü.csv", options={"rate": 1e-07})]
        written = tuple(
            chain(model, None, bodies * 2 + [Override(tag=f"{model}:a", reason="ja")], at=NOW, actor="os:Zoë")
        )
        made.append(written, fold(model, written).head)
    return made


def verified():
    done = subprocess.run([sys.executable, "-I", "-c", VERIFIER], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_the_verifier_depends_on_nothing_of_ours_and_is_short():
    assert len(VERIFIER.splitlines()) <= 22
    assert set(re.findall(r"^import (\w+)$", VERIFIER, re.MULTILINE)) == {"hashlib", "json", "sqlite3"}


def test_the_verifier_passes_what_was_written(ledger):
    assert verified() == (
        0,
        "another: 3 entries, each as it was written\ntoy: 3 entries, each as it was written\n",
    )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET body = replace(body, '1e-07', '1E-07') WHERE model = 'toy' AND seq = 1",
        "UPDATE entries SET body = replace(body, 'ja', 'ne') WHERE model = 'toy'",
        "UPDATE entries SET actor = 'os:bob' WHERE seq = 2",
        "UPDATE entries SET at = '2026-11-22T12:00:01+00:00' WHERE seq = 3",
        "UPDATE entries SET kind = 'adoption' WHERE seq = 3",
        "DELETE FROM entries WHERE model = 'toy' AND seq = 2",
        "DELETE FROM entries WHERE model = 'toy' AND seq = 3",
        "DELETE FROM entries WHERE model = 'another'",
        "DELETE FROM heads WHERE model = 'another'",
        "UPDATE heads SET seq = 2",
        "UPDATE entries SET model = 'yot' WHERE model = 'toy'",
    ],
)
def test_the_verifier_finds_what_was_changed(ledger, change):
    with sqlite3.connect("ledger.db") as other:
        assert other.execute(change).rowcount
    code, said = verified()
    assert code == 1
    assert re.search(r"^(Entry \d of \w+ (is not as it was written|does not follow)|The chains end at)", said)
