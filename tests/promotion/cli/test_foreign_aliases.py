"""Output of the commands about MLflow aliases that this ledger never sent."""

import json
import re

import pytest
from situation import snapshot

from promotion.adapters.sql import SqlLedger

pytestmark = pytest.mark.integration

OPTIONS = "Run `promotion retrain toy`. In this state, it only lists your options and changes nothing."
UNKNOWN = "In MLflow, the alias champion of 'toy' points to version 1, but the ledger has no champion of 'toy'."


@pytest.fixture
def champion_of_others(here, mlflow):
    mlflow.create_registered_model("toy")
    mlflow.create_model_version("toy", source="file:///nowhere")
    mlflow.set_registered_model_alias("toy", "champion", "1")


def test_an_audit_names_no_repair_while_their_champion_is_unknown(champion_of_others, command, mlflow):
    mlflow.set_registered_model_alias("toy", "challenger", "1")
    audited = " ".join(command("audit", "toy")[1].split())
    assert audited.count(f"fix: {OPTIONS}") == 2
    assert "promotion repair" not in audited
    code, out, err = command("repair", "toy", "--yes")
    assert (code, out) == (0, "toy: all labels agree with the ledger\n")
    both = "points to version 1 (challenger to version 1), but the ledger has no champion of 'toy'."
    assert err == f"Note: AUD038: In MLflow, the alias champion of 'toy' {both} {OPTIONS}\n"


def alias(mlflow):
    return mlflow.get_model_version_by_alias("toy", "champion").tags.get("promotion.tag", "theirs")


@pytest.mark.slow
def test_a_champion_that_the_ledger_does_not_know_stops_commands_until_a_fresh_start(
    here, champion_of_others, command, mlflow
):
    command("status")  # creates the ledger
    before = snapshot(here)
    dry = command("gate", "toy:weak", "--dry-run")
    assert snapshot(here) == before
    assert command("gate", "toy:weak") == dry
    promoted = command("promote", "toy:weak", "--override", "--yes", "--reason", "r")
    for code, out, err in (dry, promoted):
        assert (code, out) == (1, "")
        assert err.startswith(
            f"Error: {UNKNOWN} Nothing was promoted or sent to MLflow. To continue, do one of the following:\n- To keep"
        )
    code, out, err = command("sync")
    assert (code, out, err.split(". ")[0]) == (1, "toy: not updated\n", f"Note: {UNKNOWN[:-1]}")
    notes = json.loads(command("status", "--json")[1])["notes"]
    assert notes == [f"AUD038: {UNKNOWN} {OPTIONS}"]
    assert command("audit")[1].count("AUD038") == 1

    anew = ["gate", "toy:weak", "--start-anew", "--reason", "the old one is retired"]
    assert command(*anew, "--dry-run")[0] == 0
    assert alias(mlflow) == "theirs"
    assert command(*anew)[::2] == (0, "")
    assert alias(mlflow) == "toy:weak"
    recorded = command("history", "toy", "--json")[1]
    code, _, err = command(*anew[:-1], "another reason")
    assert (code, command("history", "toy", "--json")[1]) == (1, recorded)
    assert err.startswith(
        "Note: --start-anew was not needed: the ledger already has the champion toy:weak. No fresh start was recorded with the "
        "reason 'another reason'.\n"
    )
    history = " ".join(command("history", "toy")[1].split())
    assert "started anew (MLflow's aliases: champion toy/1): the old one is retired" in history
    assert command("gate", "toy:good")[::2] == (0, "")
    (note,) = json.loads(command("status", "--json")[1])["notes"]
    assert re.match(r"The last audit of toy, at 2.* had 1 finding \(AUD038\)\.", note)
    assert command("sync")[0] == 0


def test_what_others_deleted_in_mlflow_is_not_up_to_date_until_repair_sends_it_again(with_champion, command, mlflow):
    assert command("sync")[0] == 0
    mlflow.delete_registered_model("toy")
    told = (
        "Note: MLflow no longer shows entry 4 of 'toy', which it had received: somebody deleted it or restored a "
        "backup. Run `promotion audit toy` to see what to do.\n"
    )
    assert command("sync") == (1, "toy: not updated\n", told)
    assert "AUD037" in command("audit")[1]
    assert command("repair", "--yes")[0] == 0
    assert command("sync")[0] == 0
    assert alias(mlflow) == "toy:weak"


@pytest.mark.parametrize(
    ("half", "told"),
    [
        (["--start-anew"], "--start-anew needs a reason, which is recorded. Add --reason 'why'."),
        (
            ["--reason", "r"],
            "--reason is only for --start-anew, which was not given. Leave out --reason, or give both.",
        ),
    ],
)
def test_a_fresh_start_and_its_reason_are_given_together(here, command, half, told):
    assert command("gate", "toy:weak", *half) == (2, "", f"Error: {told}\n")


def test_an_alias_that_others_moved_is_told_until_repair_writes_it(with_champion, command, mlflow):
    mlflow.set_registered_model_alias("toy", "champion", mlflow.create_model_version("toy", source="file:///x").version)
    told = (
        "AUD038: This ledger did not set these aliases of 'toy' in MLflow: champion points to version 2, but should "
        "point to toy:{}. They were not changed. Run `promotion repair toy` to restore them."
    )
    assert command("sync") == (
        5,
        "toy: up to date, except for champion (AUD038)\n",
        f"Note: {told.format('weak')}\n",
    )
    code, out, err = command("gate", "toy:good")
    assert (code, out.splitlines()[0], err) == (
        0,
        "PROMOTED  toy:good against toy:weak",
        f"Note: {told.format('good')}\n",
    )
    assert json.loads(command("status", "--json")[1])["notes"] == [told.format("good")]
    assert command("audit")[0] == 5
    assert json.loads(command("sync", "--json")[1]) == {"toy": False}
    shown = "toy: aliases in MLflow: champion toy/2 → toy:good"
    assert command("repair")[0] == 2
    assert alias(mlflow) == "theirs"
    assert command("repair", "--dry-run")[1].splitlines()[-1] == shown
    assert command("repair", "--yes") == (0, f"{shown}\nRepaired.\n", "")
    assert alias(mlflow) == "toy:good"
    assert command("sync") == (0, "toy: up to date\n", "")
    (note,) = json.loads(command("status", "--json")[1])["notes"]
    assert re.match(r"The last audit of toy, at 2.* had 4 findings \(AUD015, AUD038\)\.", note)


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        (
            "sqlite:////{here}/unmounted/mlflow.db",
            "there is no folder {here}/unmounted. Mount it, or create it if you want a new MLflow database there.",
        ),
        ("sqlite+pysqlite:////{here}/a/b/mlflow.db?timeout=5", "there is no folder {here}/a/b. Mount it, or create it"),
        (
            "sqlite:///rows.csv/mlflow.db",
            "the file does not exist, and cannot be created in {here}/rows.csv (Not a directory).",
        ),
    ],
)
def test_a_database_of_mlflow_that_cannot_be_there_yet_is_no_first_day(here, command, monkeypatch, uri, why):
    SqlLedger(f"sqlite:///{here / 'ledger.db'}").make()
    before = snapshot(here)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(here=str(here)[1:]))
    for arguments in (["gate", "toy:good"], ["promote", "toy:good", "--override", "--yes", "--reason", "r"]):
        code, out, err = command(*arguments)
        assert (code, out) == (1, "")
        assert err.startswith("Error: MLflow at sqlite")
        assert f" cannot be reached: {why.format(here=here)}" in err
        assert " The ledger has no champion of 'toy', but MLflow may have one." in err
        assert snapshot(here) == before
    code, out, err = command("audit", "toy")
    assert (code, why.format(here=here)[:20] in " ".join(out.split())) == (5, True)


def test_the_embedded_mlflow_is_a_first_day_with_or_without_its_folder(here, command, monkeypatch):
    for uri in ("sqlite:///.promotion/mlflow.db", "sqlite:///new.db"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        assert command("gate", "toy:good", "--dry-run")[0] == 0
    assert not (here / ".promotion" / "mlflow.db").exists()
    assert not (here / "new.db").exists()
