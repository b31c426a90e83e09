"""The tutorial's transactions, scored alike by the Bento of the fraud service, by MLflow and by the gate."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd
import pytest
from servers import PROGRAMS, Server, free_port

import promotion
from registry_flows.flows.train import train_flow
from registry_flows.fraud.recipe import FraudRecipe

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def champion(project):
    """The champion of a project after its first training."""
    train_flow("data/train_transaction.csv", version="1.0.1")
    return promotion.open().champion("fraud_classifier")


@pytest.fixture
def raw(project):
    """Twenty transactions as JSON, with every column of the file but the label."""
    rows = pd.read_csv(project / "data/train_transaction.csv").tail(20).drop(columns="isFraud")
    return json.loads(rows.to_json(orient="records"))


@pytest.fixture
def judged(project, champion):
    """The scores of these transactions, as the gate scores them."""
    recipe = FraudRecipe()
    rows = recipe.load(project / "data/train_transaction.csv").tail(20)
    return recipe.score(promotion.open().store.load(champion.tag, digest=champion.digest), rows)


def running(name, folder, port, path, *command, **environment):
    """A server that `command` starts on a port."""
    given = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", **environment}
    return Server(name, folder, command, given, health=f"http://127.0.0.1:{port}{path}")


def answered(url, body):
    request = Request(url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_a_bento_of_the_service_finds_the_store_that_the_settings_name(project, champion, raw, judged, monkeypatch):
    environment = {**os.environ, "BENTOML_HOME": str(project / "bentos")}
    build = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    built = subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    tag = built.stdout.strip().removeprefix("__tag__:")
    port = free_port()
    bento = project / "bentos" / "bentos" / tag.replace(":", "/")
    command = (sys.executable, "-m", "bentoml", "serve", bento, "--port", port)
    service = running("bento", project, port, "/readyz", *command, PROMOTION_CONFIG=str(project / "promotion.toml"))
    service.start()
    try:
        service.wait()
        url = f"http://127.0.0.1:{port}"
        answer = answered(f"{url}/score_batch", {"rows": raw})
        assert (answer["tag"], answer["decision"]) == (str(champion.tag), champion.decision_id)
        np.testing.assert_allclose(answer["scores"], judged, atol=1e-7)
        np.testing.assert_allclose(answered(f"{url}/score", {"row": raw[0]})["score"], judged[0], atol=1e-7)
        monkeypatch.setenv("PROMOTION_MODELS__FRAUD_CLASSIFIER__SERVING", f"{url}/champion")
        assert promotion.open().audit("fraud_classifier") == ()
    finally:
        service.stop()


def test_mlflows_generic_function_and_its_server_take_raw_transactions(project, champion, raw, judged):
    import mlflow

    uri = f"sqlite:///{project}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    generic = mlflow.pyfunc.load_model("models:/fraud_classifier@champion")
    np.testing.assert_allclose(generic.predict(pd.DataFrame(raw)), judged, atol=1e-7)
    assert type(mlflow.sklearn.load_model("models:/fraud_classifier@champion")).__name__ == "XGBClassifier"

    port = free_port()
    serve = (
        "serve",
        "-m",
        "models:/fraud_classifier@champion",
        "--env-manager",
        "local",
        "--port",
        port,
        "--workers",
        1,
    )
    server = running("mlflow", project, port, "/ping", PROGRAMS / "mlflow", "models", *serve, MLFLOW_TRACKING_URI=uri)
    server.start()
    try:
        server.wait()
        answer = answered(f"http://127.0.0.1:{port}/invocations", {"dataframe_records": raw})
        np.testing.assert_allclose(answer["predictions"], judged, atol=1e-7)
    finally:
        server.stop()
