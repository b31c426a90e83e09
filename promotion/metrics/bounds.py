"""Standard errors, the distributions that give their bounds, and the unit that is taken as one independent draw.

Single rows: bounds use the normal distribution. Groups of rows: bounds use Student's t, with degrees of freedom that
reflect how few groups the error is estimated from. If rows have times and no dependence was specified, both errors are
kept and the larger half-width counts at each level. With fewer degrees of freedom, bounds at small levels lie farther
out, so which error is larger depends on the level.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from numbers import Real
from statistics import NormalDist
from typing import Annotated

from promotion.canonical import LATER
from promotion.errors import ConfigError
from promotion.number_format import effective_number, meant_as_share


@dataclass(frozen=True)
class Error:
    """A standard error, and the distribution for bounds and p-values.

    Attributes:
        stderr: the standard error.
        dof: degrees of freedom of Student's t; None for the normal distribution.
    """

    stderr: float
    dof: Annotated[float | None, LATER] = None

    def half_width(self, alpha: float) -> float:
        """Return the distance to the bound with one-sided error alpha."""
        return quantile(alpha, self.dof) * self.stderr

    def tail(self, distance: float) -> float:
        """Return the probability that chance alone moves the number up by `distance` or more."""
        if self.stderr == 0:
            return 0.0 if distance > 0 else 1.0
        if self.dof is None:
            return math.erfc(distance / self.stderr / math.sqrt(2)) / 2  # erfc stays exact in the far tail
        from scipy.special import stdtr

        return float(stdtr(self.dof, -distance / self.stderr))


def half_width(alpha: float, error: Error, beside: Error | None) -> float:
    """Return the larger half-width of both errors; for alpha above 0.5, where bounds change sides, the farther one."""
    return max((each.half_width(alpha) for each in (error, beside) if each), key=abs)


def tail(distance: float, error: Error, beside: Error | None) -> float:
    """Return the larger one-sided p-value of the two errors: the level at which the bound of `half_width` reaches 0."""
    tails = [each.tail(distance) for each in (error, beside) if each]
    return max(tails) if distance > 0 else min(tails)


def quantile(alpha: float, dof: float | None = None) -> float:
    """Return the bound with one-sided error alpha in standard errors; computed from the lower tail, which is exact."""
    require_share("alpha", alpha)
    if dof is None:
        return -NormalDist().inv_cdf(alpha)
    from scipy.special import stdtrit

    return -float(stdtrit(dof, alpha))


_HUGE = 1e300
"""A limit near the largest float; Python integers can exceed it."""


def require_share(what: str, number: float) -> None:
    """Check that a number lies strictly between 0 and 1."""
    if isinstance(number, bool) or not isinstance(number, Real):
        raise ConfigError(f"The {what} must be a number between 0 and 1, for example 0.95, but is {number!r:.80}.")
    if not 0 < number < 1:
        way_out = meant_as_share(number) or " Write 5 % as 0.05."
        shown = float(min(max(number, -_HUGE), _HUGE))
        raise ConfigError(f"The {what} must be above 0 and below 1, but is {shown:g}.{way_out}")


@dataclass(frozen=True)
class AsEqual:
    """Effective number of rows: how many of equal weight give the same precision (Kish 1965), `(sum w)^2 / sum w^2`.

    Attributes:
        rows: effective number of all rows.
        positives: effective number of rows labelled 1; None unless the task is binary.
        negatives: effective number of rows labelled 0; likewise.
    """

    rows: float
    positives: float | None = None
    negatives: float | None = None


class DrawnAs(StrEnum):
    """The unit that is taken as one independent draw."""

    GROUPS = "groups"
    BLOCKS = "blocks"
    INDEPENDENT = "independent"


@dataclass(frozen=True, kw_only=True)
class Dependence:
    """How the evaluation rows were assumed to depend on each other.

    Attributes:
        drawn_as: `groups` if the caller named groups; `blocks` of equal duration if the rows have
            times and the caller named no groups; `independent` rows if the caller declared them
            independent.
        by: what the groups are named by, e.g. the column `card1`; None for groups without a name.
        count: number of groups or blocks that hold rows; None for independent rows.
        effective: number of equally weighted groups that give the same precision (Kish 1965): `1 /
            sum of squared shares of the weight`. In a binary task, the smaller number of the two
            classes.
        days: whole days per block; None if the unit of time is unknown or the rows span less than a
            week. A block is then an equal part of the time span, and dependence within a whole day
            is not covered.
    """

    drawn_as: DrawnAs
    by: str | None = None
    count: int | None = None
    effective: float | None = None
    days: int | None = None

    @property
    def said(self) -> str:
        """A short description: `40 groups by card1`, `14 blocks of 2 days`."""
        if self.drawn_as is DrawnAs.INDEPENDENT:
            return "independent rows"
        several = "s" * (self.count != 1)
        if self.drawn_as is DrawnAs.GROUPS:
            return f"{self.count:,} group{several}{f' by {self.by}' if self.by else ''}"
        if self.days is None:
            return f"{self.count:,} equal part{several} of the time span"
        return f"{self.count:,} block{several} of {self.days:,} day{'s' * (self.days > 1)}"

    @property
    def sentence(self) -> str:
        """A sentence for readers of a decision: the unit that standard errors treat as independent."""
        if self.drawn_as is DrawnAs.INDEPENDENT:
            return 'Standard errors treat each row as independent, as declared (dependence = "independent").'
        if self.drawn_as is DrawnAs.GROUPS:
            return (
                f"Standard errors treat groups as independent: {self.said}, effective number "
                f"{effective_number(self.effective or 0.0)} (Kish)."
            )
        if self.count == 1:
            return "Standard errors treat each row as independent, because all rows fall into one block of time."
        bare = ", which do not cover dependence within a day" if self.days is None else ""
        return f"Standard errors are computed by row and by {self.said}{bare}; the larger one decides.{self._lone}"

    @property
    def _lone(self) -> str:
        """A sentence for the case that one block contains all rows of a class, so blocks give no error."""
        lone = math.isclose(self.effective or 0.0, 1.0, rel_tol=1e-9)
        return " One block contains all rows of a class, so metrics by class use the error by row only." if lone else ""
