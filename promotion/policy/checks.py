"""Checks of a comparison against single requirements of the policy; pure functions, each returning a `Check`.

Primary, guardrails and floors are one-sided tests at level alpha. All must pass, which needs no correction for their
number (intersection-union test: Berger, Technometrics 24, 1982).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from promotion.comparison import Comparison, Evaluation, Measurement, MetricComparison, SliceComparison
from promotion.number_format import figure, signed
from promotion.policy.budget import Budget
from promotion.policy.policy import FirstModel, Policy
from promotion.policy.power import equal_could_not_pass
from promotion.policy.rules import Floor, Guardrail, Primary, Require
from promotion.vocabulary import Outcome

POINT = 0.5
"""The level at which a bound equals the point estimate."""

ROUNDING = 1e-12
"""Point estimates are equal if they differ by less than this share of the largest of them and their errors: sums over
millions of rows differ by that much if the order changes."""


class Kind(StrEnum):
    """The kind of requirement that a check applies."""

    CLEAN = "clean holdout"
    SCORED = "scores"
    NO_ROLLBACK = "no rollback"
    EVIDENCE = "evidence"
    PRIMARY = "primary"
    GUARDRAIL = "guardrail"
    SLICE = "slice"
    FLOOR = "floor"
    LIMIT = "limit"


GROUNDS = frozenset({Kind.PRIMARY, Kind.GUARDRAIL, Kind.SLICE, Kind.FLOOR, Kind.LIMIT})
"""Kinds that count for or against a version; the others say whether it can be judged at all."""

BEFORE = frozenset({Kind.CLEAN, Kind.SCORED, Kind.NO_ROLLBACK})
"""Kinds that are checked before the comparison, and do not follow from it and the policy."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """The result of checking one requirement.

    Attributes:
        kind: the kind of requirement.
        subject: what it applies to: a metric, `rows`, `champion`.
        outcome: the outcome.
        reason: one sentence with the numbers.
        value: the gain; for a floor the challenger's value; for evidence a count.
        bound: the one-sided confidence bound that was compared with `required`.
        required: the value that the bound must exceed.
    """

    kind: Kind
    subject: str
    outcome: Outcome
    reason: str
    value: float | None = None
    bound: float | None = None
    required: float | None = None

    @property
    def name(self) -> str:
        """Readable name of the requirement, e.g. `guardrail roc_auc`."""
        return f"{self.kind} {self.subject}".strip()


def primary_check(comparison: Comparison, primary: Primary, alpha: float, budget: Budget | None = None) -> Check:
    """Pass if the gain is shown to exceed the margin; fail if it is shown to fall short."""
    found = compared(comparison, primary.metric)
    if found is None:
        return missing(Kind.PRIMARY, comparison, primary.metric)
    margin = primary.margin(found.champion)
    check = gain_check(Kind.PRIMARY, found, alpha, margin, f"a gain above {margin:g}")
    if check.outcome is Outcome.INCONCLUSIVE and budget and found.lower_bound(budget.fresh) > margin:
        return replace(check, reason=f"{check.reason} On fresh rows such a gain would pass.")
    return check


def guardrail_check(comparison: Comparison, guardrail: Guardrail, alpha: float) -> Check:
    """Pass if the loss is shown to stay within `max_loss`; fail if it is shown to exceed it."""
    found = compared(comparison, guardrail.metric)
    if found is None:
        return missing(Kind.GUARDRAIL, comparison, guardrail.metric)
    asks = f"a loss of at most {guardrail.max_loss:g}"
    check = gain_check(Kind.GUARDRAIL, found, alpha, -guardrail.max_loss, asks)
    if guardrail.require is Require.PROVEN:
        return told_power(check, equal_could_not_pass(comparison, found, guardrail.max_loss, alpha))
    return unless_shown(check, guardrail.require)


def told_power(check: Check, power: str) -> Check:
    """Add to an inconclusive check the sentence on what the rows can show."""
    left_open = check.outcome is Outcome.INCONCLUSIVE
    return replace(check, reason=f"{check.reason} {power}") if power and left_open else check


def unless_shown(check: Check, require: Require) -> Check:
    """Let an inconclusive check pass if only a shown loss blocks."""
    if check.outcome is Outcome.INCONCLUSIVE and require is Require.NOT_WORSE:
        return replace(check, outcome=Outcome.PASSED, reason=f"{check.reason} It blocks only a loss that is shown.")
    return check


def floor_check(evidence: Comparison | Evaluation, floor: Floor, alpha: float) -> Check:
    """Pass if the challenger's own value is shown to clear the constant; fail if it is shown not to."""
    found = evidence.measurement(floor.metric)
    if found is None:
        return missing(Kind.FLOOR, evidence, floor.metric)
    if floor.min is not None:
        return _constant_check(found, floor.min, alpha, sign=1)
    assert floor.max is not None  # noqa: S101 - Floor admits exactly one of min and max
    return _constant_check(found, floor.max, alpha, sign=-1)


def without_champion(policy: Policy) -> tuple[Check, ...]:
    """Return the gain checks without a champion: not applicable; floors must take their place."""
    reason = "There is no champion to compare with; floors alone decide on the first one."
    kinds = (
        (Kind.PRIMARY, policy.primary.metric),
        *((Kind.GUARDRAIL, rail.metric) for rail in policy.guardrails),
        *((Kind.SLICE, f"{rule.metric} by {rule.slicing.name}") for rule in policy.slices),
    )
    gains = tuple(
        Check(kind=kind, subject=metric, outcome=Outcome.NOT_APPLICABLE, reason=reason) for kind, metric in kinds
    )
    nobody = _nobody_decides(policy)
    return gains if nobody is None else (*gains, nobody)


def _nobody_decides(policy: Policy) -> Check | None:
    """Return the check that the policy cannot decide on the first model; None if its floors can."""
    if policy.first_model is FirstModel.MANUAL:
        reason = (
            "There is no champion yet, and the policy leaves the first one to a person (first_model = "
            '"manual"): '
            "`promotion promote TAG --override --reason …`."
        )
    elif not policy.floors:
        reason = (
            "There is no champion yet and the policy has no floors, so nothing can be required of the first "
            "model; add a floor to the policy, or promote it by hand with --override."
        )
    else:
        return None
    return Check(kind=Kind.FLOOR, subject="", outcome=Outcome.MISSING, reason=reason)


def gain_check(
    kind: Kind, found: MetricComparison, alpha: float, required: float, asks: str, *, where: str = ""
) -> Check:
    """Compare the bounds of a gain, over all rows or in the slice `where`, with the required gain."""
    low, high = found.lower_bound(alpha), found.upper_bound(alpha)
    tie = is_tie(found, alpha, required)
    outcome = _outcome(passed=low > required and not tie, failed=high < required and not tie)
    bound = high if outcome is Outcome.FAILED else low
    scale = max(abs(found.champion), abs(found.challenger))
    gain, least, most = (signed(number, scale=scale) for number in (found.gain, low, high))
    bounds = _bounds_told(outcome, alpha, f"at least {least}", f"at most {most}", f"somewhere from {least} to {most}")
    subject = f"{found.metric} where {where}" if where else found.metric
    reason = f"The gain in {subject} is {gain}{bounds}; the policy asks for {asks}."
    return Check(
        kind=kind,
        subject=subject,
        outcome=outcome,
        reason=reason,
        value=found.gain,
        bound=bound,
        required=required,
    )


def _constant_check(found: Measurement, required: float, alpha: float, *, sign: int) -> Check:
    """Compare a value with a constant; `sign` is 1 for a lower limit, -1 for an upper one."""
    worst, best = (found.lower_bound(alpha), found.upper_bound(alpha))[::sign]
    tie = (alpha == POINT or found.stderr == 0) and _equal(found.value, required, found.stderr)
    outcome = _outcome(
        passed=sign * (worst - required) > 0 and not tie, failed=sign * (best - required) < 0 and not tie
    )
    bound = best if outcome is Outcome.FAILED else worst
    value, low, high = (figure(number, scale=abs(found.value)) for number in (found.value, *sorted((worst, best))))
    passed, failed = (f"at least {low}", f"at most {high}")[::sign]
    bounds = _bounds_told(outcome, alpha, passed, failed, f"somewhere from {low} to {high}")
    reason = (
        f"The challenger's {found.metric} is {value}{bounds}; "
        f"the policy asks for {'more' if sign > 0 else 'less'} than {required:g}."
    )
    return Check(
        kind=Kind.FLOOR,
        subject=found.metric,
        outcome=outcome,
        reason=reason,
        value=found.value,
        bound=bound,
        required=required,
    )


def missing(kind: Kind, evidence: Comparison | Evaluation, metric: str) -> Check:
    """Return the check of a metric that could not be computed."""
    reasons = [gap.reason for gap in evidence.missing if gap.metric == metric]
    reason = reasons[0] if reasons else f"The comparison does not hold {metric}."
    return Check(kind=kind, subject=metric, outcome=Outcome.MISSING, reason=reason)


def compared(comparison: Comparison | SliceComparison, metric: str) -> MetricComparison | None:
    """Return the comparison of a metric; None if it could not be compared."""
    return next((found for found in comparison.metrics if found.metric == metric), None)


def is_tie(found: MetricComparison, alpha: float, required: float) -> bool:
    """Return whether, with point estimates or a standard error of 0, the gain equals the requirement up to rounding."""
    if alpha != POINT and found.stderr != 0:
        return False
    sizes = (found.champion, found.challenger, found.champion_stderr, found.challenger_stderr)
    return _equal(found.gain, required, *sizes)


def _equal(one: float, other: float, *sizes: float) -> bool:
    return abs(one - other) <= ROUNDING * max(map(abs, (one, other, *sizes)))


def _outcome(*, passed: bool, failed: bool) -> Outcome:
    if passed:
        return Outcome.PASSED
    return Outcome.FAILED if failed else Outcome.INCONCLUSIVE


def _bounds_told(outcome: Outcome, alpha: float, passed: str, failed: str, between: str) -> str:
    """Describe the bounds; empty if point estimates decide."""
    if alpha == POINT:
        return ""
    bounds = f"one-sided {100 * (1 - alpha):.4g} % bound"
    if outcome is Outcome.INCONCLUSIVE:
        return f", {between} ({bounds}s)"
    return f", {passed if outcome is Outcome.PASSED else failed} ({bounds})"
