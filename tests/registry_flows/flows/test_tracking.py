"""A training's log in a real MLflow: a permanent refusal is reported, not retried, and leaves no run."""

import urllib.request
from http.client import HTTPException
from importlib.metadata import version
from types import SimpleNamespace
from urllib.error import HTTPError

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.pyfunc import load_model
from recipes import MuteRecipe, NanRecipe, ToyRecipe

from promotion.config import Config
from promotion.errors import MirrorError
from promotion.interfaces import Trained, call
from registry_flows.flows.signature import signature_of
from registry_flows.flows.tracking import _shown, check_tracking, log_training
from registry_flows.under_prefect.session import may_pass

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("mlflow-server"), pytest.mark.timeout(600)]


def passing_on(server, refuse):
    """Answer as the server does; but for what `refuse(method, path)` gives a status."""

    def answer(handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        status = refuse(handler.command, handler.path)
        if status:
            return reply(handler, status, b"<html>refused</html>", "text/html")
        kind = handler.headers.get("Content-Type", "application/json")
        asked = urllib.request.Request(
            server.url + handler.path, data=body or None, method=handler.command, headers={"Content-Type": kind}
        )
        try:
            with urllib.request.urlopen(asked) as given:
                return reply(handler, given.status, given.read(), given.headers["Content-Type"])
        except HTTPError as error:
            return reply(handler, error.code, error.read(), error.headers["Content-Type"])
        except HTTPException:
            return reply(handler, 502, b"", "text/plain")

    return answer


def reply(handler, status, body, kind):
    handler.send_response(status)
    handler.send_header("Content-Type", kind or "text/plain")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def trained(settings_of_toy, registry):
    """Everything that one training of `toy` logs."""
    recipe = ToyRecipe(skill="good")
    _, data = registry.reader.load("toy")
    split = recipe.split(data.rows)
    return SimpleNamespace(recipe=recipe, data=data, split=split, trained=recipe.train(split.training, step=call))


def log(uri, settings, made):
    at = settings.model_copy(update={"mlflow_tracking_uri": uri})
    return log_training(at, "toy", "1", made.recipe, made.data, made.split, made.trained)


def runs_of(client, view=ViewType.ACTIVE_ONLY):
    experiment = client.get_experiment_by_name("toy")
    return client.search_runs([experiment.experiment_id], run_view_type=view)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "(401: the server does not accept these credentials; set MLFLOW_TRACKING_USERNAME and"),
        (403, "(403: this user lacks permission; ask the server's administrator for permission to edit)"),
        (
            413,
            "(413: the request is larger than the server, or a proxy in front of it, accepts; raise that limit)",
        ),
    ],
)
def test_a_refusal_partway_is_named_and_leaves_no_run(
    mlflow_server, mlflow_that, settings_of_toy, trained, capsys, status, said
):
    client = MlflowClient(mlflow_server.url, mlflow_server.url)
    if client.get_experiment_by_name("toy") is None:
        client.create_experiment("toy")
    before = [run.info.run_id for run in runs_of(client)]
    uploads = []

    def refuse(method, path):
        if method == "PUT" and "mlflow-artifacts" in path:
            uploads.append(path)
            return status
        return None

    address = mlflow_that(passing_on(mlflow_server, refuse))
    with pytest.raises(MirrorError) as raised:
        log(address, settings_of_toy, trained)
    assert str(raised.value).startswith(f"MLflow at {address} did not accept the training log {said}")
    assert [run.info.run_id for run in runs_of(client)] == before
    assert len(uploads) == len(set(uploads))

    class State:
        def result(self):
            raise raised.value

    assert not may_pass(None, None, State())


def test_mlflow_knows_what_the_model_takes_and_gives_but_has_no_rows(mlflow, mlflow_uri, settings_of_toy, trained):
    logged = log(mlflow_uri, settings_of_toy, trained)
    (model,) = mlflow.get_run(logged.run_id).outputs.model_outputs
    found = load_model(f"models:/{model.model_id}")
    assert str(found.metadata.signature.inputs) == "[Tensor('float64', (-1, 2))]"
    assert found.metadata.saved_input_example_info is None
    features = trained.split.holdout[["a", "b"]].to_numpy()
    assert np.array_equal(found.predict(features)[:, 1], trained.recipe.score(trained.trained, trained.split.holdout))


@pytest.mark.parametrize("recipe", [MuteRecipe(), NanRecipe()], ids=["fails", "asks no model"])
def test_a_recipe_that_shows_no_input_of_its_model_has_no_signature(trained, recipe):
    assert signature_of(recipe, trained.trained, trained.split.holdout) is None


def test_a_password_in_the_address_is_printed_nowhere(mlflow_server, settings_of_toy, trained, capfd):
    logged = log(mlflow_server.url.replace("://", "://bob:hunter2@"), settings_of_toy, trained)
    client = MlflowClient(mlflow_server.url, mlflow_server.url)
    assert client.get_run(logged.run_id).info.status == "FINISHED"
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "hunter2" not in captured.err


def test_a_deleted_experiment_is_reported_before_training_with_the_command_that_restores_it(mlflow, mlflow_uri):
    experiment = mlflow.get_experiment_by_name("toy").experiment_id
    settings = Config(mlflow_tracking_uri=mlflow_uri, models={})
    check_tracking(settings, "toy")
    mlflow.delete_experiment(experiment)
    with pytest.raises(MirrorError) as raised:
        check_tracking(settings, "toy")
    assert str(raised.value) == (
        f"The experiment 'toy' in MLflow at {mlflow_uri} was deleted, so no training can be logged there and no "
        "candidate is saved. Set MLFLOW_TRACKING_URI to that MLflow, and run `mlflow experiments restore "
        f"--experiment-id {experiment}`. To start a new experiment, also run `mlflow experiments rename "
        f"--experiment-id {experiment} --new-name 'toy (old)'`."
    )
    mlflow.restore_experiment(experiment)
    check_tracking(settings, "toy")
    mlflow.delete_experiment(experiment)
    mlflow.restore_experiment(experiment)
    mlflow.rename_experiment(experiment, "toy (old)")
    check_tracking(settings, "toy")
    assert mlflow.get_experiment_by_name("toy").experiment_id != experiment


def test_tags_and_parameters_show_control_codes_as_text():
    told = {"data.path": "\x1b[2K\u202egood\u2066\nx", "depth": 3}
    assert _shown(told) == {"data.path": r"\x1b[2K\u202egood\u2066\nx", "depth": 3}


class BoosterRecipe(ToyRecipe):
    def train(self, training, *, step):
        import lightgbm

        rows = lightgbm.Dataset(training[["a", "b"]].to_numpy(), training["y"])
        return Trained(model=lightgbm.train({"objective": "binary", "verbose": -1}, rows, 5))

    def score(self, trained, rows):
        return trained.model.predict(rows[["a", "b"]].to_numpy())


def test_a_flavor_that_fails_leaves_a_function_that_returns_the_scores(
    mlflow, mlflow_uri, settings_of_toy, trained, monkeypatch
):
    import mlflow.lightgbm as flavor

    def refuse(*_, **__):
        raise ValueError("an example is required")

    monkeypatch.setattr(flavor, "save_model", refuse)
    recipe = BoosterRecipe()
    made = SimpleNamespace(
        **{**vars(trained), "recipe": recipe, "trained": recipe.train(trained.split.training, step=call)}
    )
    logged = log(mlflow_uri, settings_of_toy, made)
    (model,) = mlflow.get_run(logged.run_id).outputs.model_outputs
    found = load_model(f"models:/{model.model_id}")
    assert set(found.metadata.flavors) == {"python_function"}
    assert np.array_equal(found.predict(trained.split.holdout), recipe.score(made.trained, trained.split.holdout))
    assert logged.libraries == {"lightgbm": version("lightgbm")}
