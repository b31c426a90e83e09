"""Selection of the evaluation rows: those that neither side was trained on, as far as its provenance shows."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from promotion.durations import TimeUnit, span_text
from promotion.errors import DataError
from promotion.provenance import Provenance, TrainedBefore, UnknownRows
from promotion.row_keys import FIRST_FORM, KnownRows, fingerprints, form_in_use
from promotion.rows import require_columns
from promotion.time_columns import times_of
from promotion.times import Times

if TYPE_CHECKING:
    import pandas as pd

    from promotion.interfaces.recipe import Recipe


@dataclass(frozen=True)
class Clean:
    """The evaluation rows, their keys' fingerprints, shape (n_rows,), and the numbers of rows left out."""

    rows: "pd.DataFrame"
    keys: NDArray[np.uint64]
    removed: int


def clean(
    rows: "pd.DataFrame", recipe: "Recipe", *sides: Provenance, groups: NDArray[np.uint64] | None = None
) -> Clean:
    """Remove every row that a side was or may have been trained on, and rows of `groups` that a side was trained on.

    `groups` has the fingerprint of each row's group, shape (n_rows,); None to check single rows
    only.

    If an earlier release made a side's fingerprints, the side counts as trained on a row if it has
    any fingerprint that such a release may have made of the row's key.

    Raises:
        DataError: a side's provenance is a time, and the recipe names no time column, or its times
            are not comparable with it.
    """
    keys = fingerprints(rows[recipe.key])
    earlier = _earlier_fingerprints(rows[recipe.key], sides)
    seen = np.zeros(len(rows), dtype=bool)
    for side in sides:
        seen |= _trained_on(rows, keys, recipe, side)
        if isinstance(side, KnownRows) and side.form == FIRST_FORM:
            seen |= np.any([_contains(side.fingerprints, each) for each in earlier], axis=0)
        if isinstance(side, KnownRows) and side.groups is not None and groups is not None:
            seen |= _contains(side.groups, groups)
    kept = rows[~seen] if seen.any() else rows
    return Clean(kept, keys[~seen], int(seen.sum()))


def without(rows: "pd.DataFrame", others: "pd.DataFrame", recipe: "Recipe") -> "pd.DataFrame":
    """Return the rows whose keys do not occur in the others."""
    return clean(rows, recipe, KnownRows(np.sort(fingerprints(others[recipe.key])))).rows


def mature(rows: "pd.DataFrame", recipe: "Recipe", after: float | str, unit: TimeUnit | None = None) -> "pd.DataFrame":
    """Return the rows that are at least this much older than the newest one.

    `after` is a number in the unit of the time column, or a duration such as `7d`, which needs the
    `unit` of a numeric column.

    Raises:
        DataError: the recipe names no time column, `after` has the wrong type for the column, or no
            row is old enough.
    """
    if recipe.time is None:
        raise DataError(
            "`mature_after` is set, but the recipe names no time column. Set `time` in the recipe, or remove "
            "`mature_after`."
        )
    kept: pd.DataFrame = rows[_times(rows, recipe.time).older(after, unit)]
    if len(kept) == 0:
        raise DataError(
            f"`mature_after` requires rows at least {span_text(after)} older than the newest, but none of "
            f"{len(rows):,} is. Use a file that goes back further, or a smaller `mature_after`."
        )
    return kept


def holdout_digest(holdout: Clean, recipe: "Recipe") -> str:
    """Return SHA-256 over keys and labels, independent of the order of the rows."""
    order = holdout.keys.argsort()
    labels = holdout.rows[recipe.label].to_numpy()[order].astype("float64")
    return hashlib.sha256(holdout.keys[order].astype("<u8").tobytes() + labels.astype("<f8").tobytes()).hexdigest()


def _earlier_fingerprints(keys: "pd.Series[Any]", sides: Sequence[Provenance]) -> Sequence[NDArray[np.uint64]]:
    """Return the earlier fingerprints if needed: rows are read in the current form and a side has the first form."""
    asked = any(isinstance(side, KnownRows) and side.form == FIRST_FORM for side in sides)
    if not asked or form_in_use() == FIRST_FORM:
        return ()
    from promotion.earlier_keys import possible_first_fingerprints

    return possible_first_fingerprints(keys)


def _trained_on(
    rows: "pd.DataFrame", keys: NDArray[np.uint64], recipe: "Recipe", side: Provenance
) -> NDArray[np.bool_]:
    if isinstance(side, KnownRows):
        return _contains(side.fingerprints, keys)
    if isinstance(side, TrainedBefore):
        return _before(rows, recipe, side.bound)
    return np.full(len(rows), isinstance(side, UnknownRows))


def _contains(trained: NDArray[np.uint64], asked: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if len(trained) == 0:
        return np.zeros(len(asked), dtype=bool)
    place = np.searchsorted(trained, asked).clip(max=len(trained) - 1)
    return np.asarray(trained[place] == asked)


def _before(rows: "pd.DataFrame", recipe: "Recipe", bound: float | str) -> NDArray[np.bool_]:
    if recipe.time is None:
        raise DataError(
            "The champion was adopted with --trained-before, but the recipe names no time column. "
            "Set `time` in the recipe, or adopt it again with --assume-clean."
        )
    return ~_times(rows, recipe.time).since(bound)  # a row without a time may be earlier


def _times(rows: "pd.DataFrame", time: str) -> Times:
    require_columns(rows, (time,), "The data", "which the recipe names as its time")
    return times_of(rows[time])
