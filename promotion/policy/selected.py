"""The gain of a version that was promoted because its gain was large.

Of many challengers those pass whose gains chance has raised, so the gain that passed is larger on average than what
later rows will show (the winner's curse: Zöllner and Pritchard 2007; Zhong and Prentice 2008). What allows for it asks,
for each true gain, how often a gain that passed comes out as large as this one:

    P(gain > found | gain > threshold) = tail((found - true) / stderr) / tail((threshold - true) / stderr)

by the normal distribution (Fithian, Sun and Taylor 2014). It grows with the true gain. Where it is one half lies the
estimate: of the gains that pass, half are estimated too high and half too low. Where it is 0.025 and 0.975 lie the ends
of an interval that holds the true gain of 95 % of those that pass. Far above the threshold all this is as without it.
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
"""Halvings; standard errors above the gain, where no true gain is looked for; where the tail's series is exact."""


@dataclass(frozen=True)
class Selected:
    """What is to be expected of a gain that passed.

    Attributes:
        metric: of which it is.
        estimate: of the true gain, given that it passed; from 0 to the gain found. Estimates below 0 are told as 0, as
            a gain just above the threshold says nothing of how far below it the true one is.
        low: the lower end of the 95 % interval; None where it lies below 0.
        high: the upper end, 0 at least.
    """

    metric: str
    estimate: float
    low: float | None
    high: float


def selected_gain(decision: Decision) -> Selected | None:
    """What is to be expected of the gain of a decision to promote; None where none was selected for being large.

    Guardrails and slices select too, but hardly for the primary's gain, and are left out. The standard error is the one
    by which a normal distribution would have the bound that decided, so that few groups count as the bound has it.
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
    """What is to be expected of a gain with this standard error that was kept since it is above the threshold."""

    def true_gain(share: float) -> float:
        """The true gain, 0 or more, of which so large a share of those that pass come out higher than this one."""
        return _root(lambda true: _log_share(gain, threshold, true, stderr) - math.log(share), gain + _FAR * stderr)

    low = true_gain(0.025)
    return Selected(metric, true_gain(0.5), low or None, true_gain(0.975))


def _log_share(gain: float, threshold: float, true: float, stderr: float) -> float:
    """Of the gains that pass, the share that is larger; its logarithm."""
    return _log_tail((gain - true) / stderr) - _log_tail((threshold - true) / stderr)


def _log_tail(distance: float) -> float:
    """Of the normal distribution, also where its tail is smaller than any number (Abramowitz and Stegun 26.2.12)."""
    if distance < _SERIES:
        return math.log(math.erfc(distance / math.sqrt(2)) / 2)
    series = math.log1p(-1 / distance**2 + 3 / distance**4)
    return series - distance**2 / 2 - math.log(distance * math.sqrt(2 * math.pi))


def _root(rising: Callable[[float], float], high: float) -> float:
    """Where it is 0, from 0 to `high`; 0 where it is above 0 from the start."""
    low = 0.0
    if rising(low) >= 0:
        return low
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) >= 0 else (middle, high)
    return high
