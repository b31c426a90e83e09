"""Models that are no estimators of scikit-learn: the champion scores the same in a Bento service and from MLflow."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from recipes import synthetic_rows
from sources import SQL, write_table

import promotion
from promotion.cli import run
from promotion.registry.recipes import load_recipe

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

RECIPE = """
from dataclasses import dataclass

import numpy as np

from promotion import Trained, read_rows, split_by_time
from sums import total

FEATURES = ["a", "b"]


@dataclass(frozen=True, kw_only=True)
class Anything:
    key: str = "id"
    label: str = "y"
    time: str | None = "t"
    broken: bool = False

    def load(self, path):
        return read_rows(path, {"id": "key", "y": "number", "t": "number", "a": "number", "b": "number"})

    def split(self, rows):
        return split_by_time(rows, time="t", holdout=0.5)

    def train(self, training, *, step):
        objects = {"lines": (line for line in "ab")} if self.broken else {}
        return Trained(model=step(fit, training[FEATURES].to_numpy(), training["y"].to_numpy()), custom_objects=objects)

    def score(self, trained, rows):
        return np.asarray(scores(trained.model, rows[FEATURES].to_numpy()))


def of_labels(features, labels):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(features, labels)
"""
MODELS = {
    "lightgbm": """
def fit(features, labels):
    import lightgbm

    settings = {"objective": "binary", "num_leaves": 4, "verbose": -1}
    return lightgbm.train(settings, lightgbm.Dataset(features, labels), num_boost_round=20)


def scores(model, features):
    return model.predict(features)
""",
    "onnx": """
def fit(features, labels):
    from onnx import TensorProto, helper

    found = of_labels(features, labels)
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 1], found.coef_.ravel())
    bias = helper.make_tensor("c", TensorProto.FLOAT, [1], found.intercept_)
    nodes = [
        helper.make_node("MatMul", ["rows", "w"], ["m"]),
        helper.make_node("Add", ["m", "c"], ["s"]),
        helper.make_node("Sigmoid", ["s"], ["score"]),
    ]
    takes = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 2])
    gives = helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph(nodes, "sigmoid", [takes], [gives], [weights, bias])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def scores(model, features):
    return model.run(None, {"rows": features.astype("float32")})[0][:, 0]
""",
    "object": """
class Sum:
    def __init__(self, features, labels):
        self.middle = float(np.mean(total(features)))

    def __call__(self, features):
        return 1 / (1 + np.exp(self.middle - total(features)))


def fit(features, labels):
    return Sum(features, labels)


def scores(model, features):
    return model(features)
""",
}
BENTO = {
    "lightgbm": ("lightgbm", "self.model.predict(np.array(rows))"),
    "onnx": ("onnx", 'self.model.run(None, {"rows": np.array(rows, dtype="float32")})[0][:, 0]'),
    "object": ("picklable_model", "self.model(np.array(rows))"),
}
SERVICE = """
import bentoml
import numpy as np
import promotion


@bentoml.service
class Toy:
    def __init__(self) -> None:
        loaded = promotion.open().champion("toy")
        self.model = bentoml.MODULE.load_model(str(loaded.tag))

    @bentoml.api
    def score(self, rows: list[list[float]]) -> list[float]:
        return SCORES.tolist()
"""
ASK_SERVICE = """
import json, sys
from service import Toy
from starlette.testclient import TestClient

with TestClient(Toy.to_asgi()) as client:
    print(client.post("/score", json={"rows": json.load(sys.stdin)}).text)
"""
# The plain object takes rows as the recipe loads them; a library's flavor takes what the library takes.
ASK_MLFLOW = """
import json, sys
import mlflow, numpy as np, pandas as pd

uri, given = json.load(sys.stdin)
mlflow.set_tracking_uri(uri)
model = mlflow.pyfunc.load_model("models:/toy@champion")
rows = pd.DataFrame(given)
flavors = set(model.metadata.flavors)
features = rows[["a", "b"]].to_numpy(dtype=np.float32 if "onnx" in flavors else None)
found = model.predict(rows if flavors == {"python_function"} else features)
found = next(iter(found.values())) if isinstance(found, dict) else found
print(json.dumps([sorted(flavors), np.ravel(found).tolist()]))
"""


@pytest.fixture
def toys(project, monkeypatch):
    """The folder of a project for the model `toy`, whose recipe uses a second module of the folder."""
    synthetic_rows(1200).to_csv(project / "rows.csv", index=False)
    (project / "sums.py").write_text("def total(features):\n    return features.sum(axis=1)\n")
    (project / "promotion.toml").write_text(
        f"""
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///{project}/mlflow.db"
mlflow_artifacts = "artifacts"

[models.toy]
recipe = "anything:Anything"
data   = "rows.csv"
policy = {{ primary = {{ metric = "roc_auc" }}, floors = [ {{ metric = "roc_auc", min = 0.6 }} ] }}
"""
    )
    monkeypatch.syspath_prepend(project)
    yield project
    for name in ("anything", "sums"):
        sys.modules.pop(name, None)


def asked(script, folder, given, **environment):
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "module", "flavors"),
    [
        ("lightgbm", "bentoml.lightgbm", ["lightgbm", "python_function"]),
        ("onnx", "bentoml.onnx", ["onnx", "python_function"]),
        ("object", "bentoml.picklable_model", ["python_function"]),
    ],
)
def test_the_champion_scores_the_same_everywhere(toys, tmp_path_factory, kind, module, flavors):
    own = "\nimport warnings\n\nwarnings.warn('a warning of the recipe')\n"
    (toys / "anything.py").write_text(RECIPE + MODELS[kind] + own)
    said = subprocess.run(
        [sys.executable, "-m", "promotion", "retrain", "toy"], cwd=toys, capture_output=True, text=True, check=True
    ).stderr
    assert [line for line in said.splitlines() if "a warning of the recipe" not in line] == []  # nothing of a library

    registry = promotion.open()
    champion = registry.champion("toy")
    recipe = load_recipe(registry.config.model("toy"), {})
    holdout = recipe.split(recipe.load(toys / "rows.csv")).holdout.head(50)
    scores = recipe.score(registry.store.load(champion.tag, digest=champion.digest), holdout)
    assert f"module: {module}\n" in (champion.path / "model.yaml").read_text()

    named, call = BENTO[kind]
    (toys / "service.py").write_text(SERVICE.replace("MODULE", named).replace("SCORES", call))
    served = asked(ASK_SERVICE, toys, holdout[["a", "b"]].to_numpy().tolist(), BENTOML_HOME=str(toys / "bentoml"))
    assert np.allclose(served, scores, rtol=1e-6)

    elsewhere = tmp_path_factory.mktemp("elsewhere")
    found, tracked = asked(ASK_MLFLOW, elsewhere, [f"sqlite:///{toys}/mlflow.db", holdout.to_dict("list")])
    assert found == flavors
    assert np.allclose(tracked, scores, rtol=1e-6)
    assert registry.audit("toy") == ()


def test_a_model_that_cannot_be_logged_is_kept_and_goes_on_from_its_file(toys, capsys):
    (toys / "anything.py").write_text(RECIPE + MODELS["object"])
    artifacts = toys / "artifacts"
    artifacts.write_text("in the way")
    assert run(["retrain", "toy", "--version", "1/0"]) == 1
    said = capsys.readouterr().err
    (kept,) = (toys / ".promotion" / "unsaved").iterdir()
    assert kept.name.startswith("toy-1_0-")
    assert f"The trained model is kept in {kept}. When the cause is mended, run `promotion retrain toy" in said
    assert promotion.open().store.versions("toy") == ()

    artifacts.unlink()
    rows = (toys / "rows.csv").read_bytes()
    (toys / "rows.csv").write_bytes(rows + rows.splitlines(keepends=True)[-1].replace(b"2199", b"9999"))
    assert run(["retrain", "toy", "--trained", str(kept)]) == 1
    assert "has changed since the model was trained (expected digest" in capsys.readouterr().err
    (toys / "rows.csv").write_bytes(rows)
    (toys / "anything.py").write_text(RECIPE + MODELS["object"].replace("return Sum(", "raise RuntimeError("))
    assert run(["retrain", "toy", "--trained", str(kept)]) == 0
    assert [one.metadata["version"] for one in promotion.open().store.versions("toy")] == ["1/0"]


def test_going_on_needs_the_file_that_trained_and_not_the_configured_one(toys, capsys):
    (toys / "anything.py").write_text(RECIPE + MODELS["object"])
    (toys / "rows.csv").rename(toys / "other.csv")
    (toys / "artifacts").write_text("in the way")
    assert run(["retrain", "toy", "--data", "other.csv"]) == 1
    (kept,) = (toys / ".promotion" / "unsaved").iterdir()
    (toys / "artifacts").unlink()
    capsys.readouterr()
    assert run(["retrain", "toy", "--trained", str(kept)]) == 0


def test_going_on_records_the_query_that_gave_the_rows(toys, capsys, monkeypatch):
    (toys / "anything.py").write_text(RECIPE + MODELS["object"])
    write_table(synthetic_rows(), f"sqlite:///{toys}/rows.db")
    monkeypatch.setenv("PROMOTION_MODELS__TOY__DATA", json.dumps({"sql": SQL, "url": "sqlite:///rows.db"}))
    (toys / "artifacts").write_text("in the way")
    assert run(["retrain", "toy"]) == 1
    (kept,) = (toys / ".promotion" / "unsaved").iterdir()
    (toys / "artifacts").unlink()
    (toys / "rows.db").unlink()
    capsys.readouterr()
    assert run(["retrain", "toy", "--trained", str(kept)]) == 0
    assert f"of sqlite:///rows.db: {SQL}" in " ".join(capsys.readouterr().out.split())
    first, decided = (entry.content() for entry in promotion.open().history("toy")[:2])
    assert (first.source, decided.decision.holdout.source) == (f"sqlite:///rows.db: {SQL}",) * 2
    assert first.data.startswith(".promotion/snapshots/")


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        ("return model", "The recipe's `train` must return a promotion.Trained, but returned an object of type Sum."),
        ("raise SystemExit(3)", "The recipe could not train (SystemExit: 3)."),
    ],
)
def test_a_training_that_returns_no_trained_is_a_sentence(toys, capsys, ending, sentence):
    code = f"\n_train = Anything.train\n\ndef train(self, training, *, step):\n    model = _train(self, training, step=step).model\n    {ending}\n\nAnything.train = train\n"
    (toys / "anything.py").write_text(RECIPE + MODELS["object"] + code)
    assert run(["retrain", "toy"]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert ("The trained model is kept in" in said) == (ending == "return model")


def test_a_model_whose_objects_cannot_be_pickled_is_kept_without_them(toys, capsys):
    (toys / "anything.py").write_text(RECIPE + MODELS["object"])
    assert run(["retrain", "toy", "--option", "broken=true"]) == 1
    said = capsys.readouterr().err
    (kept,) = (toys / ".promotion" / "unsaved").iterdir()
    assert "BentoML cannot save the model (TypeError: cannot pickle 'generator' object)." in said
    assert f"kept in {kept}, but without lines of its custom objects, which cannot be pickled." in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--trained", "nothing.pkl"], "cannot be read (FileNotFoundError"),
        (["--trained", "rows.csv"], "cannot be read (UnpicklingError"),
        (["--trained", "other.pkl"], "other.pkl does not contain a model that a training kept."),
        (["--trained", "x", "--version", "2"], "so it cannot be combined with --data, --version or --option."),
    ],
)
def test_a_file_that_is_not_a_kept_model_is_a_sentence(toys, capsys, arguments, sentence):
    (toys / "anything.py").write_text(RECIPE + MODELS["object"])
    (toys / "other.pkl").write_bytes(b"\x80\x04N.")
    assert run(["retrain", "toy", *arguments]) in {1, 2}
    assert sentence in " ".join(capsys.readouterr().err.split())
