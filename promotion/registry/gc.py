"""Delete old versions that are no longer needed, and snapshots of data that no record needs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from promotion.errors import StoreError
from promotion.iso import in_utc
from promotion.ledger.entries import Judgement, Registration
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
    found = replace(found, snapshots=_unneeded(parts, found.gone, registered_before))
    if found.doubt:
        parts.notice(found.doubt)
    return replace(plan_of(state, plan_retention(state, found, reason=required(reason))), retention=found)


def delete_snapshots(parts: Parts, plan: Plan) -> Plan:
    """Delete the snapshots of a plan, and return it. A command that was killed before it leaves them to the next.

    Raises:
        StoreError: one cannot be deleted.
    """
    snapshots, named = parts.reader.snapshots, plan.retention.snapshots if plan.retention else ()
    try:
        snapshots.delete([snapshots.folder / name for name in named])
    except OSError as error:
        raise StoreError(f"A snapshot cannot be deleted ({error}). Delete it, or run the command again.") from error
    return plan


def _unneeded(parts: Parts, gone: tuple[str, ...], before: datetime | None) -> tuple[str, ...]:
    """Return the names of the snapshots that no decision, no version that stays and no unsaved model was made with."""
    snapshots = parts.reader.snapshots
    limit = before.timestamp() if before else None
    models = parts.ledger.models()
    if not models or not snapshots.unneeded((), limit):
        return ()
    needed = {parts.config.path(file).resolve() for model in models for file in _needed(parts, model, gone)}
    found = (one.name for one in snapshots.unneeded(needed, limit))
    return tuple(name for name in found if not _names(parts.config.unsaved, name))


def _names(unsaved: Path, snapshot: str) -> bool:
    """Return whether a model that could not be saved was trained on the snapshot, which its pickle names."""
    return any(snapshot.encode() in one.read_bytes() for one in unsaved.glob("*.pkl"))


def _needed(parts: Parts, model: str, gone: tuple[str, ...]) -> Iterator[str]:
    versions = parts.writer.state(model).versions
    for entry in parts.ledger.entries(model):
        body = entry.content()
        if isinstance(body, Judgement) and body.decision.holdout:
            yield body.decision.holdout.data
        elif isinstance(body, Registration) and body.data and not (body.tag in gone or versions.deleted(body.tag)):
            yield body.data
