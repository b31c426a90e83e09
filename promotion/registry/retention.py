"""Which versions may go: never one that serves, that a rollback may need, or that waits. Pure."""

from collections.abc import Collection
from datetime import datetime

from promotion.registry.entries import TransitionPlanned
from promotion.registry.state import State
from promotion.vocabulary import Stage


def plan_retention(
    state: State, present: Collection[str], *, keep: int, before: datetime, reason: str
) -> TransitionPlanned | None:
    """The deletion of old versions that nobody will need again; None when there are none.

    Args:
        state: of the ledger.
        present: tags of the versions in the store.
        keep: how many of the newest that might go are kept all the same.
        before: only versions registered before this moment go.
        reason: one sentence.
    """
    needed = {*state.line, *(move.tag for move in state.pending[1].moves)} if state.pending else {*state.line}
    idle = [
        known
        for known in state.versions.values()
        if known.tag in present and known.tag not in needed and known.stage in {Stage.ARCHIVED, Stage.REJECTED}
    ]
    gone = tuple(
        known.tag for known in idle[: max(len(idle) - keep, 0)] if datetime.fromisoformat(known.registered_at) < before
    )
    if not gone:
        return None
    champion = state.champion.tag if state.champion else None
    return TransitionPlanned(cause="retention", moves=(), champion=champion, reason=reason, deletions=gone)
