"""A project like a user's: promotion.toml, generated transactions, real stores, a real Prefect server."""

import os
import shutil
from pathlib import Path

import pytest

from registry_flows.fraud.data import write

CONFIGURATION = """
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///mlflow.db"

[models.fraud_classifier]
recipe = "registry_flows.fraud:FraudRecipe"
data   = "data/train_transaction.csv"

[models.fraud_classifier.policy]
primary = { metric = "average_precision" }
floors  = [ { metric = "roc_auc", min = 0.6 } ]
"""
REAL_ROWS = Path(__file__).parents[2].parent / "shared" / "data" / "ieee_cis_1500.csv"


@pytest.fixture(scope="session")
def transactions(tmp_path_factory):
    """30,000 generated rows over sixty days with drift, and a second file with the first fifteen days."""
    folder = tmp_path_factory.mktemp("transactions")
    write(folder / "sixty_days.csv", 30_000, days=60, seed=6, drift=1.0)
    write(folder / "fifteen_days.csv", 7_500, days=15, seed=6, drift=1.0)
    return folder


@pytest.fixture
def project(tmp_path, transactions, empty_mlflow, prefect_server, monkeypatch):
    """The folder of a project with the sixty days as data; the working folder of the test."""
    (tmp_path / "promotion.toml").write_text(CONFIGURATION)
    (tmp_path / "data").mkdir()
    os.link(transactions / "sixty_days.csv", tmp_path / "data" / "train_transaction.csv")
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_server, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield tmp_path


@pytest.fixture
def real_rows():
    if not REAL_ROWS.exists():
        pytest.skip("the real rows are not shipped with the project")
    return REAL_ROWS
