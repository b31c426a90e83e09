"""How sure a number is: its standard error, the distribution that its bounds are made by, and what is taken as a draw.

Single rows: bounds by the normal distribution. Groups of rows: by Student's t, whose degrees of freedom say how few
groups there are to tell an error from. Where rows are in order of time and nobody said how they depend on each other,
both errors are kept, and the larger half-width decides at each level: with fewer degrees of freedom a bound of a small
level lies farther off, so that which one is larger depends on the level.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from numbers import Real
from statistics import NormalDist
from typing import Annotated

from promotion.canonical import LATER
from promotion.errors import ConfigError
from promotion.number_format import meant_as_share


@dataclass(frozen=True)
class Error:
    """A standard error, and the distribution of the number over it.

    Attributes:
        stderr: the standard error.
        dof: degrees of freedom of Student's t; None for the normal distribution.
    """

    stderr: float
    dof: Annotated[float | None, LATER] = None

    def half_width(self, alpha: float) -> float:
        """How far off a bound of one-sided error alpha lies."""
        return quantile(alpha, self.dof) * self.stderr

    def tail(self, distance: float) -> float:
        """The chance that chance alone brings the number so far up, or farther."""
        if self.stderr == 0:
            return 0.0 if distance > 0 else 1.0
        if self.dof is None:
            return math.erfc(distance / self.stderr / math.sqrt(2)) / 2  # erfc stays exact in the far tail
        from scipy.special import stdtr

        return float(stdtr(self.dof, -distance / self.stderr))


def half_width(alpha: float, error: Error, beside: Error | None) -> float:
    """The larger of the two; above one half, where bounds change sides, the one that lies farther off."""
    return max((each.half_width(alpha) for each in (error, beside) if each), key=abs)


def tail(distance: float, error: Error, beside: Error | None) -> float:
    """The one-sided p-value by the error that is less sure: the level at which the bound of `half_width` reaches 0."""
    tails = [each.tail(distance) for each in (error, beside) if each]
    return max(tails) if distance > 0 else min(tails)


def quantile(alpha: float, dof: float | None = None) -> float:
    """How many standard errors off a bound of one-sided error alpha lies; from the lower tail, which is exact."""
    require_share("alpha", alpha)
    if dof is None:
        return -NormalDist().inv_cdf(alpha)
    from scipy.special import stdtrit

    return -float(stdtrit(dof, alpha))


_HUGE = 1e300
"""Python's whole numbers go on where floats end."""


def require_share(what: str, number: float) -> None:
    """See that a number lies between 0 and 1, without them.

    Raises:
        ConfigError: it does not.
    """
    if isinstance(number, bool) or not isinstance(number, Real):
        message = f"The {what} must be a number between 0 and 1, for example 0.95, but is {number!r:.80}."
        raise ConfigError(message)
    if not 0 < number < 1:
        way_out = meant_as_share(number) or " Write 5 % as 0.05."
        shown = float(min(max(number, -_HUGE), _HUGE))
        message = f"The {what} must lie between 0 and 1, without them, but is {shown:g}.{way_out}"
        raise ConfigError(message)


@dataclass(frozen=True)
class AsEqual:
    """How many rows of equal weight would tell as much as rows of unequal weight (Kish 1965), `(sum w)^2 / sum w^2`.

    Attributes:
        rows: as all of them.
        positives: as those labelled 1; None unless the task is binary.
        negatives: as those labelled 0; likewise.
    """

    rows: float
    positives: float | None = None
    negatives: float | None = None


class DrawnAs(StrEnum):
    """What is taken as a draw of its own where rows may depend on each other."""

    GROUPS = "groups"
    BLOCKS = "blocks"
    INDEPENDENT = "independent"


@dataclass(frozen=True, kw_only=True)
class Dependence:
    """How the rows that judge were taken to depend on each other.

    Attributes:
        drawn_as: `groups`, which a person named; `blocks` of equal duration, since the rows have a time and nobody
            named groups; `independent` rows, by a person's word.
        by: what the groups were named by, e.g. the column `card1`; None for groups that came without a name.
        count: how many groups or blocks hold rows; None for independent rows.
        effective: how many of equal weight would tell as much (Kish 1965): `1 / sum of squared shares of the weight`.
            In a binary task the smaller of the two classes' numbers.
        days: whole days to a block; None where the time's unit is unknown or the rows span less than a week. Then a
            block is an equal part of the time, and what all rows of a day have in common is not covered.
    """

    drawn_as: DrawnAs
    by: str | None = None
    count: int | None = None
    effective: float | None = None
    days: int | None = None

    @property
    def said(self) -> str:
        """In words: `40 groups by card1`, `14 blocks of 2 days`."""
        if self.drawn_as is DrawnAs.INDEPENDENT:
            return "single rows"
        several = "s" * (self.count != 1)
        if self.drawn_as is DrawnAs.GROUPS:
            return f"{self.count:,} group{several}{f' by {self.by}' if self.by else ''}"
        if self.days is None:
            return f"{self.count:,} equal part{several} of the time"
        return f"{self.count:,} block{several} of {self.days:,} day{'s' * (self.days > 1)}"

    @property
    def sentence(self) -> str:
        """How rows were taken, for a reader of a decision."""
        if self.drawn_as is DrawnAs.INDEPENDENT:
            return "Rows were taken as independent of each other, by a person's word."
        if self.drawn_as is DrawnAs.GROUPS:
            return f"Rows were taken as {self.said}, {self.effective or 0.0:.3g} effective."
        if self.count == 1:
            return "Rows were taken one by one, since all fall into one block of time."
        bare = ", which do not cover what all rows of a day have in common" if self.days is None else ""
        return f"Rows were taken one by one and in {self.said}{bare}; the larger error decides{self._lone}."

    @property
    def _lone(self) -> str:
        """Where one block has all rows of a class there is nothing to tell an error of blocks from."""
        lone = math.isclose(self.effective or 0.0, 1.0, rel_tol=1e-9)
        return ", by rows alone where classes count, since one block has all rows of a class" if lone else ""
