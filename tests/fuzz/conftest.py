"""A project that examples may damage, and a command run there as in a shell."""

import shutil

import pytest
from doors import Project
from recipes import synthetic_rows

from promotion.cli import run

CONFIGURATION = """
ledger = "sqlite:///kept/ledger.db"
mlflow_tracking_uri = "sqlite:///kept/mlflow.db"
mlflow_artifacts = "kept/mlartifacts"
bentoml_home = "bentoml"
actor = "tests"
[models.toy]
recipe = "recipes:ToyRecipe"
data = "rows.csv"
[models.toy.policy]
primary = { metric = "roc_auc" }
floors = [ { metric = "roc_auc", min = 0.55 } ]
min_rows = 200
"""


@pytest.fixture(scope="session")
def pristine(trained_store, empty_mlflow, tmp_path_factory):
    """A project with a champion, a judged version, and three that were not judged."""
    home = tmp_path_factory.mktemp("pristine")
    (home / "kept").mkdir()
    (home / "promotion.toml").write_text(CONFIGURATION)
    synthetic_rows().to_csv(home / "rows.csv", index=False)
    shutil.copytree(trained_store, home / "bentoml")
    shutil.copy(empty_mlflow, home / "kept" / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert run(["gate", "toy:weak"]) == 0
        assert run(["gate", "toy:spoilt"]) == 3
    return home


@pytest.fixture
def project(pristine, tmp_path, monkeypatch):
    """A copy of it, `inside` a folder with neighbours that no command may touch."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("COLUMNS", "200")
    # MLflow would keep a connection to a database that is deleted and recreated here.
    monkeypatch.setenv("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")
    (tmp_path / "neighbour").mkdir()
    (tmp_path / "neighbour" / "model.yaml").write_text("labels: {stage: prod}\n")
    project = Project(pristine, tmp_path)
    project.renew()
    monkeypatch.chdir(project.inside)
    return project
