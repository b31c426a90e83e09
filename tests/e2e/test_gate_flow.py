"""The gate flow as a deployment on a real Prefect server: it suspends, asks people, and resumes."""

import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flow_runs import suspend_flow_run
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Scheduled
from situation import kinds, open_at, stages, toy

import promotion
from promotion.adapters.memory import MemoryMirror
from promotion.cli import run as main
from promotion.config import load_config
from promotion.errors import Refused
from registry_flows.flows.gate import gate_flow
from registry_flows.under_prefect.approval import resume_waiting

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

TESTS = Path(__file__).parents[1]
ENTRYPOINT = (
    "registry_flows.gate.gate_flow"  # of a deployment made by an earlier release, whose runs wait on the server
)
CONFIGURATION = """
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///mlflow.db"

[models.toy]
recipe = "recipes:ToyRecipe"
data   = "rows.csv"

[models.toy.policy]
primary       = { metric = "roc_auc" }
floors        = [ { metric = "roc_auc", min = 0.55 } ]
metrics       = ["roc_auc", "brier_score"]
min_rows      = 200
min_positives = 50
approval      = "required"
"""


@pytest.fixture
def waiting_room(tmp_path, store, rows_file, mlflow_uri, prefect_server, monkeypatch):
    """A project with champion `toy:weak` and required approvals, on the tests' Prefect settings."""
    (tmp_path / "promotion.toml").write_text(CONFIGURATION)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    with temporary_settings({PREFECT_API_URL: prefect_server, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        registry = promotion.open()
        registry.promote(toy("weak"), reason="to begin with", override=True)
        yield tmp_path


def asking(folder, **keys):
    """The policy with these keys more."""
    lines = "".join(f"{name} = {value}\n" for name, value in keys.items())
    (folder / "promotion.toml").write_text(CONFIGURATION + lines)


@pytest.fixture
def deployed(waiting_room):
    """Creates, executes and resumes runs of the gate's deployment, as the server and a worker do."""
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(gate_flow)
        deployment = client.create_deployment(flow_id, name="gate", entrypoint=ENTRYPOINT, path=str(waiting_room))
        yield Runs(client, deployment)


class Runs:
    def __init__(self, client, deployment):
        self.client, self.deployment = client, deployment

    def make(self, version="good", **parameters):
        run = self.client.create_flow_run_from_deployment(
            self.deployment, parameters={"tag": f"toy:{version}", **parameters}, state=Scheduled()
        )
        return run.id

    def execute(self, run_id):
        """Run it to its end or to its suspension; the state then."""
        run = self.client.read_flow_run(run_id)
        with suppress(Pause):
            run_flow(gate_flow, flow_run=run, parameters=run.parameters, return_type="state")
        return self.state(run_id)

    def shown(self, run_id):
        """Return what the list of runs shows: the state's name, its message up to the colon, and the run's tags."""
        run = self.client.read_flow_run(run_id)
        return run.state.name, str(run.state.message).partition(":")[0], sorted(run.tags)

    def state(self, run_id):
        return self.client.read_flow_run(run_id).state

    def answer(self, run_id, answer="approve", who="alice", why="the gain is worth it"):
        """Fill in the form, as the UI does; what the server says to it."""
        return self.client.resume_flow_run(run_id, run_input={"answer": answer, "who": who, "why": why})

    def question(self, run_id):
        """What the last form shows."""
        keyset = self.state(run_id).state_details.run_input_keyset
        found = self.client.filter_flow_run_input(run_id, keyset["description"], 1, set())
        return found[0].decoded_value


def recorded(registry, kind="approval"):
    return [(entry.actor, entry.body.get("approved")) for entry in registry.history("toy") if entry.kind == kind]


def in_a_process(run_id, folder):
    """Run it as a worker does, in a process of its own; its exit code."""
    environment = {
        **os.environ,
        "PREFECT__FLOW_ENTRYPOINT": ENTRYPOINT,
        "PYTHONPATH": str(TESTS),
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
    }
    command = [sys.executable, "-m", "prefect.engine", str(run_id)]
    return subprocess.run(command, env=environment, cwd=folder, check=False).returncode


def test_the_gate_suspends_frees_the_process_and_goes_on_with_the_answer_of_the_form(deployed, waiting_room):
    run = deployed.make()
    assert in_a_process(run, waiting_room) == 0
    registry = promotion.open()
    suspended = deployed.client.read_flow_run(run)
    assert set(suspended.tags) == {"model:toy", "version:toy:good", "verdict:waits-for-approval"}
    deployed.client.update_flow_run(run, tags=[*suspended.tags, "mine"])
    assert (deployed.state(run).name, stages(registry)["good"]) == ("Suspended", "staging")
    question = deployed.question(run)
    assert question.startswith("toy:good passed and waits for approval until 20")
    assert "1 approval is missing, from anyone but prefect:gate toy:good." in question
    assert "roc_auc" in question
    refused = deployed.answer(run, why="")
    assert (refused.status, "why" in refused.details.reason) == (SetStateStatus.REJECT, True)
    assert deployed.answer(run).status is SetStateStatus.ACCEPT
    assert deployed.execute(run).is_completed()
    tags = ["model:toy", "mine", "verdict:promoted", "version:toy:good"]
    assert deployed.shown(run) == ("Completed", "Promoted", sorted(tags))
    assert recorded(registry) == [("form:alice", True)]
    assert kinds(registry)[-4:] == ["decision", "approval", "transition_planned", "transition_applied"]
    assert stages(registry) == {"weak": "archived", "good": "prod"}


@pytest.mark.slow
def test_what_the_form_cannot_take_is_asked_again_with_the_reason_and_each_answer_counts_once(deployed, waiting_room):
    asking(waiting_room, approvers='["form:alice", "form:bob"]', min_approvals=2)
    run, registry = deployed.make(), promotion.open()
    deployed.execute(run)
    for who, answer, told in (
        ("eve", "approve", "The approvers of 'toy' are form:alice, form:bob, but you are form:eve."),
        (" \n ", "approve", "The form needs a name and a reason."),
        ("form:alice", "approve", "Approved so far by form:alice."),
        ("os:bob", "deny", "The approvers of 'toy' are form:alice, form:bob, but you are form:os:bob."),
        ("alice", "approve", "1 approval is missing, from form:bob. Approved so far by form:alice."),
    ):
        deployed.answer(run, answer, who=who)
        assert deployed.execute(run).name == "Suspended"
        assert told in deployed.question(run)
    assert stages(registry)["good"] == "staging"
    deployed.answer(run, who="bob")
    assert deployed.execute(run).is_completed()
    assert recorded(registry) == [("form:alice", True), ("form:bob", True)]
    assert stages(registry)["good"] == "prod"


@pytest.mark.slow
@pytest.mark.parametrize(("command", "stage"), [("approve", "prod"), ("deny", "rejected")])
def test_an_answer_at_the_command_line_ends_the_run_that_waits(deployed, monkeypatch, command, stage):
    run, registry = deployed.make(), promotion.open()
    deployed.execute(run)
    monkeypatch.setenv("PROMOTION_ACTOR", "bob")
    assert main([command, "toy:good", "--reason", "seen it"]) == 0
    assert deployed.state(run).name == "Resuming"
    before = kinds(registry)
    assert deployed.execute(run).is_completed()
    assert (kinds(registry), stages(registry)["good"]) == (before, stage)
    assert recorded(registry) == [("config:bob", command == "approve")]
    assert resume_waiting("toy:good") == 0


def test_a_denial_in_the_form_rejects(deployed):
    run, registry = deployed.make(), promotion.open()
    deployed.execute(run)
    deployed.answer(run, "deny", why="trained on the wrong month")
    assert deployed.execute(run).message == "Rejected: Denied by form:alice: trained on the wrong month"
    assert "verdict:rejected" in deployed.client.read_flow_run(run).tags
    assert (recorded(registry), stages(registry)["good"]) == ([("form:alice", False)], "rejected")


def test_what_nobody_answered_in_time_is_denied_once_and_a_late_approval_is_refused(deployed, waiting_room, store):
    long_ago = datetime.now(UTC) - timedelta(days=8)
    then = open_at(load_config(), store=store, mirror=MemoryMirror(), clock=lambda: long_ago)
    assert then.gate(toy("good")).waits
    registry = promotion.open()
    with pytest.raises(
        Refused, match=r"^toy:good passed and could be approved until 20.* UTC, 7d after the decision, but "
    ):
        registry.approve(toy("good"), reason="at last")
    for _ in range(2):
        assert deployed.execute(deployed.make(overdue=True)).is_completed()
    assert recorded(registry) == [("prefect:gate toy:good", False)]
    assert registry.history("toy")[-2].body["reason"] == "Nobody answered within 7d."
    assert (kinds(registry).count("decision"), stages(registry)["good"]) == (1, "rejected")


def test_a_run_that_failed_between_decision_and_suspension_goes_on_there(deployed, monkeypatch):
    def power_cut(**_):
        raise RuntimeError("the power went out")

    run, registry = deployed.make(), promotion.open()
    with monkeypatch.context() as patch:
        patch.setattr("registry_flows.under_prefect.approval.suspend_flow_run", power_cut)
        assert deployed.execute(run).is_failed()
    deployed.client.set_flow_run_state(run, Scheduled(), force=True)
    assert deployed.execute(run).name == "Suspended"
    assert kinds(registry).count("decision") == 1


def test_an_answer_that_comes_in_the_moment_of_suspension_is_seen(deployed, monkeypatch):
    def answered_meanwhile(**form):
        promotion.open().deny(toy("good"), reason="no")
        return suspend_flow_run(**form)

    run = deployed.make()
    monkeypatch.setattr("registry_flows.under_prefect.approval.suspend_flow_run", answered_meanwhile)
    assert deployed.execute(run).name == "Resuming"
    assert deployed.execute(run).is_completed()


def test_an_answer_to_a_decision_that_was_overtaken_counts_for_nothing(deployed):
    run, registry = deployed.make(), promotion.open()
    deployed.execute(run)
    registry.promote(toy("twin"), reason="in a hurry", override=True)
    deployed.client.set_flow_run_state(run, Scheduled(), force=True)
    deployed.execute(run)
    assert recorded(registry) == []
    decision = registry.state("toy").versions["toy:good"].decision
    assert (decision.champion.tag, decision.verdict) == ("toy:twin", "hold")


def test_run_twice_it_promotes_once_and_without_a_deployment_it_asks_nobody(waiting_room, caplog):
    assert gate_flow("toy:good").waits
    decision = promotion.open().state("toy").versions["toy:good"].decision
    told = [record.getMessage() for record in caplog.records if record.name == "prefect.flow_runs"]
    assert told.count(f"Waits for approval toy:good: {decision.summary}") == 1
    registry = promotion.open()
    assert stages(registry)["good"] == "staging"
    (waiting_room / "promotion.toml").write_text(CONFIGURATION.replace('"required"', '"automatic"'))
    ended = gate_flow("toy:noisy", return_state=True)
    first, held = ended.result(), kinds(registry)
    assert ended.message == f"Rejected: {first.summary}"
    assert (gate_flow("toy:noisy").digest, kinds(registry)) == (first.digest, held)
    promoted, after = gate_flow("toy:twin"), kinds(registry)
    assert (promoted.verdict, after[-2:]) == ("promote", ["transition_planned", "transition_applied"])
    assert (gate_flow("toy:twin").digest, kinds(registry)) == (promoted.digest, after)
