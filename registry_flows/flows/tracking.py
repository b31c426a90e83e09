"""Log a training to MLflow: parameters, metrics, the data's fingerprint, library versions, and the model itself."""

import importlib
import os
import platform
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, fields, is_dataclass
from importlib.metadata import version as installed
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from promotion.adapters.bento import as_loaded
from promotion.adapters.mlflow import as_mirror_error, connect
from promotion.canonical import canonical_json
from promotion.comparison import measure
from promotion.config import Config
from promotion.errors import MirrorError, as_data_error
from promotion.interfaces import Recipe, Split, Trained, task_of_recipe
from promotion.registry.loaded import Data
from promotion.registry.mirror_state import logged_as
from promotion.secrets import without_password
from promotion.timeouts import in_time, patience
from promotion.training_metadata import METRICS, TRAINED_WITH, python_series
from promotion.visible import visible
from promotion.vocabulary import Task
from registry_flows.flows.flavors import libraries_of, log_model
from registry_flows.flows.signature import signature_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

_one_at_a_time = threading.Lock()
_ROWS_TYPED = 100  # for the types of a model's input and output
_SCORING = ("numpy", "pandas", "scikit-learn", "xgboost")
LIBRARIES = ("bentoml", "mlflow", "numpy", "pandas", "prefect", "scikit-learn", "xgboost")


@dataclass(frozen=True, kw_only=True)
class Logged:
    """What a training logged to MLflow. The version keeps a copy, so that an audit can compare MLflow with it."""

    run_id: str
    metrics: Mapping[str, float]
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, str]:
        """The version's metadata: run id, metrics, and library versions."""
        libraries = {name: installed(name) for name in _SCORING} | {"python": python_series(), **self.libraries}
        kept = {METRICS: canonical_json(dict(self.metrics)), TRAINED_WITH: canonical_json(libraries)}
        return {"mlflow_run_id": self.run_id, **kept}


def check_tracking(config: Config, model: str) -> None:
    """Check that MLflow accepts a log of the model's training, before hours of training rather than after.

    Creates the experiment if it is missing, and tags it with the model's name, which needs the
    permission of a run.

    Raises:
        MirrorError: MLflow does not answer in time or denies access; or the experiment was deleted.
    """
    uri = config.url(config.mlflow_tracking_uri)

    def check() -> None:
        client = connect(uri, config.home)
        client.set_experiment_tag(_experiment(client, config, model), "promotion.model", model)

    importlib.import_module("mlflow")  # imported here so that it does not use up the time limit
    with _errors(uri), patience():
        in_time(check)


def log_training(
    config: Config,
    model: str,
    version: str,
    recipe: Recipe,
    data: Data,
    split: Split,
    trained: Trained,
    made_by: Mapping[str, str] = MappingProxyType({}),
) -> "Logged":
    """Log one training as a run of the experiment with the model's name.

    `made_by` identifies the training, as tags. Deletes earlier runs with these tags, which produced
    no version.

    Raises:
        MirrorError: MLflow did not answer; nothing was saved.
        StoreError: BentoML cannot save the model.
    """
    uri = config.url(config.mlflow_tracking_uri)
    loaded = as_loaded(trained)
    metrics = training_metrics(config, model, recipe, split, loaded)
    with _errors(uri), _tracked_at(uri):
        import mlflow

        client = connect(uri, config.home)
        experiment = _experiment(client, config, model)
        _forget(client, experiment, made_by)
        with (
            _all_or_none(client) as begun,
            mlflow.start_run(experiment_id=experiment, run_name=f"{model} {version}") as run,
        ):
            begun.append(run.info.run_id)
            mlflow.set_tags({**made_by, **_shown(_tags(data, recipe))})
            mlflow.log_params(_shown(_parameters(config.model(model).recipe, recipe, version)))
            mlflow.log_metrics(dict(metrics))
            log_model(recipe, trained, loaded, signature_of(recipe, loaded, split.holdout.head(_ROWS_TYPED)))
            _log_custom_objects(trained.custom_objects)
        return Logged(run_id=str(run.info.run_id), metrics=metrics, libraries=libraries_of(trained, loaded))


def _forget(client: "MlflowClient", experiment: str, tags: Mapping[str, str]) -> None:
    """Delete the runs with these tags, because no version came of them; `mlflow gc` removes them for good."""
    for name, value in tags.items():
        for orphan in client.search_runs([experiment], filter_string=f"tags.`{name}` = '{value}'"):
            client.delete_run(orphan.info.run_id)


def training_metrics(config: Config, model: str, recipe: Recipe, split: Split, trained: Trained) -> Mapping[str, float]:
    """Return sizes and the candidate's own metrics on the holdout; the gate compares it with the champion."""
    labels = split.holdout[recipe.label].to_numpy()
    with as_data_error("The recipe could not score the holdout with the new model"):
        scores = recipe.score(trained, split.holdout)
    task = task_of_recipe(recipe)
    names = config.model(model).policy.names(task)
    evaluation = measure(labels, scores, metrics=names, columns=split.holdout)
    sizes = {"training_rows": float(len(split.training)), "holdout_rows": float(len(split.holdout))}
    if task is Task.BINARY:
        sizes["training_positives"] = float(split.training[recipe.label].sum())
        sizes["holdout_positives"] = float(labels.sum())
    return sizes | {f"holdout_{logged_as(found.metric)}": found.value for found in evaluation.metrics}


def _parameters(name: str, recipe: Recipe, version: str) -> dict[str, Any]:
    options = {one.name: getattr(recipe, one.name) for one in fields(recipe)} if is_dataclass(recipe) else vars(recipe)
    return {"version": version, "recipe": name, **options}


def _shown(named: Mapping[str, Any]) -> dict[str, Any]:
    """Make invisible characters of texts visible, for MLflow's pages."""
    return {name: visible(value) if isinstance(value, str) else value for name, value in named.items()}


def _tags(data: Data, recipe: Recipe) -> dict[str, str]:
    versions = {f"library.{name}": installed(name) for name in LIBRARIES}
    ours = {
        "data.path": data.name,
        "data.sha256": data.digest,
        "data.rows": str(len(data.rows)),
        "data.key": recipe.key,
        **({"data.source": data.source} if data.source else {}),
    }
    return {**ours, **versions, "library.python": platform.python_version()}


def _experiment(client: "MlflowClient", config: Config, model: str) -> str:
    """Return the model's experiment; with a local database, its artifacts lie next to it, not in the working folder."""
    found = client.get_experiment_by_name(model)
    if found is not None and found.lifecycle_stage == "deleted":
        raise MirrorError(_deleted(config, model, found.experiment_id), model=model)
    if found is not None:
        return str(found.experiment_id)
    local = config.mlflow_tracking_uri.startswith("sqlite")
    place = config.path(config.mlflow_artifacts).resolve().as_uri() if local else None
    return str(client.create_experiment(model, artifact_location=place))


def _deleted(config: Config, model: str, experiment: str) -> str:
    place = without_password(config.url(config.mlflow_tracking_uri))
    which = f"--experiment-id {experiment}"
    return (
        f"The experiment '{model}' in MLflow at {place} was deleted, so no training can be logged there and no "
        f"candidate is saved. Set MLFLOW_TRACKING_URI to that MLflow, and run `mlflow experiments restore {which}`. "
        f"To start a new experiment, also run `mlflow experiments rename {which} --new-name '{model} (old)'`."
    )


@contextmanager
def _all_or_none(client: "MlflowClient") -> Iterator[list[str]]:
    """Delete the run if MLflow does not accept all of it, because no version comes of it."""
    begun = list[str]()
    try:
        yield begun
    except BaseException:
        for run_id in begun:
            with suppress(Exception):
                client.delete_run(run_id)
        raise


def _log_custom_objects(objects: Mapping[str, Any]) -> None:
    import joblib
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        for name, value in objects.items():
            joblib.dump(value, Path(folder) / f"{name}.joblib")
        if objects:
            mlflow.log_artifacts(folder, "custom_objects")


@contextmanager
def _tracked_at(uri: str) -> Iterator[None]:
    """Point MLflow's fluent API at this URI, and restore the environment variable that MLflow also sets.

    Both are global to the process, so only one thread logs at a time.
    """
    import mlflow

    with _one_at_a_time:
        before = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        try:
            yield
        finally:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
            if before is not None:
                os.environ["MLFLOW_TRACKING_URI"] = before


def _errors(uri: str) -> AbstractContextManager[None]:
    return as_mirror_error(
        uri,
        "MLflow at {place} did not accept the training log ({why}), so no candidate was saved. Fix that, then train "
        "again.",
    )
