"""The ways in which a metric's error is told: by rows, by groups or blocks, or by groups left out."""

import math

import numpy as np

from promotion.comparison.spread import FEWEST, Way, ways
from promotion.errors import DataError
from promotion.metrics.lookup import Metric
from promotion.metrics.rows import ScoredRows
from promotion.metrics.scale import TINY

FARTHEST = 40.0
"""Standard errors; no bound lies farther off, as the normal distribution ends there in double precision."""


def ways_of(chosen: Metric, rows: ScoredRows) -> tuple[Way, ...] | str:
    """The estimate in each way that is asked, or the sentence that says why there is none."""
    try:
        with np.errstate(all="ignore"):  # what overflows is caught below
            reason = chosen.why_undefined(rows)
            found = () if reason else ways(chosen, rows)
            if reason := reason or _why_no_error(found):
                return reason
            value, errors = found[0].estimate.value, [way.error.stderr for way in found]
    except DataError as wrong:  # of a user's own metric
        return str(wrong)
    if any(0 < abs(number) < TINY for number in (value, *errors)):
        return (
            f"It came out as {value:g} +- {max(errors):g} for the {rows.whose}, where double precision loses digits; "
            "scale the labels, scores or costs."
        )
    if math.isfinite(abs(value) + FARTHEST * max(errors)):
        return found
    return (
        f"It came out as {value} for the {rows.whose}; "
        "see whether some weights or numbers are vastly larger than others."
    )


def _why_no_error(found: tuple[Way, ...]) -> str:
    """Why too few rows or groups have the weight for an error; empty where enough do."""
    few = next((way.leverage.effective for way in found if way.too_few), None)
    if few is not None:
        return _FEW.format(few)
    return _ALONE if any(way.alone for way in found) else ""


_USUAL = 0.025
"""One side of a two-sided interval of 95 %."""


_FEW = (
    "Its rows differ so much in weight that they tell as much as {:.3g} of equal weight (of each class, where there "
    f"are classes), and it takes {FEWEST} for a standard error; level the weights, or judge on more rows."
)


_ALONE = (
    "It takes rows of at least two groups, of each class where there are classes, for a standard error, but all are of "
    "one; judge on more groups, or name others."
)
