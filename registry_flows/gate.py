"""The gate flow: judge a candidate against the champion on the same rows, record why, relabel what follows."""

from prefect import flow

from promotion.judgement import Decision
from promotion.vocabulary import Tag
from registry_flows.session import as_task, registry


@flow(name="gate", flow_run_name="gate {tag}")
def gate_flow(tag: str, data_path: str | None = None, holdout_path: str | None = None) -> Decision:
    """Judge one version.

    Args:
        tag: e.g. `fraud_classifier:6hnrlexgmwrh6ax4`.
        data_path: file whose holdout judges; None for the one that the candidate was trained from.
        holdout_path: file that judges whole; None for the configured one, if any.
    """
    return registry().gate(Tag.parse(tag), data=data_path, holdout=holdout_path, step=as_task)
