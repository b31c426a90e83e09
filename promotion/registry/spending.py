"""How much the holdout that judged last is used up: counted from every use on record, as the next decision counts."""

from dataclasses import dataclass

from promotion.judgement import Budget, HoldoutUsed
from promotion.registry.state import State


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
    """The last holdout whose uses were counted; None where there is none.

    A decision that repeats an earlier question holds that one's use and level, which say nothing of the uses between.
    """
    judged = state.budgeted
    trial, decision = (judged.trial, judged.decision) if judged else (None, None)
    if judged is None or trial is None or decision is None or decision.holdout is None or decision.budget is None:
        return None
    used = sum(trial.share_seen(other) for other in state.trials)
    return Spent(tag=judged.tag, holdout=decision.holdout, budget=Budget(alpha=decision.budget.alpha, use=used))
