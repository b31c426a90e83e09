"""Selection-adjusted estimates of the gain of a promoted version.

A challenger is more likely to pass if chance has increased its gain, so the gains that pass are on
average larger than what later rows will show (the winner's curse: Zöllner and Pritchard 2007; Zhong
and Prentice 2008). The correction computes, for each true gain, the probability that a gain that
passed is at least as large as this one:

    P(gain > found | gain > threshold) = tail((found - true) / stderr) / tail((threshold - true) /
    stderr)

by the normal distribution (Fithian, Sun and Taylor 2014). It increases with the true gain. The estimate is the true
gain at which it is one half: half of the gains that pass are then overestimated and half underestimated. The values at
which it is 0.025 and 0.975 are the ends of an interval that covers the true gain of 95 % of those that pass. Far above
the threshold the correction vanishes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from promotion.comparison import Comparison
from promotion.metrics.bounds import quantile
from promotion.policy.checks import POINT, Kind, compared
from promotion.policy.decision import Decision
from promotion.vocabulary import Outcome, Verdict

_STEPS, _FAR, _SERIES = 60, 3.0, 20.0
"""Bisection steps; end of the search in standard errors above the gain; distance from which the series is exact."""


@dataclass(frozen=True)
class Selected:
    """The adjusted estimate of a gain that passed.

    Attributes:
        metric, gain: the metric, and the gain found.
        estimate: estimate of the true gain, given that it passed; from 0 to the gain found.
            Negative estimates are reported as 0, because a gain just above the threshold does not
            show how far below it the true gain is.
        low: lower end of the 95 % interval; None if below 0.
        high: upper end, at least 0.
    """

    metric: str
    gain: float
    estimate: float
    low: float | None
    high: float


def selected_gain(decision: Decision) -> Selected | None:
    """Adjust the primary gain of a decision to promote; None if no gain was selected for its size.

    Guardrails and slices also select, but have little effect on the primary's gain, and are ignored. The standard error
    is the one that reproduces the deciding bound with a normal distribution, so it accounts for few groups as the bound
    does.
    """
    checks = [check for check in decision.checks if check.kind is Kind.PRIMARY and check.outcome is Outcome.PASSED]
    evidence, level = decision.evidence, decision.alpha
    if decision.verdict is not Verdict.PROMOTE or not checks or not isinstance(evidence, Comparison) or level == POINT:
        return None
    found, margin = compared(evidence, checks[0].subject), checks[0].required
    width = found.half_width(level) if found else 0.0
    if found is None or margin is None or level > POINT or not width:
        return None
    return allow_for_selection(found.metric, found.gain, width / quantile(level), margin + width)


def allow_for_selection(metric: str, gain: float, stderr: float, threshold: float) -> Selected:
    """Adjust a gain with this standard error for its selection by exceeding the threshold."""

    def true_gain(share: float) -> float:
        """Return the true gain, 0 or more, at which this share of the gains that pass exceed the gain found."""
        return _root(lambda true: _log_share(gain, threshold, true, stderr) - math.log(share), gain + _FAR * stderr)

    low = true_gain(0.025)
    return Selected(metric, gain, true_gain(0.5), low or None, true_gain(0.975))


def _log_share(gain: float, threshold: float, true: float, stderr: float) -> float:
    """Return the logarithm of the share of passing gains that are larger than this one."""
    return _log_tail((gain - true) / stderr) - _log_tail((threshold - true) / stderr)


def _log_tail(distance: float) -> float:
    """Return the log tail probability of the normal distribution; far out by Abramowitz and Stegun 26.2.12."""
    if distance < _SERIES:
        return math.log(math.erfc(distance / math.sqrt(2)) / 2)
    series = math.log1p(-1 / distance**2 + 3 / distance**4)
    return series - distance**2 / 2 - math.log(distance * math.sqrt(2 * math.pi))


def _root(rising: Callable[[float], float], high: float) -> float:
    """Find the root between 0 and `high` by bisection; 0 if the function is never negative."""
    low = 0.0
    if rising(low) >= 0:
        return low
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) >= 0 else (middle, high)
    return high
