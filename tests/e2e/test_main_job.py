"""Train, log, gate, relabel on a real Prefect server, MLflow database and model store."""

import json
import time

import numpy as np
import pytest

import promotion
from promotion.cli import run
from promotion.data_files import file_digest
from promotion.vocabulary import Tag
from registry_flows.flows.train import train_flow
from registry_flows.fraud.recipe import FraudRecipe, features

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def stages(registry):
    return {str(one.tag): one.stage for one in registry.store.versions("fraud_classifier")}


def task_names(flow_name, expected):
    """The tasks of the newest run of a flow; waits until those expected are there, since the server writes them late."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        newest = max(
            (run for run in client.read_flow_runs(limit=200) if run.name.startswith(flow_name)),
            key=lambda run: run.start_time,
        )
        deadline = time.monotonic() + 30
        while True:
            tasks = client.read_task_runs(limit=200)
            found = {one.name.rsplit("-", 1)[0] for one in tasks if one.flow_run_id == newest.id}
            if expected <= found or time.monotonic() > deadline:
                return found
            time.sleep(0.2)


class TestTraining:
    @pytest.mark.slow
    def test_with_stage_staging_it_stops_after_saving_and_logging(self, project):
        from mlflow import MlflowClient

        candidate = train_flow("data/train_transaction.csv", version="1.0.1", stage="staging")

        registry = promotion.open()
        version = registry.state("fraud_classifier").versions[candidate.tag]
        assert candidate.decision is None
        assert stages(registry) == {candidate.tag: "staging"}
        assert registry.champion("fraud_classifier") is None
        tasks = {"load_data", "split_data", "train_ohe", "train_xgb", "save_model"}
        assert tasks <= task_names("train", tasks)
        client = MlflowClient(f"sqlite:///{project}/mlflow.db", f"sqlite:///{project}/mlflow.db")
        logged = client.get_run(version.registration.run_id)
        assert logged.data.params["seed"] == "27"
        assert logged.data.params["version"] == "1.0.1"
        assert logged.data.params["recipe"] == "registry_flows.fraud:FraudRecipe"
        assert logged.data.tags["data.sha256"] == file_digest(project / "data/train_transaction.csv")
        assert logged.data.tags["library.xgboost"]
        assert logged.data.metrics["training_rows"] == 22_500
        assert 0.6 < logged.data.metrics["holdout_roc_auc"] < 1
        assert logged.outputs.model_outputs

    def test_it_saves_what_the_tutorial_saves_and_the_same_again_of_the_same_data(self, project):
        from bentoml._internal.models.model import ModelStore

        candidate = train_flow("data/train_transaction.csv", version="1.0.1", stage="staging")
        saved = ModelStore(project / "bentoml" / "models").get(candidate.tag)
        assert saved.info.module == "bentoml.sklearn"
        assert saved.info.labels == {"owner": "Cerebrium", "stage": "staging"}
        assert saved.info.metadata["version"] == "1.0.1"
        assert list(saved.custom_objects) == ["ohe_encoder"]
        signature = saved.info.signatures["predict"]
        assert signature.batchable
        assert signature.batch_dim == (0, 0)
        again = train_flow(None, version="2", stage="staging")
        registry, recipe = promotion.open(), FraudRecipe()
        rows = recipe.split(recipe.load(project / "data/train_transaction.csv")).holdout
        scores = [
            recipe.score(registry.store.load(tag, digest=registry.store.digest(tag)), rows)
            for tag in (Tag.parse(candidate.tag), Tag.parse(again.tag))
        ]
        np.testing.assert_array_equal(*scores)


class TestHandOff:
    def test_with_stage_prod_the_gate_promotes_and_mlflow_serves_the_same_model(self, project):
        import mlflow

        candidate = train_flow(data_path="data/train_transaction.csv", version="1.0.1", stage="prod")

        registry = promotion.open()
        champion = registry.champion("fraud_classifier")
        assert candidate.decision.verdict == "promote"
        assert str(champion.tag) == candidate.tag
        assert champion.decision_id == candidate.decision.id
        assert stages(registry) == {candidate.tag: "prod"}
        tasks = {"clean_holdout", "score_version", "weigh", "decide"}
        assert tasks <= task_names("gate", tasks)
        assert registry.audit("fraud_classifier") == ()
        recipe = FraudRecipe()
        rows = recipe.split(recipe.load(project / "data/train_transaction.csv")).holdout
        ours = registry.store.load(champion.tag, digest=champion.digest)
        mlflow.set_tracking_uri(f"sqlite:///{project}/mlflow.db")
        theirs = mlflow.sklearn.load_model("models:/fraud_classifier@champion")
        encoded = features(rows, ours.custom_objects["ohe_encoder"])
        np.testing.assert_array_equal(theirs.predict_proba(encoded)[:, 1], recipe.score(ours, rows))

    def test_a_story_of_hold_promote_reject_and_rollback(self, project, transactions, capsys):
        early = ["retrain", "fraud_classifier", "--data", str(transactions / "fifteen_days.csv"), "--json"]
        assert run(early) == 0
        first = json.loads(capsys.readouterr().out)["tag"]
        assert run(early) == 4
        again = json.loads(capsys.readouterr().out)
        assert again["verdict"] == "hold"
        assert run(["retrain", "fraud_classifier", "--json"]) == 0
        better = json.loads(capsys.readouterr().out)
        assert better["champion"]["tag"] == first
        spoilt = ["retrain", "fraud_classifier", "--option", "n_estimators=1", "--option", "max_depth=1", "--json"]
        assert run(spoilt) == 3
        rejected = json.loads(capsys.readouterr().out)["tag"]
        registry = promotion.open()
        assert stages(registry) == {
            first: "archived",
            again["tag"]: "staging",
            better["tag"]: "prod",
            rejected: "rejected",
        }
        assert run(["rollback", "fraud_classifier", "--reason", "complaints", "--yes"]) == 0
        assert str(registry.champion("fraud_classifier").tag) == first
        assert run(["audit"]) == 0

    def test_the_real_rows_are_too_few_and_the_decision_names_the_positives(self, project, real_rows, capsys):
        assert run(["retrain", "fraud_classifier", "--data", str(real_rows)]) == 4
        assert "The holdout has only 11 positives; the policy requires at least 50." in capsys.readouterr().out

    @pytest.mark.slow
    def test_the_tutorials_champion_is_found_adopted_and_judged_against(self, project, monkeypatch, capsys):
        tag = save_as_the_tutorial_does(project, monkeypatch)
        assert run(["retrain", "fraud_classifier"]) == 4
        told = " ".join(capsys.readouterr().out.split())
        assert f"The training rows of the champion {tag} are unknown" in told
        assert f"`promotion adopt {tag} --trained-before TIME --reason" in told
        assert run(["adopt", tag, "--trained-before", "3456000", "--reason", "trained on the first forty days"]) == 0
        assert run(["gate", next(iter(waiting())), "--json"]) in {0, 3, 4}
        decision = json.loads(capsys.readouterr().out.partition("\n")[2])
        assert decision["champion"]["tag"] == tag
        assert {check["outcome"] for check in decision["checks"] if check["kind"] == "primary"} != {"not_applicable"}


def waiting():
    return [version.tag for version in promotion.open().state("fraud_classifier").waiting]


def save_as_the_tutorial_does(project, monkeypatch):
    """In a process of its own: BentoML reads BENTOML_HOME once."""
    import subprocess
    import sys

    script = """
import bentoml
from pathlib import Path
from promotion.interfaces import call
from registry_flows.fraud import FraudRecipe
recipe = FraudRecipe()
rows = recipe.load(Path("data/train_transaction.csv"))
trained = recipe.train(rows[rows.TransactionDT < 3456000], step=call)
print(bentoml.sklearn.save_model("fraud_classifier", trained.model, labels={"owner": "Cerebrium", "stage": "prod"},
    metadata={"version": "1.0.1"}, custom_objects=dict(trained.custom_objects),
    signatures={"predict": {"batchable": True, "batch_dim": 0}}).tag)
"""
    monkeypatch.setenv("BENTOML_HOME", str(project / "bentoml"))
    saved = subprocess.run([sys.executable, "-c", script], cwd=project, capture_output=True, text=True, check=True)
    monkeypatch.delenv("BENTOML_HOME")
    return saved.stdout.strip().splitlines()[-1]
