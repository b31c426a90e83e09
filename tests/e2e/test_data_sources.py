"""Retraining on data that lies elsewhere: fetched once per run, logged and recorded without its secrets."""

import json
import sqlite3
import subprocess
import sys

import pandas as pd
import pytest
from servers import free_port
from sources import gcs, halves, web

import promotion
from promotion.cli import run

__all__ = ["gcs", "web"]
pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


@pytest.fixture
def elsewhere(project, web, monkeypatch):
    """The project, with its data at a URL that contains secrets."""
    rows = project / "data" / "train_transaction.csv"
    (web.folder / "rows.csv").write_bytes(rows.read_bytes())
    rows.unlink()
    url = web.url.replace("://", "://reader:s3cret@")
    monkeypatch.setenv("PROMOTION_MODELS__FRAUD_CLASSIFIER__DATA", f"{url}/rows.csv?signature=s3cret")
    return project


def test_a_retraining_fetches_once_and_its_decision_is_recomputed_from_the_snapshot(elsewhere, web, capfd):
    assert run(["retrain", "fraud_classifier"]) == 0
    assert len(web.asked) == 1, web.asked
    assert web.asked[0][1].startswith("Basic ")
    (web.folder / "rows.csv").write_text("gone\n")
    assert run(["audit", "fraud_classifier", "--recompute"]) == 0
    assert len(web.asked) == 2  # for newer rows, whose scores may have drifted

    registry = promotion.open()
    used = next(
        one.content().decision for one in registry.history("fraud_classifier") if one.kind == "decision"
    ).holdout
    assert used.source == f"{web.url.replace('://', '://***@')}/rows.csv?***"
    assert run(["show", next(iter(registry.state("fraud_classifier").versions))]) == 0
    shown = capfd.readouterr()
    assert used.source.partition("?")[0] in "".join(shown.out.split())
    with sqlite3.connect(elsewhere / "mlflow.db") as database:
        logged = "\n".join(database.iterdump())
    assert used.source in logged
    records = json.dumps([entry.body for entry in registry.history("fraud_classifier")])
    assert "s3cret" not in f"{records}{logged}{shown.out}{shown.err}"


@pytest.mark.slow
@pytest.mark.parametrize("named", ["day/rows.parquet", "parts/*.parquet"])
def test_a_retraining_reads_from_google_storage(project, gcs, monkeypatch, named):
    path = project / "data" / "train_transaction.csv"
    rows = pd.read_csv(path)
    path.unlink()
    gcs("day/rows.parquet", rows.to_parquet(index=False))
    for number, part in enumerate(halves(rows)):
        gcs(f"parts/{number}.parquet", part.to_parquet(index=False))
    monkeypatch.setenv("PROMOTION_MODELS__FRAUD_CLASSIFIER__DATA", f"gs://rows/{named}")
    words = [sys.executable, "-m", "promotion", "retrain", "fraud_classifier"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"of gs://rows/{named}" in " ".join(done.stdout.split())
    assert run(["audit", "fraud_classifier", "--recompute"]) == 0


def test_a_url_with_a_password_is_not_passed_to_prefect(project, capfd):
    address = f"http://reader:s3cret@127.0.0.1:{free_port()}/rows.csv"
    assert run(["retrain", "fraud_classifier", "--data", address]) == 1
    told = capfd.readouterr().err
    assert "--data contains a password or parameters (http://***@127.0.0.1:" in told
    assert "s3cret" not in told
