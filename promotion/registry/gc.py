"""Delete old versions that are no longer needed."""

from dataclasses import replace
from datetime import datetime

from promotion.iso import in_utc
from promotion.registry.champion import require_recorded
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import settled
from promotion.registry.retention import plan_retention, retention


def plan_gc(parts: Parts, model: str, *, keep: int, reason: str, registered_before: datetime | None = None) -> Plan:
    """Plan the deletion of versions that are no longer needed; see `Registry.gc`."""
    state = settled(parts, model)
    require_recorded(parts, state)
    found = retention(
        state,
        state.served,
        {str(stored.tag) for stored in parts.store.versions(model)},
        keep=keep,
        before=in_utc(registered_before) if registered_before else None,
        now=parts.clock(),
    )
    if found.doubt:
        parts.notice(found.doubt)
    return replace(plan_of(state, plan_retention(state, found, reason=required(reason))), retention=found)
