"""One requirement of the policy applied to one comparison; pure functions, each returning a `Check`.

Primary, guardrails and floors are one-sided at level alpha. All must pass, which needs no correction for their
number (intersection-union test: Berger, Technometrics 24, 1982).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from promotion.evidence import Comparison, Evaluation, Measurement, MetricComparison
from promotion.judgement.policy import Floor, Guardrail, Policy, Primary, Require
from promotion.vocabulary import Outcome


class Kind(StrEnum):
    """Which sort of requirement a check applies."""

    CLEAN = "clean holdout"
    SCORED = "scores"
    EVIDENCE = "evidence"
    PRIMARY = "primary"
    GUARDRAIL = "guardrail"
    FLOOR = "floor"


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one requirement found.

    Attributes:
        kind: the sort of requirement.
        subject: what it is about: a metric, `rows`, `champion`.
        outcome: what was found.
        reason: one sentence with the numbers.
        value: the gain; of a floor the challenger's value; of the evidence a count.
        bound: the one-sided confidence bound that was compared with `required`.
        required: what the bound had to clear.
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
        """The requirement as a person says it, e.g. `guardrail roc_auc`."""
        return f"{self.kind} {self.subject}".strip()


def evidence_checks(evidence: Comparison | Evaluation, policy: Policy) -> tuple[Check, ...]:
    """Whether there are rows enough to judge by, and of both classes where there are two."""
    rows = _enough("rows", evidence.rows, policy.min_rows)
    if evidence.positives is None:
        return (rows,)
    return (_enough("positives", evidence.positives, policy.min_positives), rows)


def primary_check(comparison: Comparison, primary: Primary, alpha: float) -> Check:
    """Passes when the gain is shown to exceed the margin, fails when it is shown to fall short."""
    found = _compared(comparison, primary.metric)
    if found is None:
        return _missing(Kind.PRIMARY, comparison, primary.metric)
    margin = primary.margin(found.champion)
    return _gain_check(Kind.PRIMARY, found, alpha, margin, f"a gain above {margin:g}")


def guardrail_check(comparison: Comparison, guardrail: Guardrail, alpha: float) -> Check:
    """Passes when the loss is shown to stay within `max_loss`, fails when it is shown to exceed it."""
    found = _compared(comparison, guardrail.metric)
    if found is None:
        return _missing(Kind.GUARDRAIL, comparison, guardrail.metric)
    asks = f"a loss of at most {guardrail.max_loss:g}"
    check = _gain_check(Kind.GUARDRAIL, found, alpha, -guardrail.max_loss, asks)
    if check.outcome is Outcome.INCONCLUSIVE and guardrail.require is Require.NOT_WORSE:
        return replace(check, outcome=Outcome.PASSED, reason=f"{check.reason} It blocks only a loss that is shown.")
    return check


def floor_check(evidence: Comparison | Evaluation, floor: Floor, alpha: float) -> Check:
    """Passes when the challenger's own value is shown to clear the constant, fails when it is shown not to."""
    found = evidence.measurement(floor.metric)
    if found is None:
        return _missing(Kind.FLOOR, evidence, floor.metric)
    if floor.min is not None:
        return _constant_check(found, floor.min, alpha, sign=1)
    assert floor.max is not None  # noqa: S101 - Floor admits exactly one of min and max
    return _constant_check(found, floor.max, alpha, sign=-1)


def without_champion(policy: Policy) -> tuple[Check, ...]:
    """The checks of gains when there is nobody to gain on: not applicable, and floors must stand in for them."""
    reason = "There is no champion to compare with; floors alone decide on the first one."
    kinds = ((Kind.PRIMARY, policy.primary.metric), *((Kind.GUARDRAIL, rail.metric) for rail in policy.guardrails))
    gains = tuple(
        Check(kind=kind, subject=metric, outcome=Outcome.NOT_APPLICABLE, reason=reason) for kind, metric in kinds
    )
    if policy.floors:
        return gains
    nothing = (
        "There is no champion yet and the policy has no floors, so nothing can be required of the first model; "
        "add a floor to the policy, or promote it by hand with --override."
    )
    return (*gains, Check(kind=Kind.FLOOR, subject="", outcome=Outcome.MISSING, reason=nothing))


def _gain_check(kind: Kind, found: MetricComparison, alpha: float, required: float, asks: str) -> Check:
    low, high = found.lower_bound(alpha), found.upper_bound(alpha)
    outcome = _outcome(passed=low > required, failed=high < required)
    bound = high if outcome is Outcome.FAILED else low
    said = {
        Outcome.PASSED: f"at least {low:+.4f} (one-sided {_percent(alpha)} bound)",
        Outcome.FAILED: f"at most {high:+.4f} (one-sided {_percent(alpha)} bound)",
        Outcome.INCONCLUSIVE: f"somewhere from {low:+.4f} to {high:+.4f} (one-sided {_percent(alpha)} bounds)",
    }[outcome]
    reason = f"The gain in {found.metric} is {found.gain:+.4f}, {said}; the policy asks for {asks}."
    return Check(
        kind=kind,
        subject=found.metric,
        outcome=outcome,
        reason=reason,
        value=found.gain,
        bound=bound,
        required=required,
    )


def _constant_check(found: Measurement, required: float, alpha: float, *, sign: int) -> Check:
    """Compare a value with a constant; `sign` is 1 for a lower limit, -1 for an upper one."""
    worst, best = (found.lower_bound(alpha), found.upper_bound(alpha))[::sign]
    outcome = _outcome(passed=sign * (worst - required) > 0, failed=sign * (best - required) < 0)
    bound = best if outcome is Outcome.FAILED else worst
    least, most = ("at least", "at most")[::sign]
    said = {
        Outcome.PASSED: f"{least} {bound:.4f} (one-sided {_percent(alpha)} bound)",
        Outcome.FAILED: f"{most} {bound:.4f} (one-sided {_percent(alpha)} bound)",
        Outcome.INCONCLUSIVE: f"somewhere from {min(worst, best):.4f} to {max(worst, best):.4f} "
        f"(one-sided {_percent(alpha)} bounds)",
    }[outcome]
    reason = (
        f"The challenger's {found.metric} is {found.value:.4f}, {said}; "
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


def _enough(what: str, found: int, required: int) -> Check:
    outcome = Outcome.PASSED if found >= required else Outcome.INCONCLUSIVE
    few = "" if outcome is Outcome.PASSED else "only "
    reason = f"The holdout has {few}{found:,} {what}; the policy asks for at least {required:,}."
    return Check(
        kind=Kind.EVIDENCE, subject=what, outcome=outcome, reason=reason, value=float(found), required=float(required)
    )


def _missing(kind: Kind, evidence: Comparison | Evaluation, metric: str) -> Check:
    reasons = [gap.reason for gap in evidence.missing if gap.metric == metric]
    reason = reasons[0] if reasons else f"The comparison does not hold {metric}."
    return Check(kind=kind, subject=metric, outcome=Outcome.MISSING, reason=reason)


def _compared(comparison: Comparison, metric: str) -> MetricComparison | None:
    return next((found for found in comparison.metrics if found.metric == metric), None)


def _outcome(*, passed: bool, failed: bool) -> Outcome:
    if passed:
        return Outcome.PASSED
    return Outcome.FAILED if failed else Outcome.INCONCLUSIVE


def _percent(alpha: float) -> str:
    return f"{100 * (1 - alpha):g} %"
