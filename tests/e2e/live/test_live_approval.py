"""Approvals on the live stack: in Prefect's UI, on the command line, and overdue ones."""

import re
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from chromium import DESKTOP, SCREENSHOTS, chromium
from prefect.states import Suspended
from servers import SECOND_TRY

from promotion.registry.registry import Registry
from promotion.vocabulary import Tag

pytestmark = [pytest.mark.slow, SECOND_TRY, pytest.mark.xdist_group("live"), pytest.mark.timeout(600)]

DOUBTED_MODEL = """
[models.fraud_doubted]
recipe = "registry_flows.fraud:FraudRecipe"
data   = "data/train_transaction.csv"

[models.fraud_doubted.policy]
primary = { metric = "average_precision" }
floors  = [ { metric = "roc_auc", min = 0.6 } ]
approval = "required"
approval_timeout = "2d"
"""
PATIENCE_MILLISECONDS = 120_000
REVIEWED = "fraud_reviewed"


@pytest.fixture(scope="module")
def doubted(stack):
    """The name of a model without a champion, so that every decision on it is `promote`, and waits."""
    with (stack.folder / "promotion.toml").open("a") as file:
        file.write(DOUBTED_MODEL)
    return "fraud_doubted"


def test_a_person_approves_by_clicking_in_the_ui(stack):
    tag = trained(stack, REVIEWED, "clicked")
    gate = suspended_gate(stack, tag)
    assert gate.state.name == "Suspended"
    stack.until(
        lambda: not processes_of(gate, stack.workers["gate"]), about=lambda: "the suspended run keeps a process"
    )
    assert stack.registry().champion(REVIEWED) is None

    with prefect_ui(stack) as page:
        open_run(page, stack, gate)
        page.get_by_role("tab", name="Artifacts").click()
        page.get_by_role("link", name="fraud-reviewed-decision").click()
        page.get_by_role("main").get_by_role("link", name=re.compile(r"^[0-9a-f]{8}$")).first.click()
        page.get_by_text("the policy requires a value above 0.6").first.wait_for()
        keep(page, "decision_artifact")

        open_run(page, stack, gate)
        page.get_by_role("main").get_by_role("button", name="Open menu").click()
        page.get_by_role("menuitem", name="Resume").click()
        form = page.get_by_role("dialog", name="Resume Flow Run")
        form.get_by_text(tag).first.wait_for()
        form.get_by_role("button", name="Select Answer").click()
        page.get_by_role("option", name="approve").click()
        form.get_by_role("textbox", name="Who").fill("alice")
        form.get_by_role("textbox", name="Why").fill("the floors hold, and support is told")
        keep(page, "approval_form")
        form.get_by_role("button", name="Resume").click()
        page.get_by_text("Flow run resumed").wait_for()

        stack.wait(gate.id, "COMPLETED")
        open_run(page, stack, gate)
        page.get_by_text("Completed").first.wait_for()
        keep(page, "approved_run")

    assert str(stack.registry().champion(REVIEWED).tag) == tag
    approval = answer_to(stack, tag)
    assert (approval.actor, approval.body["approved"]) == ("form:alice", True)
    assert approval.body["reason"] == "the floors hold, and support is told"


def test_a_denial_on_the_command_line_ends_the_run_that_waits(stack, doubted):
    tag = trained(stack, doubted, "denied")
    gate = suspended_gate(stack, tag)
    done = stack.promotion("deny", tag, "--reason", "the data of that week were wrong")
    assert done.returncode == 0, done.stderr
    stack.wait(gate.id, "COMPLETED")
    assert answer_to(stack, tag).actor.startswith("os:")
    assert stage_of(stack, tag) == "rejected"


def test_nobody_answers_in_time_and_that_denies(stack, doubted):
    tag = trained(stack, doubted, "unanswered", stage="staging")
    assert open_at(stack, lambda: datetime.now(UTC) - timedelta(hours=36)).gate(Tag.parse(tag)).waits
    stack.trigger("gate/gate", tag=tag)
    gate = suspended_gate(stack, tag)
    time_is_over(stack, gate)
    failed = stack.wait(gate.id, "FAILED")
    assert failed.state.message == "The flow was paused and never resumed."
    denial = stack.until(lambda: answer_to(stack, tag), about=lambda: "no denial was recorded")
    assert (denial.body["approved"], denial.body["reason"]) == (False, "Nobody answered within 1d.")
    assert denial.actor == f"prefect:gate {tag}"
    assert stage_of(stack, tag) == "rejected"
    late = stack.promotion("approve", tag, "--reason", "better late than never")
    assert late.returncode == 1
    assert "was denied by prefect:gate" in late.stderr


@contextmanager
def prefect_ui(stack):
    """A page of Chromium that is logged in to the server."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": DESKTOP, "height": 900})
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        try:
            page.goto(f"{stack.ui_url}/v2/login")
            page.get_by_placeholder("admin:pass").fill(stack.auth)
            page.get_by_role("button", name="Login").click()
            page.get_by_role("link", name="Dashboard").wait_for()
            yield page
        finally:
            keep(page, "last_seen")


def open_run(page, stack, run):
    page.goto(f"{stack.ui_url}/v2/runs/flow-run/{run.id}")
    page.get_by_role("tab", name="Logs").wait_for()


def keep(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def trained(stack, model, version, stage="prod"):
    """Tag of the version that a training on the worker left."""
    run = stack.trigger("train/train-fraud-classifier", version=version, stage=stage, model=model)
    stack.wait(run.id, "COMPLETED")
    registered = [entry.body for entry in stack.registry().history(model) if entry.kind == "registration"]
    return next(body["tag"] for body in registered if body["version"] == version)


def processes_of(run, worker):
    """Those of a worker that execute this run."""
    found = []
    for one in psutil.Process(worker.process.pid).children(recursive=True):
        with suppress(psutil.Error):  # the process ended meanwhile
            found += [one] if one.environ().get("PREFECT__FLOW_RUN_ID") == str(run.id) else []
    return found


def suspended_gate(stack, tag):
    """The gate's run of a version, once it waits for an answer."""
    name = f"gate {tag}"
    ids = stack.until(
        lambda: [run["id"] for run in stack.runs("gate") if run["name"] == name], about=lambda: f"no {name}"
    )
    return stack.wait(ids[0], "PAUSED")


def open_at(stack, clock):
    """A registry on the project whose entries are dated by another clock, and which tells nobody of them."""
    real = stack.registry()
    return Registry(
        real.config,
        store=real.store,
        ledger=real.ledger,
        mirror=real.mirror,
        actor=lambda: "os:test",
        clock=clock,
    )


def time_is_over(stack, gate):
    """Bring the end of the waiting here, for the policy and for Prefect, whose server then sees it by itself."""
    file = stack.folder / "promotion.toml"
    new = file.with_suffix(".new")
    new.write_text(file.read_text().replace('approval_timeout = "2d"', 'approval_timeout = "1d"'))
    new.replace(file)
    with stack.client() as client:
        client.set_flow_run_state(gate.id, Suspended(timeout_seconds=1), force=True)


def answer_to(stack, tag):
    """The last answer to the decision on a version; None when there is none."""
    history = stack.registry().history(Tag.parse(tag).model)
    return next((one for one in reversed(history) if one.kind == "approval" and one.body["tag"] == tag), None)


def stage_of(stack, tag):
    return str(stack.registry().state(Tag.parse(tag).model).versions[tag].stage)
