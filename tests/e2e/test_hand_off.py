"""The hand-off from a training to a gate that another worker runs."""

import json

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter, FlowRunFilterTags
from prefect.exceptions import ObjectNotFound
from recipes import synthetic_rows
from schemas import check_output

import promotion
from promotion.cli import run
from registry_flows.flows.gate import gate_flow
from registry_flows.flows.train import train_flow
from registry_flows.under_prefect.hand_off import GATE, hand_off

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

TOY = """
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///mlflow.db"
hand_off = "deployment"
[models.{name}]
recipe = "recipes:ToyRecipe"
data   = "rows.csv"
[models.{name}.policy]
primary  = {{ metric = "roc_auc" }}
floors   = [ {{ metric = "roc_auc", min = 0.55 }} ]
approval = "{approval}"
"""


@pytest.fixture
def toy_project(project):
    synthetic_rows().to_csv(project / "rows.csv", index=False)
    return project


def configure(project, approval):
    """A model of a name of its own, since the server keeps the artifacts of other tests."""
    name = f"handed_{approval}"
    (project / "promotion.toml").write_text(TOY.format(name=name, approval=approval))
    return name


@pytest.fixture
def no_gate_deployment():
    with get_client(sync_client=True) as client:
        try:
            client.delete_deployment(client.read_deployment_by_name(GATE).id)
        except ObjectNotFound:
            return


@pytest.fixture
def gate_deployment(toy_project, no_gate_deployment):
    """A deployment without a worker: the test inspects the scheduled runs."""
    deployment = gate_flow.to_deployment(name="gate").apply()
    yield deployment
    with get_client(sync_client=True) as client:
        client.delete_deployment(deployment)


def run_of(tag):
    with get_client(sync_client=True) as client:
        (found,) = [one for one in client.read_flow_runs(limit=200) if one.name == f"gate {tag}"]
        return found


def runs_of(tag):
    """The runs with the tag of a version."""
    with get_client(sync_client=True) as client:
        wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"version:{tag}"]))
        return client.read_flow_runs(flow_run_filter=wanted)


def test_without_a_gate_nothing_is_trained_and_a_sentence_says_what_to_do(toy_project, no_gate_deployment, capsys):
    name = configure(toy_project, "automatic")
    assert run(["retrain", name]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "There is no deployment 'gate/gate' on the Prefect server http://127.0.0.1:" in told
    assert 'Create it with `make deploy` or `prefect deploy --all`, or set hand_off = "subflow".' in told
    assert promotion.open().store.versions(name) == ()


@pytest.mark.usefixtures("gate_deployment")
@pytest.mark.parametrize("approval", ["automatic", "required"])
def test_the_version_waits_for_a_run_of_the_gate_that_the_training_links_to(toy_project, approval, capsys):
    name = configure(toy_project, approval)
    assert run(["retrain", name, "--json"]) == 4
    told = check_output(["retrain"], capsys.readouterr().out)

    tag, registry = told["tag"], promotion.open()
    assert [(str(one.tag), one.stage) for one in registry.store.versions(name)] == [(tag, "staging")]
    assert registry.champion(name) is None
    gate = run_of(tag)
    assert gate.parameters == {"tag": tag}
    assert gate.state.is_scheduled()
    assert (gate.parent_task_run_id is None) == (approval == "required")  # Prefect does not suspend child runs
    assert told["gate_run"].endswith(f"/runs/flow-run/{gate.id}")
    with get_client(sync_client=True) as client:
        key = ArtifactFilterKey(any_=[f"{name}-gate".replace("_", "-")])
        (link,) = client.read_artifacts(artifact_filter=ArtifactFilter(key=key))
    assert f"[gate {tag}]({told['gate_run']})" in link.data

    again = hand_off(registry, promotion.Tag.parse(tag), gate_flow)
    assert (again.gate_run, run_of(tag).id) == (told["gate_run"], gate.id)

    told_by = [(one.name.partition(" ")[0], one.state.message, sorted(one.tags)) for one in runs_of(tag)]
    message = f"Handed to the gate: {tag}. Gate run: {told['gate_run']}"
    tags = [f"model:{name}", f"version:{tag}"]
    assert sorted(told_by) == [("retrain", message, tags), ("train", message, tags)]

    # With `stage="staging"` no gate judges the version; a dry run judges in its own process.
    ended = train_flow(None, "2", "staging", model=name, return_state=True)
    stopped = ended.result()
    assert (stopped.decision, stopped.gate_run) == (None, None)
    assert ended.message == f"Trained: {stopped.tag} is in staging. No gate was asked to judge it."
    assert run(["retrain", name, "--dry-run", "--json"]) == {"automatic": 0, "required": 4}[approval]
    assert json.loads(capsys.readouterr().out)["verdict"] == "promote"
