"""Apply a plan: complete an interrupted transition, append the entries, write the labels, update the mirror."""

from collections.abc import Callable
from functools import partial

from promotion.errors import Conflict, LedgerError, PromotionError, StoreError
from promotion.interfaces import Names, StoreMaintenance, shown
from promotion.ledger.state import State
from promotion.registry.announced import files_in
from promotion.registry.deferred import put_off
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan
from promotion.registry.sync import sync
from promotion.timeouts import patience


def complete(parts: Parts, model: str) -> State:
    """Complete the transition that an interrupted command left, if any, and return the resulting state."""
    parts.changing = True
    return parts.writer.completed(model)


def apply(parts: Parts, plan: Plan) -> Plan:
    """Apply a plan; see `Registry.apply`."""
    model = plan.state.model
    state = parts.writer.state(model) if plan.takeover else complete(parts, model)
    if state.seq != plan.state.seq:
        next_seq = plan.state.seq + 1
        raise Conflict(model, next_seq, parts.ledger.entries(model, after=plan.state.seq, limit=1)[0].actor)
    if plan.bodies:
        recorded = parts.writer.append(state, *plan.bodies)
        try:
            finish(parts, model, plan.foreign)
        finally:
            _tell(parts, state.seq, recorded)
    if plan.claims:
        parts.writer.claim(model)
    _clear(parts, plan)
    parts.changing = False
    return plan


def finish(parts: Parts, model: str, given_up: Names | None = None) -> None:
    """Write the labels and update the mirror for the entries just recorded."""
    try:
        complete(parts, model)
        if not put_off(partial(_sync_after, parts, model, given_up)):
            with patience():
                sync(parts, model, given_up=given_up)
    except (StoreError, LedgerError) as error:
        sentence = f"The change is recorded; the next command completes it. {error}"
        message = sentence.removesuffix(" Nothing was recorded.")
        if isinstance(error, StoreError):
            raise StoreError(message, tag=error.tag, path=error.path) from error
        raise LedgerError(message, model=model, seq=error.seq) from error


def _sync_after(parts: Parts, model: str, given_up: Names | None, notice: Callable[[str], None]) -> None:
    """Update the mirror after the answer was printed, and send failures to `notice`."""
    parts.notice = notice
    try:
        sync(parts, model, given_up=given_up)
    except (StoreError, LedgerError) as error:
        parts.notice(f"The change is recorded. Run `promotion sync` to update MLflow. {error}")


def _tell(parts: Parts, before: int, recorded: State) -> None:
    """Announce the entries after `before` up to the recorded state. A failed announcement does not undo them."""
    try:
        entries = parts.ledger.entries(recorded.model, after=before)[: recorded.seq - before]
        parts.announce(entries, files_in(entries, recorded, parts.store))
    except Exception as error:
        sentence = str(error) if isinstance(error, PromotionError) else f"{type(error).__name__}: {error}"
        parts.notice(f"The change is recorded, but could not be announced: {sentence}")


def _clear(parts: Parts, plan: Plan) -> None:
    """Move foreign folders out of the store, and delete temporary files that killed commands left."""
    if not isinstance(parts.store, StoreMaintenance):  # so there is nothing to clear
        return
    for foreign in plan.foreign_files:
        place = parts.store.quarantine(foreign)
        if place:
            of = f" of '{foreign.model}'" if foreign.model not in {None, plan.state.model} else ""
            parts.notice(f"Moved {foreign}{of} to {shown(place)}. To move it back, run `mv {shown(place)} {foreign}`.")
    for leftover in plan.leftovers:
        parts.store.remove(leftover)
        parts.notice(f"Deleted {leftover}, which {leftover.why}.")
