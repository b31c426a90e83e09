"""An audit of a read-only copy: ledger, store, rows, MLflow and cache on a read-only disk."""

import gc
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from recipes import synthetic_rows
from situation import open_at, settings_at, toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.mlflow import MlflowMirror
from promotion.adapters.sql import SqlLedger, sqlite
from promotion.errors import LedgerError
from promotion.registry.register import Origin

pytestmark = pytest.mark.slow

SETTINGS = """
ledger = "sqlite:///ledger.db"
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///mlflow.db"
cache = "cache"

[models.toy]
recipe = "recipes:ToyRecipe"
data = "rows.csv"

[models.toy.policy]
primary = { metric = "roc_auc" }
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory, trained_store):
    """A folder with a champion and a rejected challenger, and the same folder read-only."""
    root = tmp_path_factory.mktemp("read-only")
    here, disk = root / "here", root / "disk"
    shutil.copytree(trained_store, here / "bentoml")
    synthetic_rows().to_csv(here / "rows.csv", index=False)
    (here / "promotion.toml").write_text(SETTINGS)
    mirror = MlflowMirror(f"sqlite:///{here / 'mlflow.db'}")
    registry = open_at(settings_at(here), store=BentoStore(here / "bentoml"), mirror=mirror)
    for version in ("good", "noisy"):
        registry.register(toy(version), Origin())
        registry.gate(toy(version))
    del registry
    gc.collect()
    assert not [*here.glob("ledger.db-*")], "whoever leaves last moves all into the file"
    disk.mkdir()
    mount = ["mount", "-o", "bind,ro", str(here), str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")
    yield here, disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # the ledgers are still open


def audit(folder):
    command = [str(Path(sys.executable).with_name("promotion")), "audit", "toy", "--recompute", "--json"]
    seen = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=folder, env=seen, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, {one["code"] for one in json.loads(done.stdout)["toy"]}, done.stderr


def test_a_read_only_copy_is_audited_as_the_original_is(copy):
    here, disk = copy
    others_of_the_store = (5, {"AUD015"}, "")
    assert audit(disk) == audit(here) == others_of_the_store


def test_a_read_only_ledger_is_read_and_says_that_it_cannot_be_written(copy):
    here, disk = copy
    ours, theirs = (SqlLedger(f"sqlite:///{folder / 'ledger.db'}") for folder in (here, disk))
    assert theirs.entries("toy") == ours.entries("toy")
    with pytest.raises(LedgerError, match=r"The ledger at sqlite:///.*disk/ledger\.db cannot be used \(.*readonly"):
        theirs.mark_mirrored("toy", 10**6)


def test_what_waits_beside_the_file_is_not_passed_over(copy, monkeypatch):
    here, disk = copy
    with closing(sqlite3.connect(here / "ledger.db")) as writing:
        writing.execute("PRAGMA journal_mode = WAL")
        writing.execute("UPDATE heads SET mirrored = 3")
        writing.commit()
        assert (here / "ledger.db-wal").stat().st_size
        assert SqlLedger(f"sqlite:///{disk / 'ledger.db'}").mirrored("toy") == 3
        for name in ("ledger.db", "ledger.db-wal"):
            shutil.copy(here / name, here / f"copy-of-{name}")
        copied = SqlLedger(f"sqlite:///{disk / 'copy-of-ledger.db'}")
        assert copied.mirrored("toy") == 3
        assert copied.entries("toy") == SqlLedger(f"sqlite:///{here / 'ledger.db'}").entries("toy")
        sqlite._copied.cache_clear()
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        with pytest.raises(
            LedgerError, match=r"wait in copy-of-ledger\.db-wal, .* copy of both \(Read-only file system\)"
        ):
            SqlLedger(f"sqlite:///{disk / 'copy-of-ledger.db'}?timeout=1")
        writing.execute("UPDATE heads SET mirrored = seq")
        writing.commit()
