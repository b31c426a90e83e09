"""Commands that need no flow neither import Prefect nor start a process if Prefect is not configured."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from recipes import synthetic_rows

from promotion.cli.app import app_for

pytestmark = pytest.mark.slow

CONFIGURATION = """
ledger = "sqlite:///ledger.db"
mlflow_tracking_uri = "sqlite:///mlflow.db"
bentoml_home = "bentoml"
[models.toy]
recipe = "recipes:ToyRecipe"
data = "rows.csv"
[models.toy.policy]
primary = { metric = "roc_auc" }
floors = [ { metric = "roc_auc", min = 0.55 } ]
min_rows = 200
approval = "required"
"""
REASON = ("--reason", "as asked")
BY_HAND = (*REASON, "--yes")
COMMANDS = {
    ("init", "."): 1,  # promotion.toml exists already
    ("key", "ci.pem"): 0,
    ("gate", "toy:weak"): 4,
    ("approve", "toy:weak", *REASON): 0,
    ("gate", "toy:good"): 4,
    ("deny", "toy:good", *REASON): 0,
    ("promote", "toy:weak", "--override", *BY_HAND): 0,
    ("promote", "toy:twin", "--override", *BY_HAND): 0,
    ("rollback", "toy", *BY_HAND): 0,
    ("readmit", "toy:twin", *REASON): 0,
    ("adopt", "toy:noisy", "--trained-before", "0", *REASON): 0,
    ("status",): 0,
    ("champion", "toy"): 0,
    ("history", "toy"): 0,
    ("show", "toy:weak"): 0,
    ("metrics", "toy"): 0,
    ("report", "toy:weak"): 0,
    ("audit",): 5,  # toy:spoilt is not registered
    ("repair",): 0,
    ("sync",): 0,
    ("compare", "toy:weak", "toy:good"): 0,
    ("replay", "toy", "--policy", "promotion.toml"): 0,
    ("policy", "check"): 0,
    ("gc", "toy", "--keep", "1", "--yes"): 0,
    ("ledger", "export", "--out", "ledger.jsonl"): 0,
    ("ledger", "import", "ledger.jsonl", "--dry-run"): 0,
    ("ledger", "upgrade"): 0,
    ("ledger", "take", "toy", *BY_HAND): 1,  # this ledger already owns it
}
"""Exit code of each."""
UNDER_PREFECT = {("retrain",)}
WATCHER = """
import json, sys
sys.stdin.close()
done, started = {}, []
sys.addaudithook(lambda event, about: started.append(str(about[1])) if event == "subprocess.Popen" else None)
from promotion.cli import run
for words in json.loads(sys.argv[1]):
    code = run(words)
    done[" ".join(words)] = [code, "prefect" in sys.modules, [one for one in started if "refect" in one]]
print(json.dumps(done), file=open("done.json", "w"))
"""


@pytest.fixture
def folder(tmp_path, trained_store, empty_mlflow):
    """A project of `toy` without any judgement."""
    (tmp_path / "promotion.toml").write_text(CONFIGURATION)
    shutil.copytree(trained_store, tmp_path / "bentoml")
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    synthetic_rows().to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path


def test_every_command_but_retrain_does_its_work_without_prefect(folder):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    told = subprocess.run(
        [sys.executable, "-c", WATCHER, json.dumps(list(COMMANDS))],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    done = json.loads((folder / "done.json").read_text())
    assert {line: found[1:] for line, found in done.items()} == {line: [False, []] for line in done}
    codes = {" ".join(words): code for words, code in COMMANDS.items()}
    assert {line: found[0] for line, found in done.items()} == codes, told.stdout + told.stderr


def test_no_command_was_forgotten():
    there = set(leaves(typer.main.get_command(app_for())))
    tried = {next(words[:length] for length in (1, 2) if words[:length] in there) for words in COMMANDS}
    assert there - tried == UNDER_PREFECT | {("serve",)}  # which becomes BentoML's process


def leaves(group, before=()):
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from leaves(found, (*before, name))
        else:
            yield (*before, name)
