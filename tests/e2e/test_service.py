"""A service written for the tutorial keeps working with the registry's champion."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest
from servers import free_port, wait_until_healthy

import promotion
from registry_flows.flows.train import train_flow
from registry_flows.fraud.recipe import AMOUNT, CATEGORIES, FraudRecipe

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

SERVICE = """
import bentoml
import pandas as pd

TAG = "{tag}"
CATEGORIES = ["ProductCD", "P_emaildomain", "R_emaildomain", "card4", "M1", "M2", "M3"]


@bentoml.service
class FraudClassifier:
    def __init__(self):
        self.model = bentoml.sklearn.load_model(TAG)
        self.encoder = bentoml.models.get(TAG).custom_objects["ohe_encoder"]

    @bentoml.api
    def predict(self, rows: list[dict]) -> list[float]:
        frame = pd.DataFrame(rows)
        encoded = pd.DataFrame(
            self.encoder.transform(frame[CATEGORIES]).toarray(),
            columns=self.encoder.get_feature_names_out().reshape(-1),
        )
        encoded["TransactionAmt"] = frame[["TransactionAmt"]].to_numpy()
        return [float(one) for one in self.model.predict_proba(encoded)[:, 1]]

    @bentoml.api(route="/champion")
    def champion(self) -> dict[str, str]:
        return {{"tag": TAG, "digest": "{digest}"}}
"""


@contextmanager
def served(folder):
    """`bentoml serve` of the folder's service.py; its URL."""
    port, log = free_port(), folder / "serve.log"
    command = [sys.executable, "-m", "bentoml", "serve", "service:FraudClassifier", "--port", str(port)]
    environment = {**os.environ, "BENTOML_HOME": str(folder / "bentoml")}
    with log.open("w") as file, subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=file) as one:
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}/readyz", one, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            one.terminate()
            one.wait(timeout=30)


def test_the_service_answers_with_the_scores_that_were_judged_and_which_version_it_has_loaded(project, monkeypatch):
    candidate = train_flow("data/train_transaction.csv", version="1.0.1")
    champion = promotion.open().champion("fraud_classifier")
    assert str(champion.tag) == candidate.tag
    (project / "service.py").write_text(SERVICE.format(tag=champion.tag, digest=champion.digest))
    recipe = FraudRecipe()
    rows = recipe.load(project / "data/train_transaction.csv").tail(20)
    expected = recipe.score(promotion.open().store.load(champion.tag, digest=champion.digest), rows)

    sent = rows[[*CATEGORIES, AMOUNT]].astype(object).where(rows.notna(), None).to_dict("records")
    with served(project) as url:
        body = json.dumps({"rows": sent}).encode()
        request = Request(f"{url}/predict", data=body, headers={"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as answer:
            scores = json.load(answer)
        monkeypatch.setenv("PROMOTION_MODELS__FRAUD_CLASSIFIER__SERVING", f"{url}/champion")
        assert promotion.open().audit("fraud_classifier") == ()
    assert [finding.code for finding in promotion.open().audit("fraud_classifier")] == ["AUD066"]

    assert scores == pytest.approx(expected.tolist(), abs=1e-7)
