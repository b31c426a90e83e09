"""The holdout budget: how often today's rows have judged before, and at what level they may judge once more.

Each use of a holdout is a chance for noise to pass. The k-th decision on the same rows is made at the level
`alpha * 6 / (pi^2 k^2)`, and these levels add up to alpha over any number of uses (alpha-spending: Dwork et al. 2015
show why reuse needs it; the series is Euler's). Holdouts that share only some rows count by the share of today's rows
that an earlier decision has seen. The shares are told from sketches, so that the record need not keep every row's key.
"""

import base64
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from promotion.errors import ConfigError
from promotion.number_format import level
from promotion.row_keys import FIRST_FORM, KEY_FORM

if TYPE_CHECKING:
    from numpy.typing import NDArray

SKETCH_SIZE = 512
_FEW = 64


@dataclass(frozen=True, kw_only=True)
class HoldoutSketch:
    """The smallest of a holdout's row fingerprints: a sample of its rows that any other holdout samples alike.

    Attributes:
        rows: how many rows the holdout has.
        smallest: its `SKETCH_SIZE` smallest fingerprints, or all when there are fewer, ascending, as 64-bit
            little-endian integers in base64. A bottom-k sketch (Cohen and Kaplan, PODC 2007).
        form: of the keys that the fingerprints were made of; earlier releases recorded none.
    """

    rows: int
    smallest: str
    form: int = FIRST_FORM

    @classmethod
    def of(cls, fingerprints: "NDArray[np.uint64]", form: int = KEY_FORM) -> "HoldoutSketch":
        """The sketch of rows with these fingerprints, shape (n_rows,), made of keys in this form."""
        kept = np.sort(fingerprints)[:SKETCH_SIZE].astype("<u8")
        return cls(rows=len(fingerprints), smallest=base64.b64encode(kept.tobytes()).decode("ascii"), form=form)

    def share_seen(self, earlier: "HoldoutSketch") -> float:
        """The share of this holdout's rows that the earlier one holds.

        Exact when both sketches hold all their rows; else an estimate, off by about 0.02. Where only few rows can be
        told apart, since the holdouts are of very different size, one more is taken for seen: in doubt it is reuse.
        """
        told = self.sample[self.sample <= min(self.limit, earlier.limit)]
        seen = int(np.isin(told, earlier.sample).sum())
        doubt = int(len(told) < min(_FEW, self.rows))
        return (seen + doubt) / max(len(told) + doubt, 1)

    @cached_property
    def sample(self) -> "NDArray[np.uint64]":
        """The fingerprints, shape (min(rows, SKETCH_SIZE),)."""
        return np.frombuffer(base64.b64decode(self.smallest), dtype="<u8")

    @property
    def limit(self) -> int:
        """Up to here the sketch holds every row."""
        return 2**64 - 1 if self.rows <= len(self.sample) else int(self.sample[-1])


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """The rows of a holdout under the keys that an earlier release can have given them.

    Attributes:
        holdout: digest of the rows.
        sketch: of the rows.
    """

    holdout: str
    sketch: HoldoutSketch


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One challenger put to one holdout.

    Attributes:
        challenger, champion: digests of their files.
        metric: the primary one.
        holdout: digest of the rows.
        sketch: of the rows; None in a record that kept none.
        renamed: the same rows as earlier releases can have recorded them; see `seen_renamed`.
    """

    challenger: str | None
    champion: str | None
    metric: str
    holdout: str
    sketch: HoldoutSketch | None
    renamed: tuple[Renamed, ...] = ()

    @property
    def is_first_form(self) -> bool:
        """Whether an earlier release recorded it."""
        return self.sketch is None or self.sketch.form == FIRST_FORM

    def share_seen(self, earlier: "Trial") -> float:
        """The share of this trial's rows that the earlier one has seen; of several forms of its keys, the largest."""
        if self._same_rows(earlier):
            return 1.0
        ours = [self.sketch, *(one.sketch for one in self._renamed_for(earlier))]
        return max((one.share_seen(earlier.sketch) for one in ours if one and earlier.sketch), default=0.0)

    def repeats(self, earlier: "Trial") -> bool:
        """Whether it asks the very same question of the same rows, so that its answer is no news."""
        ours, theirs = ((one.challenger, one.champion, one.metric) for one in (self, earlier))
        return ours == theirs and self._same_rows(earlier)

    def _same_rows(self, earlier: "Trial") -> bool:
        return earlier.holdout in {self.holdout, *(one.holdout for one in self._renamed_for(earlier))}

    def _renamed_for(self, earlier: "Trial") -> tuple[Renamed, ...]:
        return self.renamed if earlier.is_first_form else ()


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a decision could spend.

    Attributes:
        alpha: what all decisions on these rows may spend together.
        use: the how manieth use of them this is; 1.0 on fresh rows, 2.5 after one whole and one half use.

    Raises:
        ConfigError: the use is below 1.
    """

    alpha: float
    use: float

    def __post_init__(self) -> None:
        if not self.use >= 1:
            message = f"The use of a budget counts from 1, on fresh rows, but is {self.use:g}."
            raise ConfigError(message)

    @property
    def level(self) -> float:
        """Level of this decision's primary check."""
        return spent(self.alpha, self.use)

    @property
    def fresh(self) -> float:
        """What the level would be on fresh rows, on which no challenger was compared."""
        return spent(self.alpha, 1.0)

    @property
    def next(self) -> float:
        """Level of the next decision on the same rows."""
        return spent(self.alpha, self.use + 1)

    @property
    def sentence(self) -> str:
        """What a person should know of it."""
        if self.use <= 1:
            return (
                "This counts as the first use of these rows, so the primary metric was tested at level "
                f"{level(self.level)}."
            )
        return (
            f"This counts as use {self.use:.3g} of these rows, so the primary metric was tested at level "
            f"{level(self.level)}; "
            f"fresh rows restore {level(self.fresh)}."
        )


def spent(alpha: float, use: float) -> float:
    """The level of the k-th use, `alpha * 6 / (pi^2 k^2)`; over k = 1, 2, 3, … it adds up to alpha."""
    return alpha * 6 / (math.pi * use) ** 2


def seen_renamed(trial: Trial, possible: Iterable[Renamed], earlier: Iterable[Trial]) -> tuple[Renamed, ...]:
    """Of all that earlier releases can have recorded of a trial's rows, what shows that an earlier trial has seen more.

    This is recorded with a decision, so that its use can be counted again from the record alone.
    """
    others = [other for other in earlier if other.is_first_form]
    return tuple(
        one
        for one in possible
        if any(
            one.holdout == other.holdout or replace(trial, renamed=(one,)).share_seen(other) > trial.share_seen(other)
            for other in others
        )
    )


def count_use(trial: Trial, earlier: Iterable[Trial]) -> float:
    """The how manieth use of its rows a trial is, given all earlier ones, oldest first.

    A trial that was made before is counted as it was then: asking again what is known spends nothing.
    """
    before = takewhile(lambda other: not trial.repeats(other), earlier)
    return 1.0 + sum(trial.share_seen(other) for other in before)
