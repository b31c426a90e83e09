"""A dry run of a training does all of its steps and keeps no result."""

import sqlite3

import pytest
from schemas import check_output
from situation import snapshot

import promotion
from promotion.cli import run

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def rows_of(database):
    """Every row of every table."""
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return {table: connection.execute(f'select * from "{table}"').fetchall() for table in tables}


def what_is_kept(project):
    return (
        rows_of(project / "mlflow.db"),
        rows_of(project / ".promotion/ledger.db"),
        snapshot(project / "bentoml" / "models"),
        snapshot(project / "bentoml" / "tmp"),
    )


def answer(capsys, *arguments):
    words = ["retrain", "fraud_classifier", "--json", *arguments]
    return run(words), check_output(words, capsys.readouterr().out)


@pytest.mark.usefixtures("project")
def test_a_dry_run_decides_as_the_real_one_will_and_leaves_no_trace(project, capsys):
    assert run(["retrain", "fraud_classifier", "--version", "1"]) == 0
    capsys.readouterr()
    before = what_is_kept(project)

    dry_code, dry = answer(capsys, "--version", "2", "--option", "seed=28", "--dry-run")
    assert dry["dry_run"] is True
    assert what_is_kept(project) == before

    code, real = answer(capsys, "--version", "2", "--option", "seed=28")
    assert (dry_code, dry["verdict"], dry["checks"]) == (code, real["verdict"], real["checks"])
    assert dry["champion"] == real["champion"]
    assert real["tag"] in promotion.open().state("fraud_classifier").versions
    assert dry["tag"] not in promotion.open().state("fraud_classifier").versions


@pytest.mark.slow
def test_the_first_model_can_be_tried_dry_too(project, capsys):
    code, dry = answer(capsys, "--dry-run")
    assert (code, dry["verdict"], dry["champion"]) == (0, "promote", None)
    assert promotion.open().champion("fraud_classifier") is None
    assert not (project / "bentoml" / "models").exists()
