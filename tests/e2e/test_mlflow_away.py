"""A real MLflow server becomes unavailable: a first champion waits, a later one stands, and the mirror catches up."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from servers import free_port, wait_until_healthy

import promotion
from promotion.cli import run
from registry_flows.flows.train import train_flow

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


@contextmanager
def mlflow_server(folder, port):
    log = folder / "mlflow-server.log"
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/artifacts"]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), *store]
    environment = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }
    with (
        log.open("a") as file,
        subprocess.Popen(
            [*command, "--workers", "1"], cwd=folder, env=environment, stdout=file, stderr=file, start_new_session=True
        ) as server,
    ):
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}/health", server, log)
            yield
        finally:
            os.killpg(server.pid, 9)


def test_the_transition_stands_and_the_mirror_catches_up(project, monkeypatch, capsys):
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)  # a user has set neither
    with mlflow_server(project, port):
        first, second = (
            train_flow("data/train_transaction.csv", version=version, stage="staging").tag
            for version in ("1.0.1", "1.0.2")
        )

    registry = promotion.open()
    before = registry.history("fraud_classifier")
    assert run(["gate", first]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "The ledger has no champion of 'fraud_classifier', but MLflow may have one." in told
    assert "`--start-anew --reason …`" in told
    assert registry.history("fraud_classifier") == before
    with mlflow_server(project, port):
        assert run(["gate", first]) == 0
        capsys.readouterr()

    assert run(["promote", second, "--override", "--yes", "--reason", "as good, and newer"]) == 0
    told = capsys.readouterr()
    assert f"{second} is the champion" in told.out
    assert f"Note: A request to MLflow at http://127.0.0.1:{port} failed" in told.err
    assert "The decision stands. Once MLflow answers, run `promotion sync` to send it." in told.err
    assert str(registry.champion("fraud_classifier").tag) == second
    assert {str(one.tag): one.stage for one in registry.store.versions("fraud_classifier")} == {
        first: "archived",
        second: "prod",
    }

    before = registry.history("fraud_classifier")
    assert run(["retrain", "fraud_classifier"]) == 1
    assert capsys.readouterr().err == (
        f"Error: MLflow at http://127.0.0.1:{port} cannot be reached (Connection refused), so nothing was trained. "
        "Start it, or correct its address.\n"
    )
    assert registry.history("fraud_classifier") == before
    assert len(registry.store.versions("fraud_classifier")) == 2

    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "2"

    with mlflow_server(project, port):
        assert run(["sync"]) == 0
        assert run(["audit"]) == 0
