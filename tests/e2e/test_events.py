"""Events and artifacts on a real Prefect server: from flow runs, from commands, and from an audit."""

import json
import time

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from situation import toy

import promotion
from promotion.config import Config
from promotion.registry.announced import files_in
from promotion.report.links import links_of
from promotion.vocabulary import Stage
from registry_flows.flows.audit import audit_flow
from registry_flows.flows.gate import gate_flow
from registry_flows.under_prefect.artifacts import key_of
from registry_flows.under_prefect.events import events_of
from registry_flows.under_prefect.links import mlflow_page
from registry_flows.under_prefect.listeners import spread

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

CONFIGURATION = """
ledger = "sqlite:///ledger.db"
mlflow_tracking_uri = "sqlite:///mlflow.db"
bentoml_home = "bentoml"
[models.toy]
recipe = "recipes:ToyRecipe"
data = "rows.csv"
[models.toy.policy]
primary = { metric = "roc_auc" }
floors = [ { metric = "roc_auc", min = 0.55 } ]
min_rows = 200
"""
PATIENCE_SECONDS = 60


@pytest.fixture
def folder(store, mlflow_uri, rows_file, tmp_path, prefect_server, monkeypatch):
    """A configured folder with five versions of `toy` in `staging`, with the test's Prefect server."""
    (tmp_path / "promotion.toml").write_text(CONFIGURATION)
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    with temporary_settings({PREFECT_API_URL: prefect_server, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield tmp_path


def wanted(ids):
    return {"filter": {"id": {"id": [str(one) for one in ids]}, "event": {"prefix": ["promotion."]}}}


def events(api, ids):
    """What the server has of these events, each by its id, once it has them all: it writes them down in batches."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    found = []
    while len(found) < len(ids) and time.monotonic() < deadline:
        time.sleep(0.2)
        found = httpx.post(f"{api}/events/filter", json=wanted(ids)).json()["events"]
    return {one["id"]: one for one in found}


def related(event, role):
    return [one["prefect.resource.name"] for one in event["related"] if one["prefect.resource.role"] == role]


def artifacts_of(run_id):
    with get_client(sync_client=True) as client:
        found = client.request(
            "POST", "/artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [str(run_id)]}}}
        ).json()
    return {one["key"]: one for one in found}


@pytest.mark.slow
def test_flow_runs_and_commands_tell_the_same_news_each_once(folder, prefect_server):
    gate_flow("toy:weak")
    registry = promotion.open()
    registry.gate(toy("spoilt"))
    gate_flow("toy:good")
    registry.rollback("toy", reason="complaints")
    history = registry.history("toy")
    expected = events_of(history, files_in(history, registry.state("toy"), registry.store))

    found = events(prefect_server, [one.id for one in expected])

    assert [(one.name.value, one.version) for one in expected] == [
        ("promotion.promoted", "toy:weak"),
        ("promotion.rejected", "toy:spoilt"),
        ("promotion.promoted", "toy:good"),
        ("promotion.rolled_back", "toy:weak"),
    ]
    for one in expected:
        there = found[str(one.id)]
        assert (there["event"], there["payload"]) == (one.name.value, one.payload)
        assert there["resource"] == {"prefect.resource.id": "promotion.model.toy", "prefect.resource.name": "toy"}
        assert related(there, "version") == [one.version]
        found_files = registry.store.digests(toy(one.version.partition(":")[2]))
        assert there["payload"]["digest"] == found_files.whole
        assert there["payload"]["path"] == str(registry.store.path(toy(one.version.partition(":")[2])))
    runs = [related(found[str(one.id)], "flow-run") for one in expected]
    assert runs == [["gate toy:weak"], [], ["gate toy:good"], []]

    spread(history, {})  # as from a sender that was killed before the answer
    registry.promote(toy("noisy"), reason="try it", override=True)
    ids = [one.id for one in events_of(registry.history("toy"), {})]
    assert len(events(prefect_server, ids)) == 5
    counted = httpx.post(f"{prefect_server}/events/count-by/event", json=wanted(ids)).json()
    assert {one["value"]: one["count"] for one in counted} == {
        "promotion.promoted": 3,
        "promotion.rejected": 1,
        "promotion.rolled_back": 1,
    }


def test_a_gate_shows_its_decision_its_checks_and_how_far_it_is(folder):
    gate_flow("toy:weak")
    state = gate_flow("toy:good", return_state=True)
    decision = state.result()

    shown = artifacts_of(state.state_details.flow_run_id)

    assert sorted(shown) == ["toy-checks", "toy-decision", "toy-gate-progress"]  # no link, because MLflow has no pages
    page = shown["toy-decision"]["data"]
    assert page.startswith("### PROMOTED: toy:good against toy:weak\n")
    assert decision.summary in page
    assert f"- Bento model `toy:good`, files in `{promotion.open().store.path(toy('good'))}`" in page
    assert decision.id in shown["toy-decision"]["description"]
    checks = json.loads(shown["toy-checks"]["data"])
    assert [(row["check"], row["outcome"]) for row in checks] == [
        (check.name, check.outcome.replace("_", " ")) for check in decision.checks
    ]
    assert shown["toy-gate-progress"]["data"] == 100.0
    assert shown["toy-gate-progress"]["description"] == "Gate of toy:good: done"


@pytest.mark.slow
def test_an_audit_that_found_something_is_shown_and_told(folder, prefect_server):
    gate_flow("toy:weak")
    registry = promotion.open()
    registry.store.write_stage(toy("weak"), Stage.ARCHIVED)

    state = audit_flow("toy", return_state=True)

    assert state.is_failed()
    table = json.loads(artifacts_of(state.state_details.flow_run_id)["toy-audit"]["data"])
    assert {row["code"] for row in table} == {"AUD010", "AUD015"}
    assert {row["mend"] for row in table if row["code"] == "AUD010"} == {
        finding.mend for finding in registry.audit("toy") if finding.code == "AUD010"
    }
    filtered = {
        "filter": {
            "event": {"name": ["promotion.audit_failed"]},
            "related": {"id": [f"prefect.flow-run.{state.state_details.flow_run_id}"]},
        }
    }
    deadline, told = time.monotonic() + PATIENCE_SECONDS, []
    while not told and time.monotonic() < deadline:
        time.sleep(0.2)
        told = httpx.post(f"{prefect_server}/events/filter", json=filtered).json()["events"]
    assert [one["payload"]["codes"] for one in told] == [["AUD010", "AUD015"]]


def test_the_decision_stands_where_prefect_takes_no_artifact(folder, monkeypatch, caplog):
    def refuses(*_, **__):
        raise httpx.ConnectError("connection refused by http://ann:hunter2@prefect/api")

    monkeypatch.setattr("registry_flows.under_prefect.artifacts.create_markdown_artifact", refuses)
    monkeypatch.setattr("registry_flows.under_prefect.artifacts.create_progress_artifact", refuses)
    assert gate_flow("toy:weak").verdict == "promote"
    assert str(promotion.open().champion("toy").tag) == "toy:weak"
    warned = [record.getMessage() for record in caplog.records if "artifact" in record.getMessage().lower()]
    sentence = "An artifact could not be written (connection refused by http://***@prefect/api); the run continues."
    assert warned == [sentence] * 2  # one warning for the progress, which then stops, and one for the decision


@pytest.mark.parametrize(
    ("uri", "page"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/#/experiments/1/runs/abc"),
        ("https://ann:hunter2@mlflow.example/team/?key=x", "https://mlflow.example/team/#/experiments/1/runs/abc"),
    ],
)
def test_the_link_to_mlflow_is_the_page_of_the_run_and_holds_no_secret(uri, page):
    assert (
        mlflow_page(links_of(Config(mlflow_tracking_uri=uri, models={})).mlflow, "experiments", "1", "runs", "abc")
        == page
    )


def test_an_artifacts_key_has_the_letters_that_prefect_takes():
    assert key_of("fraud_classifier.v2", "decision") == "fraud-classifier-v2-decision"
