"""The train flow: load, split, train, log to MLflow, save to the model store as `staging`, hand off to the gate.

It never labels a version `prod`: with `stage="prod"` it asks the gate to do so, with `stage="staging"` it stops. If it
runs again (a retry, a crashed worker), it continues from the version that it saved, if any.
"""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prefect import flow, task
from prefect.cache_policies import NO_CACHE, CacheKeyFnPolicy
from prefect.runtime import flow_run
from prefect.tasks import exponential_backoff

from promotion.errors import DataError, as_data_error
from promotion.interfaces import Recipe, Split, Trained
from promotion.registry.loaded import Data
from promotion.registry.register import Origin
from promotion.row_keys import fingerprints
from promotion.vocabulary import Tag
from registry_flows.flows.gate import gate_flow
from registry_flows.flows.kept import Kept, check_same_data, kept_on_failure, read_kept
from registry_flows.flows.tracking import Logged, check_tracking, log_training
from registry_flows.under_prefect.caching import results_folder
from registry_flows.under_prefect.hand_off import TrainedVersion, check_hand_off, concluded, hand_off
from registry_flows.under_prefect.loading import Loaded, read, rows_key
from registry_flows.under_prefect.resume import saved_before, this_run
from registry_flows.under_prefect.session import as_task, may_pass, registry, run_name

if TYPE_CHECKING:
    import pandas as pd

# Time limits of steps that wait for a disk or a server. Training has no time limit, because only its owner knows how
# long it may take; set one with `train_flow.with_options(timeout_seconds=…)` or in the deployment.
_LOADING_SECONDS, _WRITING_SECONDS = 3600, 900
_PASSING: dict[str, Any] = {
    "retry_delay_seconds": exponential_backoff(2),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": may_pass,
}


@task(
    task_run_name=run_name("load_data"),
    cache_policy=CacheKeyFnPolicy(cache_key_fn=rows_key),
    persist_result=True,
    timeout_seconds=_LOADING_SECONDS,
    retries=5,
    **_PASSING,
)
def load_data(model: str, data_path: str | None, options: dict[str, Any] | None = None) -> Loaded:
    """Load the model's recipe and rows; the rows of a file that was read before come from the cache."""
    return read(model, data_path, options or {})


@task(task_run_name=run_name("split_data"), cache_policy=NO_CACHE)
def split_data(model: str, recipe: Recipe, data: Data, options: dict[str, Any] | None = None) -> Split:
    """Split the rows into training and holdout."""
    return registry().reader.split(model, recipe, data, options=options)


@task(
    task_run_name=run_name("save_model"), cache_policy=NO_CACHE, timeout_seconds=_WRITING_SECONDS, retries=3, **_PASSING
)
def save_model(
    model: str, trained: Trained, recipe: Recipe, training: "pd.DataFrame", version: str, logged: Logged
) -> Tag:
    """Save the candidate to the model store as `staging`, with the logged metrics and the fingerprints of its rows."""
    draws = registry().reader.draws(model, recipe)
    return registry().store.save(
        model,
        trained,
        metadata={"version": version, **logged.metadata, **this_run()},
        training_rows=fingerprints(training[recipe.key]),
        training_groups={draws.group_id: draws.group_fingerprints(training)} if draws.group else None,
    )


_log_training = task(
    name="log_training",
    task_run_name=run_name("log_training"),
    cache_policy=NO_CACHE,
    timeout_seconds=_WRITING_SECONDS,
    retries=3,
    **_PASSING,
)(log_training)


@task(
    task_run_name=run_name("register"), cache_policy=NO_CACHE, timeout_seconds=_WRITING_SECONDS, retries=3, **_PASSING
)
def register(tag: Tag, origin: Origin) -> None:
    """Record the version in the ledger. A registered version stays unchanged."""
    registry().register(tag, origin)


def _flow_run_name() -> str:
    parameters = flow_run.parameters
    return f"train {parameters['model']} {parameters['version'] or time_as_version()}"


@flow(name="train", flow_run_name=_flow_run_name)
def train_flow(
    data_path: str | None = None,
    version: str | None = None,
    stage: Literal["staging", "prod"] = "prod",
    model: str = "fraud_classifier",
    options: dict[str, Any] | None = None,
    trained: str | None = None,
) -> TrainedVersion:
    """Train a candidate.

    Args:
        data_path: file, folder, pattern or URL; paths are relative to the folder of promotion.toml;
            None for the configured data. Prefect shows it, so a URL must not contain a password.
        version: the trainer's own version name, kept as metadata; None for the time that the run
            was due.
        stage: the stage requested. The candidate is always saved as `staging`; `prod` hands it to
            the gate.
        model: its name in the configuration.
        options: recipe options, for this training only.
        trained: file with a model that an earlier training kept; the flow goes on with it.
    """
    with registry().reader.one_run():
        return _train(data_path, version, stage, model, options, trained)


def _train(
    data_path: str | None,
    version: str | None,
    stage: Literal["staging", "prod"],
    model: str,
    options: dict[str, Any] | None,
    trained: str | None,
) -> TrainedVersion:
    registry().check(model)
    check_tracking(registry().config, model)
    if stage == "prod":
        check_hand_off(registry().config)
    kept = read_kept(Path(trained), model) if trained else None
    loaded = load_data.with_options(result_storage=results_folder(registry().config))(model, data_path, options)
    if kept:
        check_same_data(kept, loaded.data.digest)
        loaded = replace(loaded, data=replace(loaded.data, source=kept.source))
    saved = saved_before(registry().store, model)
    tag = saved.tag if saved else _candidate(model, version or time_as_version(), loaded, options, kept)
    register(tag, _origin(tag, loaded.data, options))
    return concluded(hand_off(registry(), tag, gate_flow) if stage == "prod" else TrainedVersion(tag=str(tag)))


def time_as_version() -> str:
    """Return the time that this flow run was due, as the default version name."""
    return f"{flow_run.scheduled_start_time.astimezone(UTC):%Y.%m.%d.%H%M%S}"


def _candidate(model: str, version: str, loaded: Loaded, options: dict[str, Any] | None, before: Kept | None) -> Tag:
    """Split, train, log, save. If anything fails after the training, the model is kept in a file."""
    recipe, data = loaded.recipe, loaded.data
    split = split_data(model, recipe, data, options)
    wrong = ""
    kept = before
    if kept is None:
        registry().parts.progress("Training")
        with as_data_error("The recipe could not train"):
            returned: Any = recipe.train(split.training, step=as_task)
        trained = returned if isinstance(returned, Trained) else Trained(model=returned)
        wrong = "" if trained is returned else type(returned).__name__
        kept = Kept(
            model=model,
            version=version,
            data=data.name if data.source else loaded.asked[1],
            data_digest=data.digest,
            options=options or {},
            trained=trained,
            source=data.source,
        )
    config, notice = registry().config, registry().parts.notice
    with nullcontext() if before else kept_on_failure(config, kept, notice):
        if wrong:
            message = f"The recipe's `train` must return a promotion.Trained, but returned an object of type {wrong}."
            raise DataError(f"{message} Write `return Trained(model=…)`.")
        registry().parts.progress("Logging to MLflow, and saving")
        logged = _log_training(config, model, version, recipe, data, split, kept.trained, this_run())
        return save_model(model, kept.trained, recipe, split.training, version, logged)


def _origin(tag: Tag, data: Data, options: dict[str, Any] | None) -> Origin:
    """Return the origin of a version, from the metadata saved with it."""
    saved = registry().store.get(tag).metadata
    return Origin(run_id=saved["mlflow_run_id"], data=data, version=saved["version"], options=options or {})


if __name__ == "__main__":
    train_flow(data_path="data/train_transaction.csv", version="1.0.1", stage="prod")
