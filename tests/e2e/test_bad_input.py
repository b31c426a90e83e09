"""User mistakes at the command line: each gives one sentence and changes nothing."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from promotion.cli import run

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def everything_in(project):
    """Name, size and content of every file but the databases' own and logs; the ledger by its rows."""
    import sqlite3

    files = {
        str(path.relative_to(project)): path.read_bytes()
        for path in project.rglob("*")
        if path.is_file() and path.suffix in {".toml", ".yaml", ".pkl", ".npy"}
    }
    ledger = project / ".promotion" / "ledger.db"
    if ledger.exists():
        with sqlite3.connect(ledger) as connection:
            files["entries"] = connection.execute("select * from entries").fetchall()
    return files


def lines(project):
    return (project / "data/train_transaction.csv").read_text().splitlines(keepends=True)


def frame(project, rows=600):
    return pd.read_csv(project / "data/train_transaction.csv", nrows=rows)


def missing_file(project):
    return "nowhere.csv", "There is no data file at {project}/nowhere.csv."


def missing_column(project):
    frame(project).drop(columns="card4").to_csv("bad.csv", index=False)
    return "bad.csv", "{project}/bad.csv has no column 'card4', which the recipe needs."


def wrong_type(project):
    rows = frame(project)
    rows["TransactionAmt"] = rows["TransactionAmt"].astype(object)
    rows.loc[4, "TransactionAmt"] = "a lot"
    rows.to_csv("bad.csv", index=False)
    return "bad.csv", "Column 'TransactionAmt' of {project}/bad.csv must hold numbers, but row 5 holds 'a lot'."


def no_positives(project):
    frame(project).query("isFraud == 0").to_csv("bad.csv", index=False)
    return "bad.csv", "holds no positive rows (column 'isFraud' is 0 in all"


def one_row(project):
    frame(project, 1).to_csv("bad.csv", index=False)
    return "bad.csv", "{project}/bad.csv holds 1 row; training and evaluation need at least two."


def empty_label(project):
    rows = frame(project).astype({"isFraud": float})
    rows.loc[9, "isFraud"] = float("nan")
    rows.to_csv("bad.csv", index=False)
    return "bad.csv", "Column 'isFraud' of {project}/bad.csv must hold 0 or 1, but row 10 is empty."


def repeated_key(project):
    rows = frame(project)
    pd.concat([rows, rows.iloc[[2]]]).to_csv("bad.csv", index=False)
    return "bad.csv", "must be unique, but 1 of its values repeat an earlier one, first 2987002 in row 601."


def cut_short(project):
    whole = "".join(lines(project)[:500])
    (project / "bad.csv").write_text(whole[: len(whole) - 700])
    return "bad.csv", "{project}/bad.csv seems cut short: its last row has"


@pytest.mark.parametrize(
    "mistake",
    [missing_file, missing_column, wrong_type, no_positives, one_row, empty_label, repeated_key, cut_short],
)
def test_a_file_that_cannot_train(project, capsys, mistake):
    name, sentence = mistake(project)
    before = everything_in(project)
    assert run(["retrain", "fraud_classifier", "--data", name]) == 1
    complains(capsys, sentence.format(project=project))
    after = everything_in(project)
    after.pop("entries", None)
    assert after == before


def replaced(project, old, new):
    path = project / "promotion.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def unknown_key(project):
    replaced(project, "recipe =", "recpie =")
    return "unknown key 'recpie' in [models.fraud_classifier]; did you mean 'recipe'?"


def unknown_metric(project):
    replaced(project, '{ metric = "average_precision" }', '{ metric = "avrage_precision" }')
    return "There is no metric 'avrage_precision'. Did you mean 'average_precision'?"


def unknown_recipe(project):
    replaced(project, "registry_flows.fraud:FraudRecipe", "registry_flows.frod:FraudRecipe")
    return "The recipe 'registry_flows.frod:FraudRecipe' cannot be imported"


@pytest.mark.parametrize("mistake", [unknown_key, unknown_metric, unknown_recipe])
def test_a_configuration_that_cannot_be_followed(project, capsys, mistake):
    sentence = mistake(project)
    assert run(["retrain", "fraud_classifier"]) == 1
    complains(capsys, sentence)


def test_tags_that_name_no_version(project, capsys):
    assert run(["gate", "fraud_classifier:nobody"]) == 1
    complains(capsys, "There is no version of 'fraud_classifier'.")
    assert run(["gate", "Fraud Classifier"]) == 1
    complains(capsys, "There is no tag 'Fraud Classifier'. A tag is MODEL:VERSION in lower case")
    saved_elsewhere(project, "other_model", "one")
    assert run(["gate", "other_model:one"]) == 1
    complains(capsys, "There is no model 'other_model'. Available: fraud_classifier.")


def test_two_versions_labelled_prod(project, capsys):
    for version in ("one", "two"):
        saved_elsewhere(project, "fraud_classifier", version)
    assert run(["retrain", "fraud_classifier"]) == 1
    complains(capsys, "2 versions of 'fraud_classifier' have the label stage: prod (fraud_classifier:one, ")


def test_a_version_folder_without_its_description(project, capsys):
    torn = project / "bentoml" / "models" / "fraud_classifier" / "torn"
    torn.mkdir(parents=True)
    assert run(["gate", "fraud_classifier:torn"]) == 1
    complains(capsys, "fraud_classifier:torn has no model.yaml: its save was cut short")
    assert run(["audit"]) == 5
    assert "AUD013  fraud_classifier:torn" in capsys.readouterr().out


@pytest.mark.slow
def test_a_store_that_cannot_be_written(project):
    """As another user: root writes anywhere."""
    (project / "bentoml").write_text("a file where the store's folder should be")
    command = [sys.executable, "-m", "promotion", "retrain", "fraud_classifier"]
    from prefect.settings import PREFECT_API_URL

    environment = {**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value()}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"The model store cannot be written at {project}/bentoml" in done.stderr
    assert "Traceback" not in done.stderr


def saved_elsewhere(project, model, version):
    """A version as some other tool would leave it: labelled prod, unknown to the ledger."""
    folder = project / "bentoml" / "models" / model / version
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(
        f"name: {model}\nversion: {version}\nmodule: bentoml.sklearn\nlabels:\n  stage: prod\noptions: {{}}\n"
        "metadata: {}\nsignatures: {}\napi_version: v1\ncreation_time: '2026-11-22T11:14:54+00:00'\n"
        "context:\n  framework_name: sklearn\n  framework_versions: {scikit-learn: 1.9.1}\n"
    )


def complains(capsys, sentence):
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.err.startswith("Error: ")
    assert told.err.count("\n") == 1
    assert "Traceback" not in told.err
    assert told.out == ""
