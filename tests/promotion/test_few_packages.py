"""Two models are compared without most of the packages that `pip install registry-flows` brings, as the how-to says."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
HOW_TO = (ROOT / "docs" / "how-to" / "compare-predictions.md").read_text("utf-8")
FEW = re.search(r"`pip install (jinja2 [^`]+)`", HOW_TO)[1].split()
MODULES = {"scikit-learn": "sklearn", "pyyaml": "yaml"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NEEDED = [re.match(r"[\w-]+", one)[0] for one in PROJECT["dependencies"]]
BLOCKED = [MODULES.get(name, name.replace("-", "_")) for name in NEEDED if name not in FEW]
BLOCK = f"""
import sys

class Absent:
    def find_spec(self, name, *_):
        if name in {BLOCKED}:
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)

sys.meta_path.insert(0, Absent())
"""
COLUMNS = ("--label", "bad", "--champion", "old", "--challenger", "new")

OF_PYTHON = """
import numpy as np
import pandas as pd
import promotion

rows = pd.read_csv("predictions.csv")
binary = promotion.compare(rows["bad"], rows["old"], rows["new"], slices={"half": rows["half"]}, groups=rows["customer"])
kinds = rows["half"].to_numpy() + rows["bad"].to_numpy()
several = promotion.compare(kinds, np.full((len(rows), 3), 1 / 3), np.eye(3)[kinds] * 0.7 + 0.1)
numbers = promotion.compare(rows["old"], rows["new"], rows["old"] + 0.01 * rows["new"], metrics=["rmse"])
decision = promotion.decide(binary, {"primary": {"metric": "roc_auc"}, "rule": "point"})
for value in (binary, several, numbers, decision):
    assert value._repr_html_() and len(value.to_frame())
print(decision.verdict)
"""


def run(code, folder, *words):
    return subprocess.run(
        [sys.executable, "-c", BLOCK + code, *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def predictions(tmp_path):
    drawn = np.random.default_rng(27)
    bad = (drawn.random(1000) < 0.2).astype(int)
    columns = {
        "bad": bad,
        "old": 1 / (1 + np.exp(-(bad + drawn.normal(size=1000)))),
        "new": 1 / (1 + np.exp(-(3 * bad + drawn.normal(size=1000)))),
        "half": np.arange(1000) % 2,
        "customer": drawn.integers(0, 20, size=1000),
        "day": np.arange(1000) // 50,
    }
    pd.DataFrame(columns).to_csv(tmp_path / "predictions.csv", index=False)
    pd.DataFrame(columns).to_parquet(tmp_path / "predictions.parquet")
    (tmp_path / "policy.toml").write_text('primary = { metric = "roc_auc" }\n')
    return tmp_path


def test_python_compares_and_decides(predictions):
    assert {"xgboost", "prefect", "bentoml", "mlflow", "sklearn", "sqlalchemy", "matplotlib"} < set(BLOCKED)
    told = run(OF_PYTHON, predictions)
    assert (told.stdout, told.stderr) == ("promote\n", "")


def test_the_command_compares_a_file(predictions):
    code = "import promotion.cli\nfor words in sys.argv[1:]:\n    assert promotion.cli.run(words.split()) == 0, words\n"
    first = ["compare", "predictions.csv", *COLUMNS]
    told = run(
        code,
        predictions,
        *(
            " ".join([*first, more])
            for more in ("--group customer", "--time day --time-unit d", "--policy policy.toml")
        ),
        *(" ".join([*first, more]) for more in ("--slice half --slice old:3", "--json", "--markdown")),
        " ".join(["compare", "predictions.parquet", *COLUMNS]),
    )
    assert told.stderr == ""
    assert told.stdout.count("new is significantly better by") == 5


def test_a_command_that_needs_more_names_the_package(predictions):
    told = run("import promotion.cli\nsys.exit(promotion.cli.run(sys.argv[1:]))", predictions, "key", "ci.pem")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == (
        "Error: This command needs the package 'cryptography', which is not installed. Run `pip install registry-flows`, "
        "which installs every package that the commands need.\n"
    )
