"""A train flow that runs again continues from its saved version."""

import pytest
from recipes import synthetic_rows

import promotion
from promotion.errors import DataError
from registry_flows.flows import gate, train
from registry_flows.flows.gate import gate_flow
from registry_flows.flows.train import train_flow

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

TOY = """
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///mlflow.db"
[models.toy]
recipe = "recipes:ToyRecipe"
data   = "rows.csv"
[models.toy.policy]
primary = { metric = "roc_auc" }
floors  = [ { metric = "roc_auc", min = 0.55 } ]
"""


@pytest.fixture
def toy_project(project):
    synthetic_rows().to_csv(project / "rows.csv", index=False)
    (project / "promotion.toml").write_text(TOY)
    return project


def failing_once(monkeypatch, name, *, after, of=train):
    """The step does its work, or does not, and then the run ends."""
    step, crashed = getattr(of, name), []

    def crash(*args, **kwargs):
        if crashed:
            return step(*args, **kwargs)
        crashed.append(name)
        if after:
            step(*args, **kwargs)
        raise DataError(f"the worker was lost {'after' if after else 'before'} {name}")

    monkeypatch.setattr(of, name, crash)
    return crashed


@pytest.mark.slow
def test_a_run_lost_at_every_step_saves_one_version_and_promotes_once(toy_project, monkeypatch):
    from mlflow import MlflowClient

    crashes = [
        failing_once(monkeypatch, "_log_training", after=True),
        failing_once(monkeypatch, "save_model", after=True),
        failing_once(monkeypatch, "register", after=True),
        failing_once(monkeypatch, "hand_off", after=True),
    ]
    again = train_flow.with_options(retries=len(crashes), retry_delay_seconds=0)
    candidate = again(None, "1.0.1", "prod", model="toy")

    assert [len(one) for one in crashes] == [1, 1, 1, 1]
    registry = promotion.open()
    (saved,) = registry.store.versions("toy")
    assert (str(saved.tag), saved.stage) == (candidate.tag, "prod")
    kinds = [entry.kind for entry in registry.history("toy")]
    assert kinds == ["registration", "decision", "transition_planned", "transition_applied"]
    assert candidate.decision.verdict == "promote"
    client = MlflowClient(f"sqlite:///{toy_project}/mlflow.db", f"sqlite:///{toy_project}/mlflow.db")
    (logged,) = client.search_runs([client.get_experiment_by_name("toy").experiment_id])
    assert logged.info.run_id == saved.metadata["mlflow_run_id"]
    assert logged.data.tags["prefect_flow_run_id"] == saved.metadata["prefect_flow_run_id"]
    assert registry.audit("toy") == ()


@pytest.mark.slow
def test_a_gate_that_is_retried_gives_its_decision(toy_project, monkeypatch):
    candidate = train_flow(None, "1.0.1", "staging", model="toy")
    failing_once(monkeypatch, "decision_artifacts", after=True, of=gate)
    retried = gate_flow.with_options(retries=1, retry_delay_seconds=0)
    assert retried(candidate.tag) == promotion.open().state("toy").versions[candidate.tag].decision
