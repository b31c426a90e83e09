"""Checks that the evidence is sufficient: numbers of rows, rows of either class, and groups."""

from typing import NamedTuple, TypeGuard

from promotion.comparison import Comparison, Evaluation, SliceComparison
from promotion.metrics.bounds import Dependence, DrawnAs
from promotion.number_format import effective_number
from promotion.policy.checks import Check, Kind
from promotion.policy.policy import Policy, Rule
from promotion.vocabulary import Outcome


def evidence_checks(evidence: Comparison | Evaluation, policy: Policy) -> tuple[Check, ...]:
    """Check that there are enough rows, of both classes in a binary task, and enough groups."""
    rows, *classes = counted(evidence)
    enough = (_enough(rows, policy.min_rows), *_enough_groups(evidence.dependence, policy))
    return (_enough(min(classes, key=Counted.reported), policy.min_positives), *enough) if classes else enough


class Counted(NamedTuple):
    """A count of rows: their description, their number, and the effective number if weights are unequal."""

    what: str
    found: int
    as_equal: float | None

    def reported(self) -> float:
        """Return the number to compare with a minimum."""
        return self.found if self.as_equal is None else self.as_equal

    @property
    def said(self) -> str:
        """A description: `12 rows`, `900 rows with unequal weights, effective number 12 (Kish)`."""
        if self.as_equal is None:
            return f"{self.found:,} {self.what}"
        equal = effective_number(self.as_equal)
        return f"{self.found:,} {self.what} with unequal weights, effective number {equal} (Kish)"


def counted(evidence: Comparison | Evaluation | SliceComparison) -> tuple[Counted, ...]:
    """Count all rows and, in a binary task, the positives and negatives."""
    equal = evidence.as_equal
    rows = Counted("rows", evidence.rows, equal.rows if equal else None)
    if evidence.positives is None:
        return (rows,)
    return (
        rows,
        Counted("positives", evidence.positives, equal.positives if equal else None),
        Counted("negatives", evidence.rows - evidence.positives, equal.negatives if equal else None),
    )


def _enough_groups(drawn: Dependence | None, policy: Policy) -> tuple[Check, ...]:
    """Check that there are enough groups, if the caller named groups and point estimates do not decide."""
    if not _counts_groups(drawn, policy):
        return ()
    few = few_groups(drawn, policy)
    outcome = Outcome.INCONCLUSIVE if few else Outcome.PASSED
    reason = few or f"{_as_equal(drawn)}; the policy requires at least {policy.min_groups:,}."
    return (
        Check(
            kind=Kind.EVIDENCE,
            subject="groups",
            outcome=outcome,
            reason=reason,
            value=drawn.effective,
            required=float(policy.min_groups),
        ),
    )


def few_groups(drawn: Dependence | None, policy: Policy) -> str:
    """Return why there are too few named groups to estimate an error; empty if there are enough."""
    if not _counts_groups(drawn, policy) or (drawn.effective or 0.0) >= policy.min_groups:
        return ""
    return (
        f"{_as_equal(drawn)}, too few to estimate a standard error; the policy requires at least "
        f"{policy.min_groups:,}. Use rows from more groups."
    )


def _counts_groups(drawn: Dependence | None, policy: Policy) -> TypeGuard[Dependence]:
    """Return whether a minimum of groups applies; blocks of time need none, since few blocks widen their bounds."""
    return drawn is not None and drawn.drawn_as is DrawnAs.GROUPS and policy.rule is not Rule.POINT


def _as_equal(drawn: Dependence) -> str:
    return f"The rows come from {drawn.said}, effective number {effective_number(drawn.effective or 0.0)} (Kish)"


def _enough(rows: Counted, required: int) -> Check:
    found = rows.reported()
    outcome = Outcome.PASSED if found >= required else Outcome.INCONCLUSIVE
    only = "" if outcome is Outcome.PASSED else "only "
    return Check(
        kind=Kind.EVIDENCE,
        subject=rows.what,
        outcome=outcome,
        reason=f"The holdout has {only}{rows.said}; the policy requires at least {required:,}.",
        value=float(found),
        required=float(required),
    )
