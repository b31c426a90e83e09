"""Remaining budget of the last holdout, counted from all recorded uses in the same way as the next decision counts."""

from collections.abc import Iterable
from dataclasses import dataclass

from promotion.ledger.entries import Judgement
from promotion.ledger.state import State
from promotion.policy import Budget, HoldoutUsed, Trial, Use, share_of


@dataclass(frozen=True, kw_only=True)
class Spent:
    """The rows of the last decision, and their remaining budget.

    Attributes:
        tag: the version that they judged.
        holdout: the rows.
        budget: budget of their last use; `budget.next` is the level of the next decision on them.
    """

    tag: str
    holdout: HoldoutUsed
    budget: Budget


def last_spent(state: State) -> Spent | None:
    """Return the last holdout whose uses were counted; None if there is none."""
    return uses_of_holdout(state.budgeted, state.trials, state.used)


def uses_of_holdout(judged: Judgement | None, trials: Iterable[Trial | Use], used: float | None = None) -> Spent | None:
    """Return the holdout of the last decision that counted uses, with all uses of its rows; None if there is none.

    A decision that repeats an earlier question carries the use and level of that question, and so
    does not reflect the uses between the two.

    Args:
        judged: the last decision that counted uses.
        trials: every use of a holdout.
        used: number of uses of its rows, if known; else counted from all trials.
    """
    trial, decision = (judged.trial, judged.decision) if judged else (None, None)
    if judged is None or trial is None or decision is None or decision.holdout is None or decision.budget is None:
        return None
    if used is None:
        used = share_of(trial, trials)
    return Spent(tag=judged.tag, holdout=decision.holdout, budget=Budget(alpha=decision.budget.alpha, use=used))
