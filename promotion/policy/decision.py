"""The decision: a verdict, every check behind it, and digests of all that it rests on."""

from dataclasses import dataclass
from typing import Annotated

from promotion.canonical import LATER, digest, plain
from promotion.comparison import Comparison, Evaluation
from promotion.policy.budget import Budget
from promotion.policy.checks import GROUNDS, Check, Kind, floor_check, guardrail_check, primary_check, without_champion
from promotion.policy.evidence_checks import evidence_checks
from promotion.policy.limits import Footprint, limit_checks
from promotion.policy.policy import ApprovalRule, Policy
from promotion.policy.slices import slice_checks
from promotion.vocabulary import Outcome, Verdict

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One side of a decision: the version's tag and the digest of its files."""

    tag: str
    digest: str | None


@dataclass(frozen=True, kw_only=True)
class HoldoutUsed:
    """The rows that judged.

    Attributes:
        digest: SHA-256 over the sorted row keys' fingerprints and the labels.
        data: the file they came from, and
        data_digest: SHA-256 of its bytes.
        rows: rows that judged, of which
        positives: carry the positive label; None unless the task is binary.
        removed: rows left out since a side was trained on them, or
        removed_by: on others of their group by this name; None where groups were not asked.
        immature: rows left out since they are too young for their label to be trusted.
    """

    digest: str
    data: str
    data_digest: str
    rows: int
    positives: int | None
    removed: int
    immature: int = 0
    removed_by: Annotated[str | None, LATER] = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided, and on what; its `digest` names it.

    Attributes:
        verdict: promote, hold or reject.
        checks: every requirement with its outcome, numbers and reason.
        evidence: the comparison (or, without a champion, the evaluation) the checks were applied to.
        policy: digest of the policy.
        alpha: level of the primary check; all others are made at the policy's own.
        budget: the how manieth use of the holdout this was, where uses are counted.
        footprint: what the sides cost to serve, where it was measured.
        approval: whether a promotion waits for a person.
        challenger, champion, holdout: what was judged, against whom, on which rows; the gate fills them in.
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    evidence: Comparison | Evaluation | None
    policy: str
    alpha: float
    budget: Budget | None = None
    footprint: Footprint | None = None
    approval: ApprovalRule = ApprovalRule.AUTOMATIC
    challenger: Judged | None = None
    champion: Judged | None = None
    holdout: HoldoutUsed | None = None
    format: int = FORMAT

    def with_outcome(self, outcome: Outcome) -> tuple[Check, ...]:
        """The checks that ended so."""
        return tuple(check for check in self.checks if check.outcome is outcome)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return self.with_outcome(Outcome.FAILED)

    @property
    def missing(self) -> tuple[Check, ...]:
        """The checks that could not be made."""
        return self.with_outcome(Outcome.MISSING)

    @property
    def waits(self) -> bool:
        """Whether it says promote, and a person must agree first."""
        return self.verdict is Verdict.PROMOTE and self.approval is ApprovalRule.REQUIRED

    @property
    def deciding(self) -> Check | None:
        """The check that settled it: of a promotion the primary (or first floor), else the first of the worst."""
        counted = [check for check in self.checks if check.outcome is not Outcome.NOT_APPLICABLE]
        if self.verdict is Verdict.PROMOTE:
            return next(check for check in counted if check.kind in {Kind.PRIMARY, Kind.FLOOR})
        gravity = _WORST_OF_REJECTION if self.verdict is Verdict.REJECT else _WORST_OF_HOLD
        return min(counted, key=lambda check: gravity.index(check.outcome), default=None)

    @property
    def summary(self) -> str:
        """The one sentence that a person wants first."""
        return "Nothing was checked, so nothing is promoted." if self.deciding is None else self.deciding.reason

    @property
    def drawn(self) -> str:
        """How rows were taken to depend on each other, in a sentence; empty where nothing was said."""
        found = self.evidence.dependence if self.evidence else None
        return found.sentence if found else ""

    @property
    def digest(self) -> str:
        """SHA-256 of the decision's canonical JSON."""
        return digest(plain(self))

    @property
    def id(self) -> str:
        """The first twelve digits of the digest: enough to name a decision to a person."""
        return self.digest[:12]


_WORST_OF_REJECTION = (Outcome.FAILED, Outcome.MISSING, Outcome.INCONCLUSIVE, Outcome.PASSED)
_WORST_OF_HOLD = (Outcome.MISSING, Outcome.INCONCLUSIVE, Outcome.FAILED, Outcome.PASSED)


def decide(
    evidence: Comparison | Evaluation | None,
    policy: Policy,
    *,
    alpha: float | None = None,
    budget: Budget | None = None,
    footprint: Footprint | None = None,
    before: tuple[Check, ...] = (),
) -> Decision:
    """Apply the policy to the evidence.

    The primary is asked at `alpha`, else at the level of the `budget`, else at the policy's own, `1 - confidence`;
    every other check at the policy's own. The gate counts uses of a holdout, and so asks the primary more strictly: at
    3.04 % on rows that have judged nothing yet, where the policy says 95 %. To judge as it does, hand over its budget:

        decide(comparison, policy, budget=Budget(alpha=policy.alpha, use=1.0))

    and for rows that have judged before `use=count_use(trial, earlier)`. Where the policy says `holdout_reuse =
    "ignore"` or `rule = "point"`, the gate has no budget either.

    Args:
        evidence: the comparison with the champion; the challenger's own evaluation when there is no champion;
            None when nothing could be scored, with the reason in `before`.
        policy: what must hold.
        alpha: level of the primary check; when None the budget's, and without one the policy's own.
        budget: the how manieth use of the holdout this is.
        footprint: what the sides cost to serve; needed where the policy limits it.
        before: checks made ahead of the comparison (a clean holdout, models that load and score).
    """
    level = alpha if alpha is not None else budget.level if budget else policy.alpha
    checks = before if evidence is None else (*before, *_checks(evidence, policy, level, budget, footprint))
    return Decision(
        verdict=verdict_of(checks),
        checks=checks,
        evidence=evidence,
        policy=policy.digest,
        alpha=level,
        budget=budget,
        footprint=footprint,
        approval=policy.approval,
    )


def verdict_of(checks: tuple[Check, ...]) -> Verdict:
    """Promote when all that applies passed, primary or floors among it; reject when, on enough rows, any failed.

    Everything else holds: something missing, too few rows, an interval that leaves it open, nothing checked at all.
    """
    counted = [check for check in checks if check.outcome is not Outcome.NOT_APPLICABLE]
    grounds = [check for check in counted if check.kind in GROUNDS]
    sufficient = all(check.outcome is Outcome.PASSED for check in counted if check not in grounds)
    if not sufficient or any(check.outcome is Outcome.MISSING for check in grounds):
        return Verdict.HOLD
    if any(check.outcome is Outcome.FAILED for check in grounds):
        return Verdict.REJECT
    decisive = any(check.kind in {Kind.PRIMARY, Kind.FLOOR} for check in grounds)
    if decisive and all(check.outcome is Outcome.PASSED for check in grounds):
        return Verdict.PROMOTE
    return Verdict.HOLD


def _checks(
    evidence: Comparison | Evaluation,
    policy: Policy,
    level: float,
    budget: Budget | None,
    footprint: Footprint | None,
) -> tuple[Check, ...]:
    if isinstance(evidence, Comparison):
        gains: tuple[Check, ...] = (
            primary_check(evidence, policy.primary, level, budget),
            *(guardrail_check(evidence, guardrail, policy.alpha) for guardrail in policy.guardrails),
            *slice_checks(evidence, policy),
        )
    else:
        gains = without_champion(policy)
    return (
        *evidence_checks(evidence, policy),
        *gains,
        *(floor_check(evidence, floor, policy.alpha) for floor in policy.floors),
        *limit_checks(footprint, policy.limits, alone=isinstance(evidence, Evaluation)),
    )
