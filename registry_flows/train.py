"""The train flow: load, split, train, log to MLflow, save to the Bento store as `staging`, hand off to the gate.

It never labels anything `prod`: with `stage="prod"` it asks the gate for that, with `stage="staging"` it stops.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from promotion.errors import PromotionError, as_data_error
from promotion.judgement import Decision
from promotion.registry.reading import Data
from promotion.registry.record import Origin
from promotion.rows import fingerprints
from promotion.seams import Recipe, Split, Trained
from promotion.vocabulary import Tag
from registry_flows.gate import gate_flow
from registry_flows.session import as_task, registry
from registry_flows.tracking import check_tracking, log_training

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Candidate:
    """What a training left: the version's tag and, where the gate was asked, its decision."""

    tag: str
    decision: Decision | None


def _is_passing(_task: Any, _run: Any, state: Any) -> bool:
    """Whether an error may pass by itself, as a disk's or network's may; what the user must mend does not."""
    try:
        state.result()
    except PromotionError as error:
        return isinstance(error.__cause__, OSError)
    except Exception:
        return True
    return False


@task(retries=5, retry_delay_seconds=exponential_backoff(2), retry_condition_fn=_is_passing, cache_policy=NO_CACHE)
def load_data(model: str, data_path: str | None, options: dict[str, Any] | None = None) -> tuple[Recipe, Data]:
    """The model's recipe and its rows."""
    return registry().load(model, data_path, options=options)


@task(cache_policy=NO_CACHE)
def split_data(model: str, recipe: Recipe, data: Data, options: dict[str, Any] | None = None) -> Split:
    """The rows that train and the rows that judge."""
    return registry().split(model, recipe, data, options=options)


@task(cache_policy=NO_CACHE)
def save_model(
    model: str, trained: Trained, recipe: Recipe, training: "pd.DataFrame", version: str, run_id: str
) -> Tag:
    """Save the candidate to the Bento store as `staging`, with the fingerprints of the rows that trained it."""
    return registry().store.save(
        model,
        trained,
        metadata={"version": version, "mlflow_run_id": run_id},
        training_rows=fingerprints(training[recipe.key]),
    )


@flow(name="train", flow_run_name="train {model} {version}")
def train_flow(
    data_path: str | None,
    version: str,
    stage: Literal["staging", "prod"] = "prod",
    model: str = "fraud_classifier",
    options: dict[str, Any] | None = None,
) -> Candidate:
    """Train a candidate.

    Args:
        data_path: CSV or Parquet file; relative to the folder of promotion.toml; None for the configured one.
        version: the trainer's own name for it, kept as metadata.
        stage: the stage asked for. The candidate is saved as `staging` either way; `prod` hands it to the gate.
        model: its name in the configuration.
        options: of the recipe, for this training only.
    """
    registry().check(model)
    check_tracking(registry().config, model)
    recipe, data = load_data(model, data_path, options)
    split = split_data(model, recipe, data, options)
    with as_data_error("The recipe could not train"):
        trained = recipe.train(split.training, step=as_task)
    run_id = as_task(log_training, registry().config, model, version, recipe, data, split, trained)
    tag = save_model(model, trained, recipe, split.training, version, run_id)
    as_task(registry().register, tag, Origin(run_id=run_id, data=data, version=version, options=options or {}))
    decision = gate_flow(str(tag)) if stage == "prod" else None
    return Candidate(tag=str(tag), decision=decision)


if __name__ == "__main__":
    train_flow(data_path="data/train_transaction.csv", version="1.0.1", stage="prod")
