"""The holdout budget: how often the current rows have been used before, and the level for their next use.

Each use of a holdout is another chance for noise to pass. The k-th decision on the same rows is tested at the level
`alpha * 6 / (pi^2 k^2)`, and these levels add up to alpha over any number of uses (alpha-spending: Dwork et al. 2015
show why reuse needs it; the series is Euler's). A holdout that shares only some rows with an earlier one counts as a
partial use: the share of current rows that the earlier decision used. Sketches estimate the shares, so the record need
not store every row's key.
"""

import base64
import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING

from promotion.errors import ConfigError
from promotion.number_format import level
from promotion.row_keys import FIRST_FORM, KEY_FORM

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SKETCH_SIZE = 512
_FEW = 64


@dataclass(frozen=True, kw_only=True)
class HoldoutSketch:
    """A sketch of a holdout: its smallest row fingerprints, which sample any two holdouts consistently.

    Attributes:
        rows: number of rows in the holdout.
        smallest: its `SKETCH_SIZE` smallest fingerprints, or all if there are fewer, ascending, as
            64-bit little-endian integers in base64. A bottom-k sketch (Cohen and Kaplan, PODC
            2007).
        form: form of the keys behind the fingerprints; earlier releases did not record one.
    """

    rows: int
    smallest: str
    form: int = FIRST_FORM

    @classmethod
    def of(cls, fingerprints: "NDArray[np.uint64]", form: int = KEY_FORM) -> "HoldoutSketch":
        """Build the sketch of rows with these fingerprints, shape (n_rows,), of keys in this form."""
        import numpy as np

        kept = np.sort(fingerprints)[:SKETCH_SIZE].astype("<u8")
        return cls(rows=len(fingerprints), smallest=base64.b64encode(kept.tobytes()).decode("ascii"), form=form)

    def share_seen(self, earlier: "HoldoutSketch") -> float:
        """Return the share of this holdout's rows that the earlier one contains.

        Exact if both sketches contain all their rows; otherwise an estimate with an error of about 0.02. If the
        holdouts differ so much in size that only few rows are comparable, one more row counts as seen, which errs
        towards reuse.
        """
        import numpy as np

        told = self.sample[self.sample <= min(self.limit, earlier.limit)]
        seen = int(np.isin(told, earlier.sample).sum())
        doubt = int(len(told) < min(_FEW, self.rows))
        return (seen + doubt) / max(len(told) + doubt, 1)

    @cached_property
    def sample(self) -> "NDArray[np.uint64]":
        """The fingerprints, shape (min(rows, SKETCH_SIZE),)."""
        import numpy as np

        return np.frombuffer(base64.b64decode(self.smallest), dtype="<u8")

    @property
    def limit(self) -> int:
        """The fingerprint up to which the sketch contains every row."""
        return 2**64 - 1 if self.rows <= len(self.sample) else int(self.sample[-1])


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """The rows of a holdout under keys that an earlier release may have used for them.

    Attributes:
        holdout: digest of the rows.
        sketch: sketch of the rows.
    """

    holdout: str
    sketch: HoldoutSketch


@dataclass(frozen=True, kw_only=True)
class Use:
    """An earlier use of a holdout, as far as a later one is compared with it.

    Attributes:
        key: a short name of what was tested on which rows; see `Trial.key`.
        holdout: digest of the rows.
        sketch: sketch of the rows; None if the record has none.
    """

    key: str
    holdout: str
    sketch: HoldoutSketch | None

    @property
    def is_first_form(self) -> bool:
        """Whether an earlier release recorded it."""
        return self.sketch is None or self.sketch.form == FIRST_FORM

    @cached_property
    def rows(self) -> str:
        """A short name of the rows and their sketch: 128 bits of SHA-256, base64."""
        sketch = f"{self.sketch.rows} {self.sketch.form} {self.sketch.smallest}" if self.sketch else ""
        return _short(f"{self.holdout} {sketch}")

    def by(self, key: str) -> "Use":
        """Return a use of the same rows by another test."""
        return self if key == self.key else Use(key=key, holdout=self.holdout, sketch=self.sketch)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One challenger tested on one holdout.

    Attributes:
        challenger, champion: digests of their files.
        metric: the primary metric.
        holdout: digest of the rows.
        sketch: sketch of the rows; None if the record has none.
        renamed: the same rows under keys of earlier releases; see `seen_renamed`.
    """

    challenger: str | None
    champion: str | None
    metric: str
    holdout: str
    sketch: HoldoutSketch | None
    renamed: tuple[Renamed, ...] = ()

    @cached_property
    def key(self) -> str:
        """A short name of what was tested on which rows, the same for a repeated test: 128 bits of SHA-256, base64."""
        return self._key(self.holdout)

    def _key(self, holdout: str) -> str:
        return _short(f"{self.challenger} {self.champion} {self.metric} {holdout}")

    @property
    def used(self) -> Use:
        """The use of the rows, as later trials are compared with it."""
        return Use(key=self.key, holdout=self.holdout, sketch=self.sketch)

    @property
    def is_first_form(self) -> bool:
        """Whether an earlier release recorded it."""
        return self.used.is_first_form

    def share_seen(self, earlier: "Trial | Use") -> float:
        """Return the share of this trial's rows that the earlier one used; the largest over the forms of its keys."""
        if self._same_rows(earlier):
            return 1.0
        ours = [self.sketch, *(one.sketch for one in self._renamed_for(earlier))]
        return max((one.share_seen(earlier.sketch) for one in ours if one and earlier.sketch), default=0.0)

    def repeats(self, earlier: "Trial | Use") -> bool:
        """Return whether it tests the same models by the same metric on the same rows, so it uses no budget."""
        return earlier.key in {self.key, *(self._key(one.holdout) for one in self._renamed_for(earlier))}

    def _same_rows(self, earlier: "Trial | Use") -> bool:
        return earlier.holdout in {self.holdout, *(one.holdout for one in self._renamed_for(earlier))}

    def _renamed_for(self, earlier: "Trial | Use") -> tuple[Renamed, ...]:
        return self.renamed if earlier.is_first_form else ()


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The level available to a decision.

    Attributes:
        alpha: total level of all decisions on these rows.
        use: ordinal number of this use of the rows; 1.0 on new rows, 2.5 after one whole and one
            half use.

    Raises:
        ConfigError: the use is below 1.
    """

    alpha: float
    use: float

    def __post_init__(self) -> None:
        if not self.use >= 1:
            raise ConfigError(f"The use of a budget must be at least 1 (1 on new rows), but is {self.use:g}.")

    @property
    def level(self) -> float:
        """Level of this decision's primary check."""
        return level_of_use(self.alpha, self.use)

    @property
    def fresh(self) -> float:
        """The level on new rows, on which no challenger has been compared."""
        return level_of_use(self.alpha, 1.0)

    @property
    def next(self) -> float:
        """Level of the next decision on the same rows."""
        return level_of_use(self.alpha, self.use + 1)

    @property
    def sentence(self) -> str:
        """A sentence about the budget for readers of a decision."""
        if self.use <= 1:
            return (
                "This counts as the first use of these rows, so the primary metric was tested at the "
                f"{level(self.level)} level."
            )
        return (
            f"Counting this decision, these rows have been used {self.use:.3g} times, so the primary metric was "
            f"tested at the {level(self.level)} level; on rows not used before, the level is {level(self.fresh)}."
        )


def level_of_use(alpha: float, use: float) -> float:
    """Return the level of the k-th use, `alpha * 6 / (pi^2 k^2)`; over k = 1, 2, 3, … it adds up to alpha."""
    return alpha * 6 / (math.pi * use) ** 2


def seen_renamed(trial: Trial, possible: Iterable[Renamed], earlier: Iterable[Trial | Use]) -> tuple[Renamed, ...]:
    """Return those renamed forms of a trial's rows which show that an earlier trial used more of them.

    They are recorded with the decision, so its use can be recounted from the record alone.
    """
    others = {_rows(other): other for other in earlier if other.is_first_form}.values()
    return tuple(
        one
        for one in possible
        if any(
            one.holdout == other.holdout or replace(trial, renamed=(one,)).share_seen(other) > trial.share_seen(other)
            for other in others
        )
    )


def count_use(trial: Trial, earlier: Iterable[Trial | Use]) -> float:
    """Return the ordinal number of a trial's use of its rows, given all earlier trials, oldest first.

    A repeated trial keeps its first number: repeating a known result uses no budget.
    """
    before = takewhile(lambda other: not trial.repeats(other), earlier)
    return 1.0 + share_of(trial, before)


def share_of(trial: Trial, others: Iterable[Trial | Use]) -> float:
    """Return the sum of the shares of a trial's rows that others used. Compares the same rows once."""
    shares = dict[tuple[str, HoldoutSketch | None], float]()

    def share(other: Trial | Use) -> float:
        if (rows := _rows(other)) not in shares:
            shares[rows] = trial.share_seen(other)
        return shares[rows]

    return sum(map(share, others))


def _rows(use: Trial | Use) -> tuple[str, HoldoutSketch | None]:
    return use.holdout, use.sketch


def _short(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:16]).decode("ascii")
