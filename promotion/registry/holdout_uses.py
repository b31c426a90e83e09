"""How much the holdout that judged last is used up: counted from every use on record, as the next decision counts."""

from collections.abc import Iterable
from dataclasses import dataclass

from promotion.ledger.entries import Judgement
from promotion.ledger.state import State
from promotion.policy import Budget, HoldoutUsed, Trial


@dataclass(frozen=True, kw_only=True)
class Spent:
    """The rows that judged last, and what they can still spend.

    Attributes:
        tag: the version that they judged.
        holdout: the rows.
        budget: of their last use; `budget.next` is the level of the next decision on them.
    """

    tag: str
    holdout: HoldoutUsed
    budget: Budget


def last_spent(state: State) -> Spent | None:
    """The last holdout whose uses were counted; None where there is none."""
    return spent(state.budgeted, state.trials)


def spent(judged: Judgement | None, trials: Iterable[Trial]) -> Spent | None:
    """The holdout of the last decision that counted uses, and all uses of its rows; None where there is none.

    A decision that repeats an earlier question holds that one's use and level, which say nothing of the uses between.

    Args:
        judged: that decision.
        trials: every use of a holdout.
    """
    trial, decision = (judged.trial, judged.decision) if judged else (None, None)
    if judged is None or trial is None or decision is None or decision.holdout is None or decision.budget is None:
        return None
    used = sum(trial.share_seen(other) for other in trials)
    return Spent(tag=judged.tag, holdout=decision.holdout, budget=Budget(alpha=decision.budget.alpha, use=used))
