"""A regression model, and a classifier of ten classes: trained, logged, judged, promoted, rejected."""

import json

import pytest
from public_recipes import write_diabetes, write_digits

import promotion
from promotion.cli import run
from promotion.vocabulary import Verdict
from registry_flows.flows.train import train_flow

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

CONFIGURATION = """
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///mlflow.db"

[models.diabetes]
recipe = "public_recipes:DiabetesRecipe"
data   = "diabetes.csv"
[models.diabetes.policy]
primary    = { metric = "rmse", min_gain = 1.0 }
guardrails = [ { metric = "mae", max_loss = 1.0 } ]
slices     = [ { by = "sex", metric = "rmse", max_loss = 5.0, min_rows = 50 } ]
floors     = [ { metric = "r2", min = -0.2 } ]
min_rows   = 100

[models.digits]
recipe = "public_recipes:DigitsRecipe"
data   = "digits.csv"
[models.digits.policy]
primary    = { metric = "log_loss" }
guardrails = [ { metric = "balanced_accuracy", max_loss = 0.02 }, { metric = "f1_macro", max_loss = 0.02 } ]
floors     = [ { metric = "accuracy", min = 0.3 } ]
"""
BY_SEX = {"slice rmse where sex = 1": "passed", "slice rmse where sex = 2": "passed"}


@pytest.fixture
def hospital(project):
    (project / "promotion.toml").write_text(CONFIGURATION)
    write_diabetes(project / "diabetes.csv")
    write_digits(project / "digits.csv")
    return project


@pytest.mark.parametrize(
    ("model", "poor", "good", "primary", "rows", "slices"),
    [
        ("diabetes", {"measurements": 2}, {"measurements": 10}, "rmse", 442, BY_SEX),
        ("digits", {"images": 60}, {"images": 2000}, "log_loss", 1797, {}),
    ],
)
def test_the_whole_way(hospital, capsys, model, poor, good, primary, rows, slices):
    first = train_flow(None, "1", model=model, options=poor)
    better = train_flow(None, "2", model=model, options=good)
    worse = train_flow(None, "3", model=model, options=poor)

    verdicts = [candidate.decision.verdict for candidate in (first, better, worse)]
    assert verdicts == [Verdict.PROMOTE, Verdict.PROMOTE, Verdict.REJECT]
    registry = promotion.open()
    assert str(registry.champion(model).tag) == better.tag
    assert registry.audit(model) == ()
    decision = better.decision
    assert decision.deciding.subject == primary
    assert decision.evidence[primary].gain > 0
    assert (decision.holdout.positives, decision.evidence.positives) == (None, None)
    assert {check.name: check.outcome.value for check in decision.checks if check.kind == "slice"} == slices
    assert 0.4 * rows < decision.holdout.rows < 0.6 * rows
    logged = _logged(hospital, registry.state(model).versions[better.tag].registration.run_id)
    assert logged[f"holdout_{primary}"] == decision.evidence[primary].challenger == logged[f"gate_{primary}"]
    assert not {"training_positives", "holdout_positives"} & set(logged)

    capsys.readouterr()
    assert run(["show", better.tag]) == 0
    assert primary in capsys.readouterr().out
    assert run(["compare", first.tag, better.tag, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["task"] == registry.state(model).versions[better.tag].decision.evidence.task


def test_money_and_slices_are_logged_mirrored_and_audited(project):
    (project / "promotion.toml").write_text("""
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///mlflow.db"

[models.fraud_classifier]
recipe = "registry_flows.fraud:FraudRecipe"
data   = "data/train_transaction.csv"
[models.fraud_classifier.policy]
primary = { metric = 'expected_cost(fp=5, fn="TransactionAmt")' }
floors  = [ { metric = "roc_auc", min = 0.5 } ]
slices  = [ { by = "ProductCD", metric = "roc_auc", max_loss = 0.05 } ]
metrics = ["recall_at_fpr(0.05)", "average_precision"]
""")
    train_flow(None, "1", options={"n_estimators": 2, "max_depth": 1})
    second = train_flow(None, "2")
    decision, registry = second.decision, promotion.open()
    assert registry.audit("fraud_classifier") == ()
    logged = _logged(project, registry.state("fraud_classifier").versions[second.tag].registration.run_id)
    money = decision.evidence['expected_cost(fp=5, fn="TransactionAmt")']
    assert logged["gate_expected_cost_fp_5_fn_TransactionAmt_gain"] == money.gain
    assert logged["holdout_recall_at_fpr_0.05"] == decision.evidence["recall_at_fpr(0.05)"].challenger
    assert {part.by for part in decision.evidence.slices} == {"ProductCD"}
    assert sum(part.rows for part in decision.evidence.slices) == decision.evidence.rows == 7500


def _logged(project, run_id):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{project}/mlflow.db", f"sqlite:///{project}/mlflow.db").get_run(run_id).data.metrics
