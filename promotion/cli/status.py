"""`promotion status`: who serves, who waits, what needs attention."""

from typing import TYPE_CHECKING, Any

from promotion.cli.health import approvals_of, health_of
from promotion.cli.output import AnyModel, Json, form_of, models_of, open_here, show

if TYPE_CHECKING:
    from promotion.ledger.state import State
    from promotion.registry.holdout_uses import Spent


EXAMPLE = "promotion status"


def status(model: AnyModel = None, as_json: Json = False) -> None:
    """Show the champions, the waiting versions and what needs attention.

    Also shows how much of each model's holdout budget is used.
    """
    from promotion.report.record import status_page

    registry = open_here()
    states = [registry.state(name) for name in models_of(registry, model)]
    health = health_of(registry, states)
    data = {"models": [_summary(state) for state in states], "notes": health}
    show(data, status_page(states, approvals_of(registry, states), health), form=form_of(as_json=as_json))


def _summary(state: "State") -> dict[str, Any]:
    from promotion.canonical import plain
    from promotion.registry.holdout_uses import last_spent
    from promotion.registry.rolled_back import rolled_back
    from promotion.report.record import awaiting_approval
    from promotion.vocabulary import Stage

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


def _holdout(spent: "Spent") -> dict[str, Any]:
    """How much the rows that judged last are used, and the levels of the next decision on them and on fresh rows."""
    budget, data = spent.budget, {"data": spent.holdout.data, "digest": spent.holdout.digest}
    return {**data, "use": budget.use, "level": budget.level, "next_level": budget.next, "fresh_level": budget.fresh}
