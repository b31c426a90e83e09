"""Fixtures for command tests: a configured folder, and the command run in this process."""

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout

import pytest
from schemas import check_output

import promotion
from promotion.adapters.bento import BentoStore
from promotion.cli import confirmation, run

CONFIGURATION = """
ledger = "sqlite:///ledger.db"
mlflow_tracking_uri = "sqlite:///mlflow.db"
bentoml_home = "bentoml"
actor = "tests"
[models.toy]
recipe = "recipes:ToyRecipe"
data = "rows.csv"
[models.toy.policy]
primary = { metric = "roc_auc" }
guardrails = [ { metric = "brier_score", max_loss = 0.02 } ]
floors = [ { metric = "roc_auc", min = 0.55 } ]
min_rows = 200
"""


@pytest.fixture(scope="session")
def configuration():
    """The text of the configuration of `here`."""
    return CONFIGURATION


@pytest.fixture
def command(capsys):
    """Runs `promotion …` in this process; returns exit code, standard output and standard error.

    What it prints with `--json` must be as its schema says.
    """

    def call(*arguments):
        words = [str(argument) for argument in arguments]
        code = run(words)
        captured = capsys.readouterr()
        if "--json" in words and captured.out:
            check_output(words, captured.out)
        return code, captured.out, captured.err

    return call


@pytest.fixture
def here(store, mlflow_uri, tmp_path, rows_file):
    """A configured folder with five versions in `staging` and nothing recorded."""
    (tmp_path / "promotion.toml").write_text(CONFIGURATION)
    return tmp_path


@pytest.fixture
def with_champion(here, command):
    """`toy:weak` serves."""
    assert command("gate", "toy:weak")[0] == 0
    return here


@pytest.fixture
def weak_alone(store):
    """`toy:weak` is the only version in the store, so that no unregistered version is there."""
    for stored in store.versions("toy"):
        if stored.tag.version != "weak":
            shutil.rmtree(stored.path)


class Killed(BaseException):
    """What a kill looks like from inside: no `except Exception` sees it."""


@pytest.fixture
def by(monkeypatch):
    """Switches to another actor from here on."""
    return lambda name: monkeypatch.setenv("PROMOTION_ACTOR", name)


@pytest.fixture
def two_must_approve(here, configuration):
    (here / "promotion.toml").write_text(
        configuration
        + 'approval = "required"\napprovers = ["config:tests", "config:bob", "config:carol"]\nmin_approvals = 2\n'
    )
    return here


@pytest.fixture
def interrupted(with_champion, capsys, monkeypatch):
    """`toy:good` is champion in the ledger, but no label says so yet."""
    with monkeypatch.context() as patch:

        def die(*_):
            raise Killed

        patch.setattr(BentoStore, "write_stage", die)
        with pytest.raises(Killed):
            run(["promote", "toy:good", "--reason", "r", "--override", "--yes"])
    capsys.readouterr()
    return with_champion


@pytest.fixture
def meanwhile(monkeypatch, by):
    """Lets config:bob run a command between the output of another command and the answer to its question."""

    def arm(*words):
        confirmed = confirmation.confirmed

        def first(*asked, **options):
            monkeypatch.setattr(confirmation, "confirmed", confirmed)
            with monkeypatch.context() as patch:
                patch.setenv("PROMOTION_ACTOR", "bob")
                with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # those of bob's terminal
                    assert run(list(words)) == 0
            confirmed(*asked, **options)

        monkeypatch.setattr(confirmation, "confirmed", first)

    return arm


@pytest.fixture
def three_champions(with_champion, command):
    """`toy:weak` by its floors, `toy:good` by its gain, `toy:weak` again by a rollback."""
    assert command("gate", "toy:good")[0] == 0
    assert command("rollback", "toy", "--yes", "--reason", "complaints since noon", "--yes")[0] == 0
    return [entry for entry in promotion.open().history("toy") if entry.kind == "transition_planned"]


@pytest.fixture
def second(with_champion, configuration, tmp_path, empty_mlflow):
    """A second folder on the same store, with an empty ledger and MLflow; `toy:weak` was promoted in the first."""
    folder = tmp_path / "second"
    folder.mkdir()
    text = configuration.replace('"bentoml"', '"../bentoml"').replace('"rows.csv"', '"../rows.csv"')
    (folder / "promotion.toml").write_text(text)
    shutil.copy(empty_mlflow, folder / "mlflow.db")
    return folder


@pytest.fixture
def at(command, monkeypatch):
    """Runs a command in a folder; returns exit code, and standard output and error, each in one line."""

    def call(folder, *arguments):
        monkeypatch.chdir(folder)
        code, out, err = command(*arguments)
        return code, " ".join(out.split()), " ".join(err.split())

    return call
