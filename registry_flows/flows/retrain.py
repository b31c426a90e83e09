"""The retrain flow: train a candidate on the configured data and let the gate judge it."""

from typing import Any

from prefect import flow

from registry_flows.flows.train import time_as_version, train_flow
from registry_flows.under_prefect.hand_off import TrainedVersion, concluded


@flow(name="retrain", flow_run_name="retrain {model}")
def retrain_flow(
    model: str = "fraud_classifier",
    data_path: str | None = None,
    version: str | None = None,
    options: dict[str, Any] | None = None,
    trained: str | None = None,
) -> TrainedVersion:
    """Train and gate.

    Args:
        model: its name in the configuration.
        data_path: CSV or Parquet file; None for the configured one.
        version: the trainer's own version name; None for the time that the run was due.
        options: recipe options, for this training only.
        trained: file with a model that an earlier training kept; the flow goes on with it.
    """
    version = version or time_as_version()
    return concluded(train_flow(data_path, version, stage="prod", model=model, options=options, trained=trained))
