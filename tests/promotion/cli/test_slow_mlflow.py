"""A verdict does not wait for MLflow: it is printed before an unresponsive server is asked, and the wait is limited."""

import json
import time

import pytest
from recipes import ToyRecipe

from promotion.cli import run

pytestmark = pytest.mark.integration

REASON = ("--reason", "why")
COMMANDS = {
    "promote": (["promote", "toy:good", "--override", "--yes", *REASON], 0, "toy:good is the champion"),
    "promote in JSON": (["promote", "toy:good", "--override", "--yes", "--json", *REASON], 0, '"moves"'),
    "gate": (["gate", "toy:spoilt"], 3, "REJECTED toy:spoilt"),
    "roll back": (["rollback", "toy", "--yes", *REASON], 0, "toy:weak is the champion"),
    "adopt": (["adopt", "toy:noisy", "--assume-clean", *REASON], 0, "Recorded what you know about toy:noisy"),
}


@pytest.fixture
def asked(with_champion, mlflow_that, monkeypatch, capsys):
    """Standard output at each request to an MLflow that never answers."""
    assert run(["promote", "toy:twin", "--override", "--yes", *REASON]) == 0
    capsys.readouterr()
    out = []

    def hang(_):
        out.append(capsys.readouterr().out)
        time.sleep(15)

    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_that(hang))
    return out


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_the_answer_is_out_before_mlflow_is_asked(asked, command, monkeypatch, name):
    monkeypatch.setattr("promotion.timeouts.ANSWER_SECONDS", 1.0)
    words, code, said = COMMANDS[name]
    began = time.monotonic()
    found, late, err = command(*words)
    assert time.monotonic() - began < 10
    (answer,) = asked
    assert said in " ".join(answer.split())
    assert "--json" not in words or json.loads(answer)
    assert (found, late) == (code, "")
    assert "did not take or give what was asked (it did not answer within 1 seconds). The decision stands." in err


def test_a_repair_answers_before_it_sends_all_of_it_again(asked, command, monkeypatch, tmp_path):
    monkeypatch.setattr("promotion.timeouts.ANSWER_SECONDS", 1.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (tmp_path / "bentoml" / "models" / "toy" / "torn").mkdir()
    code, late, err = command("repair", "--yes")
    assert (code, late) == (0, "")
    assert asked[-1].rstrip().endswith("Repaired.")
    assert "The decision stands. Once MLflow answers, run `promotion sync` to send it." in err


def test_an_audit_waits_for_each_answer_as_long_and_no_longer(asked, command, monkeypatch):
    monkeypatch.setattr("promotion.timeouts.ANSWER_SECONDS", 1.0)
    began = time.monotonic()
    code, out, _ = command("audit")
    assert time.monotonic() - began < 10
    assert code == 5
    assert "did not take or give what was asked (it did not answer within 1 seconds)" in " ".join(out.split())


def test_what_a_recipe_prints_is_not_in_the_answer_and_shows_no_password(here, command, monkeypatch):
    score = ToyRecipe.score

    def chatty(recipe, trained, rows):
        print("see http://bob:hunter2@mlflow/#/runs/1")  # noqa: T201 - as MLflow does
        return score(recipe, trained, rows)

    monkeypatch.setattr(ToyRecipe, "score", chatty)
    code, out, err = command("gate", "toy:weak", "--json")
    assert code == 0
    assert json.loads(out)["verdict"] == "promote"
    assert "see http://***@mlflow/#/runs/1\n" in err
