"""The serving cost of a version, and its checks against the policy's limits."""

from dataclasses import dataclass
from statistics import median

from promotion.policy.checks import Check, Kind
from promotion.policy.rules import Limits
from promotion.vocabulary import Outcome

TIMED = 9
"""Number of alternating timing runs of both sides."""
_SLOWEST_BUT_ONE = -2


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """File sizes and scoring times of both sides.

    Attributes:
        size: bytes of the challenger's files.
        champion_size: bytes of the champion's files; None without a champion.
        seconds: the challenger's time to score 1,000 rows: the median of several runs; None if not
            timed.
        scoring_ratios: challenger's over champion's time to score the same rows, run by run.
    """

    size: int
    champion_size: int | None = None
    seconds: float | None = None
    scoring_ratios: tuple[float, ...] = ()


def limit_checks(footprint: Footprint | None, limits: Limits, *, alone: bool) -> tuple[Check, ...]:
    """Return one check for each limit that the policy sets; `alone` means there is no champion to compare with."""
    checks = []
    if limits.max_size_mb is not None:
        checks.append(_size(footprint, limits.max_size_mb))
    if limits.max_size_ratio is not None:
        checks.append(_size_ratio(footprint, limits.max_size_ratio, alone=alone))
    if limits.max_scoring_ratio is not None:
        checks.append(_scoring_ratio(footprint, limits.max_scoring_ratio, alone=alone))
    return tuple(checks)


def _size(footprint: Footprint | None, limit: float) -> Check:
    if footprint is None:
        return _unknown("size")
    size = footprint.size / 1e6
    reason = f"The challenger's files take {size:,.3g} MB; the policy allows at most {limit:g} MB."
    return _check("size", size <= limit, reason, size, limit)


def _size_ratio(footprint: Footprint | None, limit: float, *, alone: bool) -> Check:
    if alone:
        return _nobody("size beside the champion")
    if footprint is None or not footprint.champion_size:
        return _unknown("size beside the champion")
    ratio = footprint.size / footprint.champion_size
    reason = (
        f"The challenger's files are {ratio:.3g} times as large as the champion's; the policy allows at most {limit:g}."
    )
    return _check("size beside the champion", ratio <= limit, reason, ratio, limit)


def _scoring_ratio(footprint: Footprint | None, limit: float, *, alone: bool) -> Check:
    """Check the scoring time by order statistics, which need no assumption on the distribution of times.

    If the median ratio were above the limit, all but one of nine runs would stay within it with probability 2 %.
    """
    subject = "scoring time beside the champion"
    if alone:
        return _nobody(subject)
    if footprint is None or not footprint.scoring_ratios:
        return _unknown(subject)
    ratios = sorted(footprint.scoring_ratios)
    reason = (
        f"The challenger takes {median(ratios):.3g} times as long as the champion to score the same rows "
        f"({ratios[0]:.3g} to {ratios[-1]:.3g} in {len(ratios)} runs); the policy allows at most {limit:g}."
    )
    if ratios[_SLOWEST_BUT_ONE] <= limit or ratios[1] > limit:
        return _check(subject, ratios[1] <= limit, reason, median(ratios), limit)
    return Check(kind=Kind.LIMIT, subject=subject, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _check(subject: str, passed: bool, reason: str, value: float, required: float) -> Check:
    outcome = Outcome.PASSED if passed else Outcome.FAILED
    return Check(kind=Kind.LIMIT, subject=subject, outcome=outcome, reason=reason, value=value, required=required)


def _nobody(subject: str) -> Check:
    reason = "There is no champion to compare with."
    return Check(kind=Kind.LIMIT, subject=subject, outcome=Outcome.NOT_APPLICABLE, reason=reason)


def _unknown(subject: str) -> Check:
    reason = "It was not measured, so the limit cannot be checked. Measure it with `promotion gate TAG`."
    return Check(kind=Kind.LIMIT, subject=subject, outcome=Outcome.MISSING, reason=reason)
