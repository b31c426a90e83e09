"""Adoption of models that others registered on a real MLflow server."""

import os
import subprocess
import sys

import numpy as np
import pytest
from mlflow import MlflowClient
from recipes import ToyRecipe, synthetic_rows
from situation import faults, open_at, stages

from promotion.adapters.mlflow import MlflowMirror
from promotion.errors import Refused, UnknownName
from promotion.interfaces import Trained
from promotion.registry.pyfunc import scores_of
from promotion.vocabulary import Verdict

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("mlflow-server"), pytest.mark.timeout(600)]

REGISTER = """
import sys
import mlflow
from recipes import ToyRecipe, synthetic_rows

mlflow.set_tracking_uri(sys.argv[1])
name, kind = sys.argv[2], sys.argv[3]
recipe = ToyRecipe(skill="weak")
training = recipe.split(synthetic_rows()).training
fitted = recipe.train(training, step=lambda fit, *given: fit(*given)).model
with mlflow.start_run():
    mlflow.log_metric("auc", 0.75)
    if kind == "pipeline":
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(training[["a"]], training["y"])
    signature = mlflow.models.infer_signature(training[["a"]], training["y"]) if kind == "pipeline" else None
    mlflow.sklearn.log_model(fitted, name="model", serialization_format="cloudpickle", signature=signature,
        pip_requirements=["scikit-learn"], registered_model_name=name)
client = mlflow.MlflowClient()
newest = max(client.search_model_versions(f"name='{name}'"), key=lambda one: int(one.version))
client.set_registered_model_alias(name, "champion", newest.version)
"""


@pytest.fixture
def registered(mlflow_server):
    """Registers a model on the server in another process, as another team would."""

    def register(name, kind="estimator"):
        subprocess.run(
            [sys.executable, "-c", REGISTER, mlflow_server.url, name, kind],
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        return MlflowClient(mlflow_server.url, mlflow_server.url)

    return register


@pytest.fixture
def on_server(mlflow_server, settings_of_toy, store):
    settings = settings_of_toy.model_copy(update={"mlflow_tracking_uri": mlflow_server.url})
    return open_at(settings, store=store, mirror=MlflowMirror(mlflow_server.url))


@pytest.fixture
def unused(mlflow_server):
    """The name `toy` is free on the server, before and after."""
    client = MlflowClient(mlflow_server.url, mlflow_server.url)

    def delete():
        if any(one.name == "toy" for one in client.search_registered_models()):
            client.delete_registered_model("toy")

    delete()
    yield
    delete()


def test_the_champion_of_mlflow_is_copied_and_the_next_version_judged_against_it(unused, registered, on_server):
    client = registered("toy")
    with pytest.raises(
        Refused, match=r"- To keep it, run `promotion adopt --from-mlflow toy@champion --trained-before"
    ):
        on_server.check("toy")
    adopted = on_server.adopt_from_mlflow("toy", reason="serves since May", trained_before=1200)

    found = client.get_model_version_by_alias("toy", "champion")
    assert (adopted.tag, adopted.registration.mlflow) == (f"toy:mlflow-{found.version}", f"toy/{found.version}")
    assert adopted.registration.run_id == found.run_id
    assert str(on_server.champion("toy").tag) == adopted.tag
    assert found.tags["promotion.tag"] == adopted.tag
    assert len(client.search_model_versions("name='toy'")) == 1
    stored = on_server.store.get(on_server.champion("toy").tag)
    assert (stored.stage, stored.metadata["metrics"]) == ("prod", '{"auc":0.75}')
    assert (stored.path / "mlflow_model" / "MLmodel").exists()
    assert faults(on_server) == ()

    decision = on_server.gate("toy:good")
    assert (decision.verdict, decision.champion.tag, decision.holdout.rows) == (Verdict.PROMOTE, adopted.tag, 1200)
    assert client.get_model_version_by_alias("toy", "champion").tags["promotion.tag"] == "toy:good"
    assert client.get_model_version_by_alias("toy", "previous").version == found.version
    assert on_server.rollback("toy", reason="complaints").champion == adopted.tag
    assert faults(on_server) == ()


def test_a_model_that_the_recipe_cannot_score_is_scored_through_its_function(unused, registered, on_server):
    registered("toy", "pipeline")
    adopted = on_server.adopt_from_mlflow("toy@champion", reason="serves since May", assume_clean=True)
    (notice,) = on_server.notices
    assert notice.startswith("The recipe cannot score the model from MLflow (ValueError: X has 2 features, but")
    assert notice.endswith("), so its function from MLflow does.")
    loaded = on_server.store.load(on_server.champion("toy").tag, digest=adopted.registration.digest)
    rows = synthetic_rows().head(20)
    with pytest.raises(ValueError, match="expecting 1 features"):
        ToyRecipe().score(loaded, rows)
    scores = scores_of(ToyRecipe(), loaded, rows)
    assert np.array_equal(scores, loaded.model.predict_proba(rows[["a"]])[:, 1])
    assert on_server.gate("toy:good").verdict is Verdict.PROMOTE


def test_another_name_is_copied_and_waits_if_there_is_a_champion(unused, registered, on_server):
    registered("Their-Model")
    on_server.register("toy:weak")
    on_server.gate("toy:weak")
    adopted = on_server.adopt_from_mlflow("Their-Model/1", "toy", reason="a trial", trained_on_everything=True)
    assert adopted.tag == "toy:mlflow-their-model-8eeba2e1-1"
    assert adopted.adoption.statement == "trained on everything before 2400.0"
    assert stages(on_server) == {"weak": "prod", "mlflow-their-model-8eeba2e1-1": "staging"}
    again = on_server.adopt_from_mlflow("Their-Model/1", "toy", reason="again", trained_on_everything=True)
    assert again.registration == adopted.registration
    held = on_server.gate(adopted.tag)
    assert held.verdict is Verdict.HOLD
    assert held.checks[0].reason.startswith("All 1,200 rows of the holdout were used to train one of the models")
    assert faults(on_server) == ()


@pytest.mark.parametrize(
    ("named", "error", "sentence"),
    [
        ("nobody", UnknownName, r"^There is no MLflow model 'nobody'\."),
        (
            "toy@next",
            UnknownName,
            r"^There is no MLflow alias 'toy@next'\. Did you mean 'toy@champion'\? Or name a version by its number: toy/1",
        ),
        ("toy/9", UnknownName, r"^There is no MLflow version 'toy/9'\. Did you mean 'toy/1'\?"),
        ("a@b@c", Refused, r"^Name a model in MLflow as MODEL, MODEL@ALIAS or MODEL/NUMBER, not as 'a@b@c'\.$"),
    ],
)
def test_what_mlflow_does_not_have_is_a_sentence(unused, registered, on_server, named, error, sentence):
    registered("toy")
    with pytest.raises(error, match=sentence):
        on_server.adopt_from_mlflow(named, reason="serves", assume_clean=True)
    assert on_server.state("toy").seq == 0


def test_an_interrupted_copy_is_used_again(unused, registered, on_server, monkeypatch):
    registered("toy")
    with monkeypatch.context() as patch:
        patch.setattr(on_server.parts.writer, "append", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            on_server.adopt_from_mlflow("toy", reason="serves", assume_clean=True)
    assert on_server.state("toy").seq == 0
    monkeypatch.setattr(on_server.mirror, "download", lambda *_: 1 / 0)
    assert on_server.adopt_from_mlflow("toy", reason="serves", assume_clean=True).stage == "prod"


def test_a_pyfunc_that_fails_too_is_named_beside_the_recipe():
    class Nothing:
        metadata = property(lambda _: 1 / 0)

    with pytest.raises(
        Exception, match=r"^Neither the recipe nor the model's function from MLflow can score the rows \("
    ):
        scores_of(ToyRecipe(), Trained(model=None, pyfunc=Nothing()), synthetic_rows(200))
    with pytest.raises(AttributeError):
        scores_of(ToyRecipe(), Trained(model=None), synthetic_rows(200))
