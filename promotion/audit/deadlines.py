"""Report what will need attention soon: overdue approvals, and holdouts whose budget is nearly spent."""

from collections.abc import Iterator
from datetime import datetime

from promotion.findings import Code, Finding, finding
from promotion.ledger.state import State, VersionState
from promotion.number_format import level
from promotion.policy.approval import Panel
from promotion.registry.consent import consent_of, is_open, overdue, until_told
from promotion.registry.holdout_uses import Spent

NEARLY_SPENT = 100
"""A holdout is nearly spent if the level of its next decision is below alpha by this factor: after seven decisions."""


def check_deadlines(state: State, panel: Panel, now: datetime, spent: Spent | None) -> Iterator[Finding]:
    """Report decisions that waited too long, and the last holdout if little of its budget is left."""
    for version in state.waiting:
        if is_open(version) and overdue(version, panel, now):
            yield _overdue(version, panel)
    if spent and spent.budget.next * NEARLY_SPENT < spent.budget.alpha:
        budget = spent.budget
        yield finding(
            Code.BUDGET,
            spent.holdout.data,
            f"rows that can still judge, at a level of {level(budget.fresh)} when they are fresh",
            f"use {budget.use:.3g} of them, so that the next decision is made at level {level(budget.next)}",
            "Fresh rows restore it: `promotion gate TAG --data FILE`, or train on newer ones.",
        )


def _overdue(version: VersionState, panel: Panel) -> Finding:
    return finding(
        Code.OVERDUE,
        version.tag,
        f"an answer {until_told(version, panel)}",
        f"none in time: {consent_of(version, panel).wanting}",
        f"`promotion deny {version.tag}` closes it; `promotion gate {version.tag}` judges it again.",
    )
