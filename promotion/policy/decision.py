"""The decision: a verdict, every check behind it, and digests of all inputs."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from promotion.canonical import LATER, digest, plain
from promotion.comparison import Comparison, Evaluation
from promotion.displayed import Displayed
from promotion.policy.budget import Budget
from promotion.policy.checks import (
    BEFORE,
    GROUNDS,
    Check,
    Kind,
    floor_check,
    guardrail_check,
    primary_check,
    without_champion,
)
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
    """The evaluation rows of a decision.

    Attributes:
        digest: SHA-256 over the sorted row keys' fingerprints and the labels.
        data: the file of the rows, or the folder or pattern of files.
        data_digest: SHA-256 of the bytes of that file, or over names and digests of these files.
        source: the URL or query that the file is a snapshot of, without passwords; None if it is no
            snapshot.
        rows: number of evaluation rows.
        positives: number of these with the positive label; None unless the task is binary.
        removed: number of rows left out because a side was trained on them.
        removed_by: number of rows left out because a side was trained on others of their group, by
            this name; None if groups were not checked.
        immature: number of rows left out because they are too recent for their labels to be
            reliable.
    """

    digest: str
    data: str
    data_digest: str
    rows: int
    positives: int | None
    removed: int
    immature: int = 0
    removed_by: Annotated[str | None, LATER] = None
    source: Annotated[str | None, LATER] = None

    @property
    def origin(self) -> str:
        """Where the rows come from, for people: the file, or the source that it is a snapshot of."""
        return self.source or self.data


@dataclass(frozen=True, kw_only=True, repr=False)
class Decision(Displayed):
    """A verdict with its evidence; its `digest` identifies it.

    Attributes:
        verdict: promote, hold or reject.
        checks: every requirement with its outcome, numbers and reason.
        evidence: the comparison (or, without a champion, the evaluation) that the checks were
            applied to.
        policy: digest of the policy.
        alpha: level of the primary check; all other checks use the policy's own.
        budget: the holdout budget at this use, if uses are counted.
        footprint: the serving cost of both sides, if measured.
        approval: whether a promotion needs approval.
        challenger, champion, holdout: the judged version, the champion and the rows; the gate fills
            them in.
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
        """Return the checks with this outcome."""
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
        """Whether the verdict is promote and needs approval first."""
        return self.verdict is Verdict.PROMOTE and self.approval is ApprovalRule.REQUIRED

    @property
    def deciding(self) -> Check | None:
        """The deciding check: for a promotion the primary (or first floor), else the first with the worst outcome."""
        counted = [check for check in self.checks if check.outcome is not Outcome.NOT_APPLICABLE]
        if self.verdict is Verdict.PROMOTE:
            return next(check for check in counted if check.kind in {Kind.PRIMARY, Kind.FLOOR})
        gravity = _WORST_OF_REJECTION if self.verdict is Verdict.REJECT else _WORST_OF_HOLD
        return min(counted, key=lambda check: gravity.index(check.outcome), default=None)

    @property
    def summary(self) -> str:
        """The most important sentence of the decision."""
        return "Nothing was checked, so nothing is promoted." if self.deciding is None else self.deciding.reason

    @property
    def drawn(self) -> str:
        """How rows were assumed to depend on each other, as a sentence; empty if not specified."""
        found = self.evidence.dependence if self.evidence else None
        return found.sentence if found else ""

    @property
    def digest(self) -> str:
        """SHA-256 of the decision's canonical JSON."""
        return digest(plain(self))

    @property
    def unworded(self) -> "Decision":
        """The decision without the sentences that follow from its numbers: releases may write these differently.

        Sentences of checks made before the comparison stay, because only they say what happened.
        """
        checks = (check if check.kind in BEFORE else replace(check, reason="") for check in self.checks)
        return replace(self, checks=tuple(checks))

    @property
    def id(self) -> str:
        """The first twelve digits of the digest, as a short name."""
        return self.digest[:12]


_WORST_OF_REJECTION = (Outcome.FAILED, Outcome.MISSING, Outcome.INCONCLUSIVE, Outcome.PASSED)
_WORST_OF_HOLD = (Outcome.MISSING, Outcome.INCONCLUSIVE, Outcome.FAILED, Outcome.PASSED)


def decide(
    evidence: Comparison | Evaluation | None,
    policy: Policy | str | Path | dict[str, Any],
    *,
    alpha: float | None = None,
    budget: Budget | None = None,
    footprint: Footprint | None = None,
    before: tuple[Check, ...] = (),
) -> Decision:
    """Apply the policy to the evidence.

    The primary check uses the level `alpha` if given, else that of the `budget`, else the policy's
    own, `1 - confidence`; every other check uses the policy's own. The gate counts uses of a
    holdout and so tests the primary more strictly: at the 3.04 % level on new rows with a policy
    confidence of 95 %. To get the gate's verdict, pass its budget:

        decide(comparison, policy, budget=Budget(alpha=policy.alpha, use=1.0))

    and `use=count_use(trial, earlier)` for rows that were used before. If the policy says
    `holdout_reuse = "ignore"` or `rule = "point"`, the gate has no budget either.

    Args:
        evidence: the comparison with the champion; the challenger's own evaluation if there is no
            champion; None if nothing could be scored, with the reason in `before`.
        policy: the requirements; or a file or dict to read them from, see `Policy.from_toml`.
        alpha: level of the primary check; if None that of the budget, and without a budget the
            policy's own.
        budget: the holdout budget at this use.
        footprint: the serving cost of both sides; needed if the policy limits it.
        before: checks made before the comparison (a clean holdout, models that load and score).
    """
    policy = policy if isinstance(policy, Policy) else Policy.from_toml(policy)
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
    """Return promote if all applicable checks pass, including primary or floors; reject if any fails, on enough rows.

    Everything else is a hold: a missing check, too few rows, an inconclusive interval, or no checks at all.
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
