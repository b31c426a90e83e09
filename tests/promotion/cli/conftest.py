"""A configured folder, and the command run in this process."""

import shutil

import pytest

from promotion.cli import run

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
    """Run `promotion …` in this process; gives exit code, standard output and standard error."""

    def call(*arguments):
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
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
    """`toy:weak` is the only version in the store, so that none is there that nobody registered."""
    for stored in store.versions("toy"):
        if stored.tag.version != "weak":
            shutil.rmtree(stored.path)
