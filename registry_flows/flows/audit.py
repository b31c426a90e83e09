"""The audit flow: fails if the record disagrees with another source, and names the findings."""

from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from promotion.assembly import announce_findings
from registry_flows.under_prefect.artifacts import findings_artifact
from registry_flows.under_prefect.session import registry


@flow(name="audit", flow_run_name="audit {model}")
def audit_flow(
    model: str = "fraud_classifier", *, recompute: bool = False, since: datetime | None = None, full: bool = False
) -> State[Any]:
    """Audit one model. Shows the findings as a table, and sends any as the event `promotion.audit_failed`.

    Args:
        model: its name in the configuration or in the ledger.
        recompute: whether to repeat past decisions from their models and rows.
        since: check decisions and moves only from this moment on; without a zone, in UTC.
        full: whether to hash every file, including files that look unchanged.
    """
    moment = since.replace(tzinfo=UTC) if since and since.tzinfo is None else since
    findings = registry().audit(model, recompute=recompute, since=moment, full=full)
    findings_artifact(model, findings)
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
        announce_findings(model, findings, notice=get_run_logger().warning)
        return Failed(message=f"The audit found {', '.join(sorted({one.code for one in findings}))}.")
    return Completed(message="The ledger, the labels, the files and MLflow agree.")
