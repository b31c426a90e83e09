"""Grouped rows, through the train flow, the gate, MLflow and an audit."""

import pytest
from recipes import rows_of_days

import promotion
from promotion.vocabulary import Tag, Verdict
from registry_flows.flows.train import train_flow

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

CONFIGURATION = """
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///mlflow.db"

[models.toy]
recipe   = "recipes:DaysRecipe"
data     = "rows.csv"
group    = "card"
clean_by = "group"
[models.toy.policy]
primary = { metric = "roc_auc" }
"""


@pytest.mark.slow
def test_no_card_that_trained_a_version_judges_it(project):
    """Of the 28 later days 16 have cards of the earlier ones, which trained both versions."""
    rows = rows_of_days()
    rows["card"] = (rows["t"] // 86400 % 40).map("card {}".format)
    rows.to_csv(project / "rows.csv", index=False)
    (project / "promotion.toml").write_text(CONFIGURATION)
    registry = promotion.open()
    first = train_flow(None, "1", model="toy", options={"uses": "p"})
    registry.promote(Tag.parse(first.tag), reason="the first", override=True)
    second = train_flow(None, "2", model="toy", options={"uses": "q"})

    assert len(registry.store.training_rows(Tag.parse(second.tag), by="card").groups) == 28
    decision = second.decision
    assert (decision.verdict, decision.holdout.rows, decision.holdout.removed) == (Verdict.HOLD, 12 * 60, 16 * 60)
    assert decision.evidence.dependence.said == "12 groups by card"
    run_id = registry.state("toy").versions[second.tag].registration.run_id
    assert _tags(project, run_id)["promotion.rows"] == (
        "Standard errors treat groups as independent: 12 groups by card, effective number 10.7 (Kish)."
    )
    found = registry.audit("toy", recompute=True)
    assert {one.code for one in found} <= {"AUD075"}  # later days have other cards, about which an audit warns


def _tags(project, run_id):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{project}/mlflow.db", f"sqlite:///{project}/mlflow.db").get_run(run_id).data.tags
