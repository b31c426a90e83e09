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
from promotion.vocabulary import Direction, Outcome

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
"""Kinds of checks made before the comparison. The comparison and the policy do not determine their outcome."""


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
    """Pass if the gain is significantly above the margin; fail if it is significantly below it."""
    found = compared(comparison, primary.metric)
    if found is None:
        return missing(Kind.PRIMARY, comparison, primary.metric)
    margin = primary.margin(found.champion)
    check = gain_check(Kind.PRIMARY, found, alpha, margin, f"requires a gain above {margin:g}")
    if check.outcome is Outcome.INCONCLUSIVE and budget and found.lower_bound(budget.fresh) > margin:
        return replace(check, reason=f"{check.reason} On rows not used before, this gain would pass.")
    return check


def guardrail_check(comparison: Comparison, guardrail: Guardrail, alpha: float) -> Check:
    """Pass if a loss above `max_loss` is ruled out; fail if the loss is significantly above it."""
    found = compared(comparison, guardrail.metric)
    if found is None:
        return missing(Kind.GUARDRAIL, comparison, guardrail.metric)
    rule = f"allows a loss of at most {guardrail.max_loss:g}"
    check = gain_check(Kind.GUARDRAIL, found, alpha, -guardrail.max_loss, rule, require=guardrail.require)
    if guardrail.require is Require.PROVEN:
        return with_power(check, equal_could_not_pass(comparison, found, guardrail.max_loss, alpha))
    return check if check.outcome is not Outcome.INCONCLUSIVE else not_blocking(check, guardrail.max_loss)


def with_power(check: Check, power: str) -> Check:
    """Add to an inconclusive check the sentence on what the rows can show."""
    left_open = check.outcome is Outcome.INCONCLUSIVE
    return replace(check, reason=f"{check.reason} {power}") if power and left_open else check


def not_blocking(check: Check, max_loss: float, corrected: str = "") -> Check:
    """Let a check of a `not_worse` rule pass, because a loss above `max_loss` is not significant."""
    reason = (
        f"{check.reason} A loss above {max_loss:g} is not statistically significant{corrected}, so this {check.kind} "
        "does not block."
    )
    return replace(check, outcome=Outcome.PASSED, reason=reason)


def floor_check(evidence: Comparison | Evaluation, floor: Floor, alpha: float) -> Check:
    """Pass if the challenger's own value is significantly beyond the constant; fail if it is significantly short."""
    found = evidence.measurement(floor.metric)
    if found is None:
        return missing(Kind.FLOOR, evidence, floor.metric)
    if floor.min is not None:
        return _constant_check(found, floor.min, alpha, sign=1)
    assert floor.max is not None  # noqa: S101 - Floor admits exactly one of min and max
    return _constant_check(found, floor.max, alpha, sign=-1)


def without_champion(policy: Policy) -> tuple[Check, ...]:
    """Return the gain checks without a champion: not applicable; floors must take their place."""
    reason = "There is no champion to compare with, so only the floors decide on the first model."
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
            'There is no champion yet, and with first_model = "manual" a person decides on the first model. Promote it '
            "with `promotion promote TAG --override --reason …`."
        )
    elif not policy.floors:
        reason = (
            "There is no champion yet, and the policy has no floor to judge the first model by. Add a floor to the "
            "policy, or promote the model with `promotion promote TAG --override --reason …`."
        )
    else:
        return None
    return Check(kind=Kind.FLOOR, subject="", outcome=Outcome.MISSING, reason=reason)


def gain_check(
    kind: Kind,
    found: MetricComparison,
    alpha: float,
    required: float,
    rule: str,
    *,
    where: str = "",
    require: Require = Require.PROVEN,
) -> Check:
    """Compare the bounds of a gain, over all rows or in the slice `where`, with the required gain.

    The sentence states the requirement by `rule`, what the policy requires or allows.
    """
    low, high = found.lower_bound(alpha), found.upper_bound(alpha)
    tie = is_tie(found, alpha, required)
    outcome = _outcome(passed=low > required and not tie, failed=high < required and not tie)
    bound = high if outcome is Outcome.FAILED else low
    scale = max(abs(found.champion), abs(found.challenger))
    gain, least, most = (signed(number, scale=scale) for number in (found.gain, low, high))
    bounds = ", exactly at the limit" if tie else _bounds(outcome, alpha, least, most)
    in_slice = f" where {where}" if where else ""
    better = " (lower is better)" if found.direction is Direction.LOWER else ""
    left_open = outcome is Outcome.INCONCLUSIVE and not tie and require is Require.PROVEN
    reason = (
        f"The gain in {found.metric}{better}{in_slice} is {gain}{bounds}; the policy {rule}"
        f"{_not_conclusive(kind) if left_open else ''}."
    )
    return Check(
        kind=kind,
        subject=f"{found.metric}{in_slice}",
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
    bounds = ", exactly at the limit" if tie else _bounds(outcome, alpha, low, high, sign=sign)
    left_open = outcome is Outcome.INCONCLUSIVE and not tie
    reason = (
        f"The challenger's {found.metric} is {value}{bounds}; the policy requires a value "
        f"{'above' if sign > 0 else 'below'} {required:g}{_not_conclusive(Kind.FLOOR) if left_open else ''}."
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
    reason = reasons[0] if reasons else f"The comparison has no result for {metric}."
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


def _bounds(outcome: Outcome, alpha: float, low: str, high: str, *, sign: int = 1) -> str:
    """Describe the bounds of a number; `sign` is -1 if small numbers pass. Empty if point estimates decide."""
    if alpha == POINT:
        return ""
    confidence = f"one-sided {100 * (1 - alpha):.4g} %"
    if outcome is Outcome.INCONCLUSIVE:
        return f" ({confidence} bounds {low} and {high})"
    is_lower = (outcome is Outcome.PASSED) == (sign > 0)
    return f" ({confidence} {f'lower bound {low}' if is_lower else f'upper bound {high}'})"


def _not_conclusive(kind: Kind) -> str:
    return f", so the {'slice' if kind is Kind.SLICE else 'holdout'} is not conclusive"
