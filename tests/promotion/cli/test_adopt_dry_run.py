"""`promotion adopt`: a dry run says what would be recorded and copied; what cannot serve is never taken in."""

import hashlib
import json
import sys

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from situation import toy
from sklearn.linear_model import LogisticRegression

from promotion.adapters.sql import SqlLedger
from promotion.canonical import plain
from promotion.vocabulary import Stage

pytestmark = pytest.mark.integration
FROM_MLFLOW = ("adopt", "--from-mlflow", "toy", "--assume-clean", "--reason", "serves since May")
ROWS = pd.DataFrame({"a": np.linspace(-1, 1, 90), "b": np.linspace(1, -1, 90)})


class Function(mlflow.pyfunc.PythonModel):
    """A model of code alone."""

    def __init__(self, kind):
        self.kind = kind

    def predict(self, context, model_input, params=None):
        if self.kind == "exit":
            sys.exit(3)
        return {
            "chance": 1 / (1 + np.exp(-model_input["a"])),
            "nan": np.full(len(model_input), np.nan),
            "words": ["yes"] * len(model_input),
            "three": np.full((len(model_input), 3), 1 / 3),
            "named": {"label": np.ones(len(model_input), dtype=int), "chances": np.array(model_input["a"])},
            "twice": {"one": np.zeros(len(model_input)), "two": np.ones(len(model_input))},
        }[self.kind]


@pytest.fixture
def in_mlflow(here, mlflow_uri):
    """Registers a model as version 1 of a name in MLflow, with the alias `champion`."""

    def register(kind, name="toy"):
        place = here / "theirs" / kind
        if kind in {"estimator", "wider"}:
            rows = ROWS if kind == "estimator" else ROWS.assign(c=1.0)
            mlflow.sklearn.save_model(
                LogisticRegression().fit(rows, rows["a"] > 0), place, serialization_format="cloudpickle",
                signature=mlflow.models.infer_signature(rows), pip_requirements=[],
            )  # fmt: skip
        else:
            mlflow.pyfunc.save_model(place, python_model=Function(kind), pip_requirements=[])
        client = MlflowClient(mlflow_uri, mlflow_uri)
        client.create_registered_model(name)
        client.create_model_version(name, place.as_uri())
        client.set_registered_model_alias(name, "champion", "1")
        return place

    return register


def everything(folder):
    """The content of every file, without SQLite's own notes and empty folders."""
    files = (one for one in folder.rglob("*") if one.is_file() and one.suffix not in {".db-wal", ".db-shm", ".lock"})
    return {one: hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


@pytest.mark.parametrize(
    "arguments",
    [
        FROM_MLFLOW,
        ("adopt", "toy:weak", "--trained-before", "1500", "--reason", "serves"),
        ("adopt", "toy", "--all"),
        ("adopt", "toy:good", "--served-from", "2026-05-01", "--served-until", "2026-06-01", "--reason", "I know"),
    ],
)
def test_a_dry_run_foresees_the_entries_and_changes_nothing(here, store, in_mlflow, command, arguments):
    in_mlflow("estimator")
    store.write_stage(toy("weak"), Stage.PROD)
    before = everything(here)
    code, out, _ = command(*arguments, "--dry-run", "--json")
    foreseen = json.loads(out)
    assert (code, foreseen["dry_run"], everything(here)) == (0, True, before)
    said = command(*arguments, "--dry-run")[1]
    assert said.startswith("Dry run: nothing was changed.")
    assert "would be recorded" in said

    code, out, _ = command(*arguments, "--json")
    done = json.loads(out)
    assert (code, done.pop("dry_run")) == (0, False)
    assert done.items() <= foreseen.items()
    recorded = [
        (entry.kind, plain(entry.content()))
        for entry in SqlLedger(f"sqlite:///{here}/ledger.db").entries("toy")
        if entry.kind != "transition_applied"
    ]
    for kind, body in recorded:  # a copy's description has the time of its making
        if kind == "registration" and body["tag"] == "toy:mlflow-1":
            body["digest"] = None
    for entry in foreseen["entries"]:
        if entry["body"].get("tag") == "toy:mlflow-1" and "digest" in entry["body"]:
            entry["body"]["digest"] = None
    assert [(entry["kind"], entry["body"]) for entry in foreseen["entries"]] == recorded


def test_the_page_of_a_copy_names_its_size_entries_and_origin(here, in_mlflow, command):
    in_mlflow("estimator")
    said = " ".join(command(*FROM_MLFLOW, "--dry-run")[1].split())
    assert "It would copy toy/1 from MLflow to toy:mlflow-1 (1." in said
    assert "registered toy:mlflow-1 (copied from MLflow's toy/1, training rows: unknown)" in said
    assert "adopted toy:mlflow-1 (assumed clean): serves since May" in said
    assert "adoption: toy:mlflow-1 staging → prod" in said
    assert command(*FROM_MLFLOW)[1] == "Copied toy/1 from MLflow to toy:mlflow-1. It is the champion.\n"
    assert command(*FROM_MLFLOW)[1] == "toy:mlflow-1 was already copied from MLflow. It is the champion.\n"
    assert "copied from     toy/1 in MLflow" in command("show", "toy:mlflow-1")[1]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("nan", "toy:mlflow-1 cannot serve: its scores for 100 of 100 rows are not numbers. Nothing was changed."),
        ("exit", "SystemExit: 3)."),
        ("wider", "DataError: Its signature names c, which the recipe's `load` does not return)."),
        ("words", "ValueError: could not convert string to float: 'yes')."),
        ("three", "The model gives 3 scores for each row, but the recipe's task is binary. Set the recipe's `task`"),
        ("twice", "The model has the outputs one, two, of which 2 can be scores. Choose one in the recipe's `score`."),
    ],
)
def test_a_model_that_cannot_serve_is_not_taken_in(here, store, in_mlflow, command, kind, sentence):
    in_mlflow(kind)
    before = everything(here)
    code, out, err = command(*FROM_MLFLOW)
    assert (code, out) == (1, "")
    assert sentence in " ".join(err.split())
    assert everything(here) == before
    assert [one.tag.version for one in store.versions("toy") if "mlflow" in one.tag.version] == []
    assert store.leftovers() == ()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda place: (place / "MLmodel").write_text("{{{{"), "BentoML cannot import the files from MLflow for toy"),
        (lambda place: (place / "python_model.pkl").write_bytes(b""), "Loading needs the packages and modules that"),
        (lambda place: place.rename(place.with_name("gone")), "Check that MLflow's artifact store has its files"),
    ],
)
def test_a_model_whose_files_are_damaged_is_not_taken_in(here, store, in_mlflow, command, damage, sentence):
    damage(in_mlflow("chance"))
    before = everything(here)
    code, _, err = command(*FROM_MLFLOW)
    assert (code, everything(here)) == (1, before)
    assert sentence in " ".join(err.split())


def test_of_several_named_outputs_the_only_numbers_are_scores(here, in_mlflow, command):
    in_mlflow("named")
    assert command(*FROM_MLFLOW)[0] == 0


def test_names_that_are_not_names_here_stay_apart(here, store, in_mlflow, command):
    for name in ("Churn Model", "churn-model", "Ünï 'x' {y}"):
        in_mlflow("chance" if name == "churn-model" else "named" if name[0] == "C" else "estimator", name)
        given = ("adopt", "toy", "--from-mlflow", f"{name}/1", "--assume-clean", "--reason", "a trial")
        assert command(*given)[0] == 0
    copies = [one.tag.version for one in store.versions("toy") if one.tag.version.startswith("mlflow-")]
    assert copies == ["mlflow-churn-model-1", "mlflow-churn-model-ad818ec4-1", "mlflow-n-x-y-4e155bf6-1"]
    code, _, err = command("adopt", "--from-mlflow", "Churn Model/1", "--assume-clean", "--reason", "a trial")
    assert code == 1
    assert "There is no configured model 'Churn Model'. Available: toy. If it has another name here" in err


def test_a_version_that_mlflow_registered_anew_is_not_taken_for_the_copy(here, in_mlflow, mlflow_uri, command):
    place = in_mlflow("chance")
    assert command(*FROM_MLFLOW)[0] == 0
    client = MlflowClient(mlflow_uri, mlflow_uri)
    run_id = client.create_run(client.create_experiment("another")).info.run_id
    client.delete_registered_model("toy")
    client.create_registered_model("toy")
    client.create_model_version("toy", place.as_uri(), run_id=run_id)
    code, _, err = command(*FROM_MLFLOW[:2], "toy/1", *FROM_MLFLOW[3:])
    assert code == 1
    assert "toy:mlflow-1 in the model store is a copy of toy/1 of another run, so toy/1 was not copied." in err
