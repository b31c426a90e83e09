"""The state of a model: what its ledger alone tells, as a page and as data."""

from datetime import datetime
from typing import Any

from promotion.canonical import plain
from promotion.ledger.state import State
from promotion.registry.holdout_uses import Spent, last_spent
from promotion.registry.rolled_back import rolled_back
from promotion.report.page import Page, quiet
from promotion.report.record import budget_sentence, rolled_back_lines
from promotion.report.status import awaiting_approval, facts_table, lead, state_facts
from promotion.vocabulary import Stage


def state_page(state: State, now: datetime) -> Page:
    """Show who serves since when and why, which versions wait, and the last verdict."""
    return Page(
        headline=f"{state.model}, at entry {state.seq} of its ledger",
        summary=(*lead(state, now), *rolled_back_lines(state), budget_sentence(state)),
        tables=(facts_table(state_facts(state, now)),),
        notes=quiet(f"`promotion status {state.model}` also looks for problems."),
    )


def state_data(state: State) -> dict[str, Any]:
    """Return a state as plain data: the champion, the versions that wait, and the use of the last holdout."""
    spent = last_spent(state)
    return {
        "model": state.model,
        "champion": plain(state.champion) if state.champion else None,
        "previous": state.previous,
        "waiting": list(state.in_stage(Stage.STAGING)),
        "awaiting_approval": list(awaiting_approval(state)),
        "seq": state.seq,
        "rolled_back": [{"tag": version.tag, **plain(version.rolled_back)} for version in rolled_back(state)],
        "holdout": _holdout(spent) if spent else None,
    }


def _holdout(spent: Spent) -> dict[str, Any]:
    """Uses of the last decision's rows so far, and the levels of the next decision on them and on fresh rows."""
    budget, data = spent.budget, {"data": spent.holdout.data, "digest": spent.holdout.digest}
    return {**data, "use": budget.use, "level": budget.level, "next_level": budget.next, "fresh_level": budget.fresh}
