"""Report what will need attention soon: overdue approvals, and holdouts whose budget is nearly spent."""

from collections.abc import Iterator
from datetime import datetime

from promotion.findings import Code, Finding, finding
from promotion.ledger.state import State, VersionState
from promotion.number_format import level
from promotion.policy.approval import Panel
from promotion.registry.consent import consent_of, is_open, overdue, until_sentence
from promotion.registry.holdout_uses import Spent

NEARLY_SPENT = 100
"""A holdout is nearly spent if the level of its next decision is below alpha by this factor: after seven decisions."""


def check_deadlines(state: State, panel: Panel, now: datetime, spent: Spent | None) -> Iterator[Finding]:
    """Report decisions that waited too long, and the last holdout if little of its budget is left."""
    for version in state.awaiting_approval:
        if is_open(version) and overdue(version, panel, now):
            yield _overdue(version, panel)
    if spent and spent.budget.next * NEARLY_SPENT < spent.budget.alpha:
        budget = spent.budget
        yield finding(
            Code.BUDGET,
            spent.holdout.origin,
            f"a holdout that is not used up (new rows are tested at the {level(budget.fresh)} level)",
            f"use {budget.use:.3g} of these rows, so the next decision is tested at the {level(budget.next)} level",
            "Judge on new rows with `promotion gate TAG --data FILE`, or train on newer rows.",
        )


def _overdue(version: VersionState, panel: Panel) -> Finding:
    return finding(
        Code.OVERDUE,
        version.tag,
        f"approval within {panel.within} of the decision, {until_sentence(version, panel)}",
        f"no approval in time: {consent_of(version, panel).wanting}",
        f"Deny it with `promotion deny {version.tag}`, or judge it again with `promotion gate {version.tag}`.",
    )
