"""Make a planned change: complete what was interrupted, append, write the labels, tell the mirror."""

from collections.abc import Callable
from functools import partial

from promotion.errors import Conflict, LedgerError, PromotionError, StoreError
from promotion.interfaces import Names, StoreMaintenance, shown
from promotion.ledger.state import State
from promotion.registry.deferred import put_off
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan
from promotion.registry.sync import sync
from promotion.timeouts import patience


def complete(parts: Parts, model: str) -> State:
    """Complete the transition that an interrupted command left, if any; the state then."""
    parts.changing = True
    return parts.journal.completed(model)


def apply(parts: Parts, plan: Plan) -> Plan:
    """Make a planned change; see `Registry.apply`."""
    model = plan.state.model
    state = parts.journal.state(model) if plan.takeover else complete(parts, model)
    if state.seq != plan.state.seq:
        next_seq = plan.state.seq + 1
        raise Conflict(model, next_seq, parts.ledger.entries(model, after=plan.state.seq)[0].actor)
    if plan.bodies:
        recorded = parts.journal.append(state, *plan.bodies)
        try:
            finish(parts, model, plan.foreign)
        finally:
            _tell(parts, model, state.seq, recorded.seq)
    if plan.claims:
        parts.journal.claim(model)
    _clear(parts, plan)
    parts.changing = False
    return plan


def finish(parts: Parts, model: str, given_up: Names | None = None) -> None:
    """Labels and mirror of what was just recorded."""
    try:
        complete(parts, model)
        if not put_off(partial(_sync_after, parts, model, given_up)):
            with patience():
                sync(parts, model, given_up=given_up)
    except (StoreError, LedgerError) as error:
        told = f"What was asked is recorded and stands; the next command finishes it. {error}"
        message = told.removesuffix(" Nothing was recorded.")
        if isinstance(error, StoreError):
            raise StoreError(message, tag=error.tag, path=error.path) from error
        raise LedgerError(message, model=model, seq=error.seq) from error


def _sync_after(parts: Parts, model: str, given_up: Names | None, notice: Callable[[str], None]) -> None:
    """Bring the mirror up to date once the answer is out, and tell there what could not be."""
    parts.notice = notice
    try:
        sync(parts, model, given_up=given_up)
    except (StoreError, LedgerError) as error:
        parts.notice(f"What was asked is recorded and stands; `promotion sync` brings MLflow up to date. {error}")


def _tell(parts: Parts, model: str, before: int, last: int) -> None:
    """Announce the entries after `before` up to `last`; they stand, whatever becomes of the news."""
    try:
        parts.announce(parts.ledger.entries(model, after=before)[: last - before])
    except Exception as error:
        told = str(error) if isinstance(error, PromotionError) else f"{type(error).__name__}: {error}"
        parts.notice(f"What was recorded stands, and could not be announced: {told}")


def _clear(parts: Parts, plan: Plan) -> None:
    """Move strays out of the store, and delete what killed commands left beside it."""
    if not isinstance(parts.store, StoreMaintenance):  # and so there is nothing to clear
        return
    for stray in plan.strays:
        place = parts.store.quarantine(stray)
        if place:
            of = f" of '{stray.model}'" if stray.model not in {None, plan.state.model} else ""
            parts.notice(f"Moved {stray}{of} to {shown(place)}; `mv {shown(place)} {stray}` brings it back.")
    for leftover in plan.leftovers:
        parts.store.remove(leftover)
        parts.notice(f"Deleted {leftover}, which {leftover.why}.")
