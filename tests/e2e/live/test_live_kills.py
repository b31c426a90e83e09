"""Workers and the server are killed during runs; their work is finished, exactly once."""

import pytest
from servers import SECOND_TRY

from registry_flows.under_prefect.deploying import automations

pytestmark = [pytest.mark.slow, SECOND_TRY, pytest.mark.xdist_group("live"), pytest.mark.timeout(900)]


def assert_promoted_once(stack, model):
    """One version was saved, one decision and one promotion recorded, and nothing is left half-done."""
    registry = stack.registry()
    entries = registry.ledger.entries(model)
    assert list(stack.stages(model).values()) == ["prod"]
    assert [entry.kind for entry in entries] == [
        "registration",
        "decision",
        "transition_planned",
        "transition_applied",
    ]
    assert registry.audit(model) == ()
    assert len(stack.until(lambda: stack.events("promotion.promoted", model=model))) == 1


def tell_vanished(stack, run):
    """Hasten the automation that we ship for vanished runs: for this run, it waits 10 s (Prefect's least) from now."""
    (shipped,) = [one for one in automations(stack.folder / "automations.yaml") if one.name.endswith("vanished")]
    quick = shipped.model_dump(mode="json") | {"name": f"{shipped.name}, soon"}
    quick["trigger"] |= {"within": 10, "match": {"prefect.resource.id": f"prefect.flow-run.{run.id}"}}
    made = stack.post("/automations/", **quick)
    tags = [{"prefect.resource.id": "prefect.tag.promotion", "prefect.resource.role": "tag"}]
    stack.emit("prefect.flow-run.heartbeat", f"prefect.flow-run.{run.id}", related=tags)  # its last heartbeat
    stack.until(lambda: stack.run(run.id).state_name == "Rescheduled", about=lambda: stack.run(run.id).state)
    with stack.client() as client:
        client.delete_automation(made["id"])


def test_a_worker_that_is_killed_with_its_run_and_started_again_promotes_once(stack):
    run = stack.trigger("train/train-fraud-classifier", model="fraud_vanished", version="1.0.1")
    stack.until(lambda: logged(stack, "fraud_vanished"))  # a second or two before the end
    stack.workers["train"].kill()
    assert stack.run(run.id).state_name == "Running"
    tell_vanished(stack, run)
    stack.workers["train"].start()
    done = stack.wait(run.id, "COMPLETED")
    (tag,) = stack.stages("fraud_vanished")
    stack.gate_run(tag)
    assert done.run_count == 2
    (training,) = logged(stack, "fraud_vanished")
    assert training.info.run_id == stack.registry().state("fraud_vanished").versions[tag].registration.run_id
    assert_promoted_once(stack, "fraud_vanished")


def test_a_server_that_is_killed_during_the_gate_loses_nothing(stack):
    run = stack.trigger("train/train-fraud-classifier", model="fraud_stormy", version="1.0.1")
    stack.until(lambda: [one for one in stack.runs("gate") if is_running(one, "fraud_stormy")])
    stack.prefect.kill()
    stack.prefect.start()
    stack.prefect.wait()
    (tag,) = stack.stages("fraud_stormy")
    stack.gate_run(tag)
    stack.wait(run.id, "COMPLETED")
    assert_promoted_once(stack, "fraud_stormy")


def logged(stack, model):
    """The MLflow runs of a model's trainings."""
    from mlflow import MlflowClient

    mlflow = MlflowClient(stack.mlflow_url, stack.mlflow_url)
    experiment = mlflow.get_experiment_by_name(model)
    return mlflow.search_runs([experiment.experiment_id]) if experiment else ()


def is_running(run, model):
    return run["state_type"] == "RUNNING" and run["parameters"]["tag"].startswith(f"{model}:")
