"""Missing inputs are reported before heavy imports, and before a server is started."""

import importlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from promotion.adapters.mlflow import check_address
from promotion.data_folders import require_named
from promotion.errors import DataError, MirrorError
from promotion.modules import absent_members, stated_text, why_missing

HEAVY = ("pandas", "pyarrow", "scipy", "sklearn", "xgboost", "mlflow", "bentoml", "prefect")
RUN = f"""
import sys
from promotion.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
print([name for name in {HEAVY} if name in sys.modules], code)
"""


def ran(*words):
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return done.stdout.strip().splitlines()[-1:], done.stderr


def set_recipe(here, name):
    text = (here / "promotion.toml").read_text()
    (here / "promotion.toml").write_text(text.replace("recipes:ToyRecipe", name))


COMMANDS = {
    "retrain": ("retrain", "toy"),
    "gate": ("gate", "toy:good"),
    "compare": ("compare", "toy:weak", "toy:good"),
    "promote": ("promote", "toy:good", "--rejudge", "--reason", "r", "--yes"),
}


@pytest.mark.slow
def test_a_missing_file(here):
    """Also before MLflow is asked for a champion, and before any file of a version is hashed."""
    (here / "rows.csv").unlink()
    told = "Error: There is no data file at {}/{}. Put the file there, or name another with --data.\n"
    for words in COMMANDS.values():
        assert ran(*words) == (["[] 1"], told.format(here, "rows.csv"))
    for name in ("retrain", "gate", "compare"):
        assert ran(*COMMANDS[name], "--data", "other.csv") == (["[] 1"], told.format(here, "other.csv"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "module", "why"),
    [
        ("retrain", None, "there is no module 'own' here"),
        ("retrain", "import pandas\nfrom nosuch.deep import thing\nclass Recipe: ...\n", "'own' imports 'nosuch', which is not installed here"),
        ("gate", None, "there is no module 'own' here"),
        ("gate", "import pandas\n", "module 'own' has no attribute 'Recipe'"),
        ("compare", "class Recipe: def\n", "line 1 of {here}/own.py is not valid Python (invalid syntax)"),
        ("promote", "import sklearn, nosuch\nclass Recipe: ...\n", "'own' imports 'nosuch', which is not installed here"),
    ],
)  # fmt: skip
def test_a_recipe_that_cannot_be_imported(here, name, module, why):
    if module is not None:
        (here / "own.py").write_text(module)
    set_recipe(here, "own:Recipe")
    told = f"Error: The recipe 'own:Recipe' cannot be imported: {why.format(here=here)}.\n"
    assert ran(*COMMANDS[name]) == (["[] 1"], told)


@pytest.mark.slow
def test_an_address_that_mlflow_cannot_understand(here, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mlflow.db")
    told = (
        "'mlflow.db' is not a tracking URI of MLflow: expected a server, like http://mlflow.example.com:5000, or a "
        "database, like sqlite:///mlflow.db. Set `mlflow_tracking_uri` or MLFLOW_TRACKING_URI."
    )
    assert ran("retrain", "toy") == (["[] 1"], f"Error: {told}\n")
    adopt = ("adopt", "--from-mlflow", "toy", "--assume-clean", "--reason", "r")
    assert ran(*adopt) == (["[] 1"], f"Error: {told}\n")
    assert ran("sync") == (
        ["[] 1"],
        f"Note: {told} The decision stands. Once MLflow answers, run `promotion sync` to send it.\n",
    )


def test_servers_that_are_away_before_anything_heavy_is_imported(here, monkeypatch):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))  # it does not listen
        away = f"http://127.0.0.1:{one.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", away)
        told = f"MLflow at {away} cannot be reached (Connection refused), so nothing was trained. Start it, or correct its address."
        assert ran("retrain", "toy") == (["[] 1"], f"Error: {told}\n")
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        monkeypatch.setenv("PREFECT_API_URL", f"{away}/api")
        code, told = ran("retrain", "toy")
    assert code == ["[] 1"]
    assert told.startswith(
        f"Error: The Prefect server at {away}/api did not answer like a Prefect server (Connection refused). Start it, "
    )


@pytest.mark.slow
def test_a_name_that_names_nothing_in_mlflow_and_an_option_that_the_recipe_does_not_take(here):
    adopt = ("adopt", "--from-mlflow", "toy@@", "--assume-clean", "--reason", "r")
    told = "Error: Name a model in MLflow as MODEL, MODEL@ALIAS or MODEL/NUMBER, not as 'toy@@'.\n"
    assert ran(*adopt) == (["[] 1"], told)
    (loaded,), err = ran("retrain", "toy", "--option", "skil=good")
    assert err.startswith(
        "Error: The recipe 'recipes:ToyRecipe' cannot be created: ToyRecipe.__init__() got an unexpected"
    )
    assert not {"prefect", "mlflow", "bentoml"} & set(re.findall(r"\w+", loaded))


@pytest.mark.parametrize(
    "uri", ["mlflow.db", "http://", "https:/mlflow.example.com", "htp://mlflow", "sqlite:/mlflow.db", "postgresql:mlflow", "s3://bucket"]
)  # fmt: skip
def test_addresses_in_a_form_that_mlflow_does_not_know(uri):
    with pytest.raises(MirrorError, match=re.escape(f"'{uri}' is not a tracking URI of MLflow: expected a server")):
        check_address(uri)


@pytest.mark.parametrize(
    "uri", ["http://mlflow", "https://bob:pw@mlflow:5000/path", "sqlite:///a.db", "sqlite://", "postgresql+psycopg2://h/db", "file:///x", "databricks", "databricks://profile", "."]
)  # fmt: skip
def test_addresses_in_a_form_that_mlflow_knows(uri):
    check_address(uri)


def test_a_recipe_that_fails_when_it_is_imported_is_one_sentence(here, command):
    (here / "failing.py").write_text("from promotion import Recipe\nraise RuntimeError('no licence\\nfor this')\n")
    set_recipe(here, "failing:Recipe")
    told = "Error: The recipe 'failing:Recipe' cannot be imported (RuntimeError: no licence).\n"
    assert command("gate", "toy:good") == (1, "", told)


@pytest.mark.parametrize(
    "text",
    [
        "from elsewhere import *\n",
        "def __getattr__(name): return 1\n",
        "globals()['Re' + 'cipe'] = 1\n",
        "from promotion import Recipe\n",
        "try:\n    import nosuch_library\nexcept ImportError:\n    nosuch_library = None\nclass Recipe: ...\n",
        "if False:\n    import nosuch_library\nRecipe = 1\n",
        "def later():\n    import nosuch_library\nRecipe = 1\n",
        "from . import thing\nRecipe = 1\n",
    ],
)
def test_what_may_be_importable_is_left_to_importing(tmp_path, monkeypatch, text):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "elsewhere.py").touch()
    (tmp_path / "made_somehow.py").write_text(text)
    assert why_missing("made_somehow", "Recipe") == ""


DATACLASS = "from dataclasses import dataclass\n@dataclass(frozen=True)\n"
BASE = "class Base:\n    def load(self): ...\n"


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("class Recipe: ...\n", ("load", "score")),
        (f"{DATACLASS}class Recipe:\n    load: int = 1\n", ("score",)),
        (f"{BASE}class Recipe(Base): ...\n", ("score",)),
        ("class Recipe:\n    def __init__(self): self.load = self.score = 1\n", ()),
        ("from elsewhere import Recipe\nclass Recipe(Recipe): ...\n", ()),
        ("from elsewhere import Base\nclass Recipe(Base): ...\n", ()),
        ("import elsewhere\nclass Recipe(elsewhere.Base): ...\n", ()),
        ("class Recipe(metaclass=type): ...\n", ()),
        ("@complete\nclass Recipe: ...\n", ()),
        ("class Recipe: ...\nRecipe.load = print\n", ()),
        ("class Recipe: ...\nsetattr(Recipe, 'load', print)\n", ()),
        ("if True:\n    class Recipe: ...\nelse:\n    class Recipe:\n        load = 1\n", ()),
        ("class Other: ...\nRecipe = Other\n", ()),
        ("class Recipe:", ()),
    ],
)
def test_members_that_a_recipe_lacks_are_found_without_running_it(tmp_path, monkeypatch, text, absent):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "half_written.py").write_text(text)
    importlib.invalidate_caches()
    assert absent_members("half_written", "Recipe", ("load", "score")) == absent


def test_a_recipe_without_its_methods_is_reported_before_anything_is_imported(here):
    (here / "half.py").write_text(
        "class Recipe:\n    key, label, time = 'id', 'y', 't'\n    def load(self, path): ...\n"
    )
    set_recipe(here, "half:Recipe")
    told = "Error: 'half:Recipe' is not a valid recipe: it is missing split, train, score.\n"
    assert ran("retrain", "toy") == (["[] 1"], told)


TASKS = {
    "class Recipe:\n    key = 'id'\n": "binary",
    "class Recipe:\n    key = 'id'\n    task = 'regression'\n": "regression",
    "class Base:\n    task: str = 'multiclass'\nclass Recipe(Base):\n    key = 'id'\n": "multiclass",
    "class Base:\n    task = 'multiclass'\nclass Recipe(Base):\n    task = 'regression'\n": "",
    "class Recipe:\n    task = Task.REGRESSION\n": "",
    "class Recipe:\n    @property\n    def task(self):\n        return 'regression'\n": "",
    "from elsewhere import Base\nclass Recipe(Base):\n    key = 'id'\n": "",
}


@pytest.mark.parametrize(("text", "task"), TASKS.items())
def test_the_task_that_a_recipe_states_is_read_from_its_file(tmp_path, monkeypatch, text, task):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "stated.py").write_text(text)
    importlib.invalidate_caches()
    assert stated_text("stated", "Recipe", "task", "binary") == task


def test_a_policy_of_another_task_is_reported_before_anything_is_imported(here):
    members = "key, label, time = 'id', 'y', 't'"
    methods = "".join(f"    def {name}(self, *_): ...\n" for name in ("load", "split", "train", "score"))
    (here / "valued.py").write_text(f"class Recipe:\n    {members}\n    task = 'regression'\n{methods}")
    set_recipe(here, "valued:Recipe")
    (code,), told = ran("retrain", "toy")
    assert code == "[] 1"
    assert told.startswith(
        "Error: The policy's metrics apply to binary models, but the task of 'valued:Recipe' is 'regre"
    )


@pytest.mark.parametrize("data", ["table", "sqlite:/rows.db", "s3:/bucket/rows.csv", "."])
def test_what_names_no_single_file_is_left_to_the_recipe(tmp_path, data):
    require_named(tmp_path / data)
    with pytest.raises(DataError, match=r"^There is no data file at .*/absent\.csv\. Put the file there"):
        require_named(tmp_path / "absent.csv")
    with pytest.raises(DataError, match=r"^No file matches .*/parts/\*\.parquet\. Put the files there, or correct"):
        require_named(tmp_path / "parts" / "*.parquet")
