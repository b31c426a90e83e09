"""The audit flow: fails, naming what it found, when the record and the world disagree."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from registry_flows.session import registry


@flow(name="audit", flow_run_name="audit {model}")
def audit_flow(model: str = "fraud_classifier") -> State[Any]:
    """Audit one model.

    Args:
        model: its name in the configuration or in the ledger.
    """
    findings = registry().audit(model)
    for finding in findings:
        get_run_logger().error(
            "%s %s: expected %s, found %s. %s",
            finding.code,
            finding.subject,
            finding.expected,
            finding.found,
            finding.mend,
        )
    if findings:
        return Failed(message=f"The audit found {', '.join(sorted({one.code for one in findings}))}.")
    return Completed(message="The record, the labels, the files and MLflow agree.")
