"""The unattended loop: the API triggers a training, and workers, servers and automations do the rest."""

import pytest
from servers import SECOND_TRY

pytestmark = [pytest.mark.slow, SECOND_TRY, pytest.mark.xdist_group("live"), pytest.mark.timeout(900)]

MODEL = "fraud_classifier"


def test_a_candidate_is_trained_judged_elsewhere_promoted_and_audited_and_the_next_ones_too(stack):
    run, first = stack.train(MODEL)
    gate = stack.gate_run(first)
    assert run.name == "train fraud_classifier 1.0.1"
    assert gate["name"] == f"gate {first}"
    assert_it_serves(stack, first, by={f"prefect:{run.name}", f"prefect:{gate['name']}"})
    assert_two_workers_ran_them_apart(stack, run, gate)
    assert {"markdown", "table"} <= {one["type"] for one in stack.artifacts(gate["id"])}
    assert_the_report_is_linked(stack, first, gate)
    assert_told_and_audited(stack, first)

    # On the same rows, the next training gives the same model, which is no gain.
    _, second = stack.train(MODEL, version="1.0.2")
    stack.gate_run(second)
    assert stack.stages(MODEL) == {first: "prod", second: "staging"}
    (held,) = stack.until(lambda: stack.events("promotion.held", model=MODEL))
    assert held["payload"]["tag"] == second

    # An event brings data of sixty days instead of fifteen; automations trigger what follows.
    stack.emit("data.arrived", f"promotion.model.{MODEL}", data_path="data/sixty_days.csv")
    (third,) = stack.until(lambda: set(stack.stages(MODEL)) - {first, second})
    judged = stack.gate_run(third)
    (trained,) = [run for run in stack.runs("train") if run["parameters"]["data_path"] == "data/sixty_days.csv"]
    assert trained["created_by"]["type"] == "AUTOMATION"
    assert judged["state_type"] == "COMPLETED"
    assert stack.registry().state(MODEL).versions[third].decision is not None
    assert stack.registry().audit(MODEL) == ()


def assert_the_report_is_linked(stack, tag, gate):
    """Prefect's page of the gate leads to the report in MLflow."""
    from mlflow import MlflowClient

    version = stack.registry().state(MODEL).versions[tag]
    run_id, path = version.registration.run_id, f"decisions/{version.decision.id}.html"
    links = [one["data"] for one in stack.artifacts(gate["id"]) if one["key"] == "fraud-classifier-report"]
    assert len(links) == 1
    assert f"{stack.mlflow_url}/#/experiments/" in links[0]
    assert f"/runs/{run_id}/artifacts/{path})" in links[0]
    found = MlflowClient(stack.mlflow_url, stack.mlflow_url).list_artifacts(run_id, "decisions")
    assert path in {one.path for one in found}


def assert_it_serves(stack, tag, *, by):
    """Labels, ledger and MLflow agree on the champion, and the ledger names the runs that acted."""
    from mlflow import MlflowClient

    registry = stack.registry()
    assert stack.stages(MODEL) == {tag: "prod"}
    assert str(registry.champion(MODEL).tag) == tag
    assert {entry.actor for entry in registry.ledger.entries(MODEL)} == by
    mlflow = MlflowClient(stack.mlflow_url, stack.mlflow_url)
    version = mlflow.get_model_version_by_alias(MODEL, "champion")
    assert version.tags["promotion.tag"] == tag
    assert version.run_id == registry.state(MODEL).versions[tag].registration.run_id


def assert_two_workers_ran_them_apart(stack, run, gate):
    assert stack.worker_of(run.id) == "worker-train"
    assert stack.worker_of(gate["id"]) == "worker-gate"
    # The graph of the train run links to the gate run, which is the child of one of its task runs.
    (parent,) = stack.post("/task_runs/filter", task_runs={"id": {"any_": [gate["parent_task_run_id"]]}})
    assert parent["flow_run_id"] == str(run.id)


def assert_told_and_audited(stack, tag):
    """One event tells of the promotion, and it started an audit."""
    (event,) = stack.until(lambda: stack.events("promotion.promoted", model=MODEL))
    assert event["payload"]["tag"] == tag
    audits = stack.until(lambda: [run for run in stack.runs("audit") if is_automatic(run, MODEL)])
    stack.wait(audits[0]["id"], "COMPLETED")


def is_automatic(run, model):
    return run["created_by"]["type"] == "AUTOMATION" and run["parameters"]["model"] == model


def test_what_is_deployed_again_is_there_once(stack):
    def deployed():
        automations = stack.post("/automations/filter", limit=200)
        deployments = stack.post("/deployments/filter", limit=200)
        return sorted(one["name"] for one in (*automations, *deployments))

    before = deployed()
    again = stack.deploy()
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Updated the automation 'promotion: a run vanished'." in again.stdout
    assert deployed() == before
    assert len(set(before)) == len(before)
