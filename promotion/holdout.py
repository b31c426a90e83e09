"""Which rows may judge: those that neither side was trained on, as far as each side's provenance can tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promotion.durations import TimeUnit
from promotion.earlier_keys import possible_first_fingerprints
from promotion.errors import DataError
from promotion.row_keys import FIRST_FORM, KnownRows, fingerprints, form_in_use
from promotion.rows import require_columns
from promotion.time_columns import times_of
from promotion.times import Times, span_text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from promotion.interfaces.recipe import Recipe


@dataclass(frozen=True)
class TrainedBefore:
    """Trained on rows before this time only, says the person who adopted it.

    Attributes:
        bound: a number in the unit of the recipe's time, or a moment as ISO 8601 text.
    """

    bound: float | str


@dataclass(frozen=True)
class AssumedClean:
    """Trained on none of the holdout's rows, says the person who adopted it, or the policy for all such versions."""

    by_policy: bool = False


@dataclass(frozen=True)
class UnknownRows:
    """Nobody knows what it was trained on.

    Attributes:
        groups: the groups that are asked for, where only these are unknown, and
        beside: what is known of its rows.
    """

    groups: str = ""
    beside: KnownRows | TrainedBefore | None = None

    def taken_as_clean(self, *, by_policy: bool = False) -> "Provenance":
        """Where somebody takes what is unknown as clean; what is known is kept."""
        return self.beside or AssumedClean(by_policy=by_policy)


Provenance = KnownRows | TrainedBefore | AssumedClean | UnknownRows


@dataclass(frozen=True)
class Clean:
    """The rows that may judge, their keys' fingerprints, shape (n_rows,), and how many rows were left out."""

    rows: "pd.DataFrame"
    keys: "NDArray[np.uint64]"
    removed: int


def clean(
    rows: "pd.DataFrame", recipe: "Recipe", *sides: Provenance, groups: "NDArray[np.uint64] | None" = None
) -> Clean:
    """Leave out every row that any side was (or may have been) trained on, and those of `groups` that one knows.

    Args:
        rows: of the holdout.
        recipe: names their key.
        sides: what is known of each side.
        groups: fingerprints of the group that each row is in, shape (n_rows,); None where single rows are asked.

    A side whose fingerprints an earlier release made was trained on a row if it has any fingerprint that such a release
    can have made of the row's key.

    Raises:
        DataError: a side is known by time, and the recipe names no time column, or one whose times do not compare with
            it.
    """
    import numpy as np

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
    """The rows whose keys are not among the others'."""
    import numpy as np

    return clean(rows, recipe, KnownRows(np.sort(fingerprints(others[recipe.key])))).rows


def mature(rows: "pd.DataFrame", recipe: "Recipe", after: float | str, unit: TimeUnit | None = None) -> "pd.DataFrame":
    """The rows that are at least so much older than the newest one.

    Args:
        rows: of a file.
        recipe: names their time column.
        after: a number in the unit of that column, or a length of time such as `7d`.
        unit: of a time column of numbers; needed for a length of time there.

    Raises:
        DataError: the recipe names no time column, `after` is not of the kind that the column needs, or no row is old
            enough.
    """
    if recipe.time is None:
        raise DataError(
            "`mature_after` is set, but the recipe names no time column. Set `time` in the recipe, or leave it out."
        )
    kept: pd.DataFrame = rows[_times(rows, recipe.time).older(after, unit)]
    if len(kept) == 0:
        raise DataError(
            f"No row is {span_text(after)} older than the newest, as `mature_after` asks, among {len(rows):,}. "
            "Give a file that goes back further, or a smaller `mature_after`."
        )
    return kept


def holdout_digest(holdout: Clean, recipe: "Recipe") -> str:
    """SHA-256 over keys and labels, whatever the order of the rows."""
    import hashlib

    order = holdout.keys.argsort()
    labels = holdout.rows[recipe.label].to_numpy()[order].astype("float64")
    return hashlib.sha256(holdout.keys[order].astype("<u8").tobytes() + labels.astype("<f8").tobytes()).hexdigest()


def _earlier_fingerprints(keys: "pd.Series[Any]", sides: Sequence[Provenance]) -> "Sequence[NDArray[np.uint64]]":
    """Where they are asked for: rows may be read in a form that knows no other, or all sides have the present one."""
    asked = any(isinstance(side, KnownRows) and side.form == FIRST_FORM for side in sides)
    return possible_first_fingerprints(keys) if asked and form_in_use() != FIRST_FORM else ()


def _trained_on(
    rows: "pd.DataFrame", keys: "NDArray[np.uint64]", recipe: "Recipe", side: Provenance
) -> "NDArray[np.bool_]":
    import numpy as np

    if isinstance(side, KnownRows):
        return _contains(side.fingerprints, keys)
    if isinstance(side, TrainedBefore):
        return _before(rows, recipe, side.bound)
    return np.full(len(rows), isinstance(side, UnknownRows))


def _contains(trained: "NDArray[np.uint64]", asked: "NDArray[np.uint64]") -> "NDArray[np.bool_]":
    import numpy as np

    if len(trained) == 0:
        return np.zeros(len(asked), dtype=bool)
    place = np.searchsorted(trained, asked).clip(max=len(trained) - 1)
    return np.asarray(trained[place] == asked)


def _before(rows: "pd.DataFrame", recipe: "Recipe", bound: float | str) -> "NDArray[np.bool_]":
    if recipe.time is None:
        raise DataError(
            "The champion was adopted with --trained-before, but the recipe names no time column. "
            "Set `time` in the recipe, or adopt it again with --assume-clean."
        )
    return ~_times(rows, recipe.time).since(bound)  # a row without a time may have been before


def _times(rows: "pd.DataFrame", time: str) -> Times:
    require_columns(rows, (time,), "The data", "which the recipe names as its time")
    return times_of(rows[time])
