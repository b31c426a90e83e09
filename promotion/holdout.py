"""Which rows may judge: those that neither side was trained on, as far as each side's provenance can tell."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promotion.errors import DataError
from promotion.rows import fingerprints

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from promotion.seams import Recipe


@dataclass(frozen=True)
class KnownRows:
    """Trained on the rows with these fingerprints: sorted, shape (n_training_rows,)."""

    fingerprints: "NDArray[np.uint64]"


@dataclass(frozen=True)
class TrainedBefore:
    """Trained on rows before this moment only, says the person who adopted it; in the recipe's unit of time."""

    moment: float


@dataclass(frozen=True)
class AssumedClean:
    """Trained on none of the holdout's rows, says the person who adopted it."""


@dataclass(frozen=True)
class UnknownRows:
    """Nobody knows what it was trained on."""


Provenance = KnownRows | TrainedBefore | AssumedClean | UnknownRows


@dataclass(frozen=True)
class Clean:
    """The rows that may judge, and how many were left out."""

    rows: "pd.DataFrame"
    removed: int


def clean(rows: "pd.DataFrame", recipe: "Recipe", *sides: Provenance) -> Clean:
    """Leave out every row that any side was (or may have been) trained on.

    Raises:
        DataError: a side is known by time, and the recipe names no time column.
    """
    kept = rows
    for side in sides:
        kept = kept[~_trained_on(kept, recipe, side)]
    return Clean(kept, len(rows) - len(kept))


def holdout_digest(rows: "pd.DataFrame", recipe: "Recipe") -> str:
    """SHA-256 over keys and labels, whatever the order of the rows."""
    import hashlib

    keys = fingerprints(rows[recipe.key])
    order = keys.argsort()
    labels = rows[recipe.label].to_numpy()[order].astype("float64")
    return hashlib.sha256(keys[order].astype("<u8").tobytes() + labels.astype("<f8").tobytes()).hexdigest()


def _trained_on(rows: "pd.DataFrame", recipe: "Recipe", side: Provenance) -> "NDArray[np.bool_]":
    import numpy as np

    if isinstance(side, KnownRows):
        return _contains(side.fingerprints, fingerprints(rows[recipe.key]))
    if isinstance(side, TrainedBefore):
        return _before(rows, recipe, side.moment)
    return np.full(len(rows), isinstance(side, UnknownRows))


def _contains(known: "NDArray[np.uint64]", asked: "NDArray[np.uint64]") -> "NDArray[np.bool_]":
    import numpy as np

    if len(known) == 0:
        return np.zeros(len(asked), dtype=bool)
    place = np.searchsorted(known, asked).clip(max=len(known) - 1)
    return np.asarray(known[place] == asked)


def _before(rows: "pd.DataFrame", recipe: "Recipe", moment: float) -> "NDArray[Any]":
    if recipe.time is None:
        message = (
            "The champion was adopted with --trained-before, but the recipe names no time column. "
            "Set `time` in the recipe, or adopt it again with --assume-clean."
        )
        raise DataError(message)
    return ~(rows[recipe.time] >= moment).to_numpy()  # a row without a time may have been before
