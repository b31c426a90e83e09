"""Servers and disks hold module names of an earlier release; `earlier.json` was written by that release."""

import json
import os
import subprocess
import sys
from base64 import b64decode, b64encode
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal
from prefect.flows import load_flow_from_entrypoint
from prefect.serializers import PickleSerializer

from registry_flows.fraud.data import write
from registry_flows.under_prefect.approval import Answer
from registry_flows.under_prefect.session import registry

EARLIER = json.loads(Path(__file__).with_name("earlier.json").read_text("ascii"))
ROOT = Path(__file__).parents[2]
POINTS = [(group, name) for group, names in EARLIER["entry points"].items() for name in names]
FLOWS = [(flow, entrypoint) for flow, entrypoints in EARLIER["entrypoints"].items() for entrypoint in entrypoints]
CONFIGURATION = """
[models.fraud_classifier]
recipe = "registry_flows.fraud:FraudRecipe"
data   = "transactions.csv"
[models.fraud_classifier.policy]
primary = { metric = "roc_auc" }
"""


def kept(name, key="0" * 64):
    """A result as Prefect stored it, on rows of this key."""
    content = b64decode(EARLIER["pickles"][name]).replace(b"0" * 64, key.encode())
    return PickleSerializer().loads(b64encode(content))


@pytest.mark.parametrize(("flow", "entrypoint"), FLOWS, ids=[one for _, one in FLOWS])
def test_a_deployment_made_earlier_runs_its_flow(flow, entrypoint, monkeypatch):
    monkeypatch.chdir(ROOT)  # a worker does so if a deployment names a file
    found = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    assert (found.name, found.isasync) == (flow, False)


def test_the_form_of_a_suspended_run_is_taken():
    """Its fields are as they were; the texts beside them may change."""
    form = Answer.with_initial_data(description="?").model_json_schema()
    for name, field in form["properties"].items():
        field["description"] = EARLIER["form"]["properties"][name]["description"]
    assert form == EARLIER["form"]
    assert Answer(**EARLIER["filled in"]).answer == "approve"


def test_rows_that_were_loaded_are_not_read_again(tmp_path, monkeypatch):
    (tmp_path / "promotion.toml").write_text(CONFIGURATION)
    write(tmp_path / "transactions.csv", 500)
    monkeypatch.chdir(tmp_path)
    _, read = registry().reader.load("fraud_classifier")
    loaded = kept("load_data", registry().reader.key("fraud_classifier", None))
    assert_frame_equal(loaded.data.rows, read.rows)


def test_results_that_a_project_persists_can_be_read():
    trained, retrained = kept("train"), kept("retrain-all")
    assert (trained.tag, trained.gate_run) == ("toy:good", "brave-otter")
    assert [one.verdict for one in retrained] == ["handed to the gate", "failed"]


@pytest.mark.parametrize(("group", "name"), POINTS, ids=[name for _, name in POINTS])
def test_an_installation_whose_metadata_is_old_finds_commands_and_listeners(group, name):
    assert callable(EntryPoint(name="", value=name, group=group).load())


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("data", "--rows", "0", "--out", "x.csv"), "Error: rows must be at least 1, got 0."),
        (("demo",), "Error: run the demo in the folder of the repository"),
        (("deploying",), "There is no prefect.yaml in "),
    ],
    ids=lambda one: one[0] if isinstance(one, tuple) else "",
)
def test_a_command_keeps_its_short_name(command, said, tmp_path):
    module, *options = command
    ended = subprocess.run(
        [sys.executable, "-m", f"registry_flows.{module}", *options],
        cwd=tmp_path,
        env={**os.environ, "PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert said in ended.stderr
