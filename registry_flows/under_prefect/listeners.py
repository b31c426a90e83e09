"""Send ledger entries (`promotion.listeners`) and audit findings (`promotion.findings`) to Prefect as events."""

from collections.abc import Mapping, Sequence

from promotion.findings import Finding
from promotion.ledger.chain import Entry
from promotion.registry.announced import VersionFiles
from registry_flows.under_prefect.event_client import is_configured, is_in_gate_run, send
from registry_flows.under_prefect.events import audit_failed, events_of, touched_by


def spread(entries: Sequence[Entry], files: Mapping[str, VersionFiles]) -> None:
    """Send events for new entries, and resume the gate runs that wait for them; nothing without a Prefect server."""
    events, touched = events_of(entries, files), touched_by(entries)
    if not (events or touched) or not is_configured():
        return
    send(events)
    if touched and not is_in_gate_run():
        from registry_flows.under_prefect.approval import resume_waiting

        for tag in touched:
            resume_waiting(tag)


def spread_findings(model: str, findings: Sequence[Finding]) -> None:
    """Send an audit's findings; called through `promotion.findings`, with at least one."""
    if is_configured():
        send((audit_failed(model, findings),))
