"""Scores of a few rows, which the gate records and a service repeats before it serves a version."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from promotion.interfaces import Recipe
from promotion.row_keys import fingerprints

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SampleScores: TypeAlias = dict[str, tuple[float, ...]]
"""The scores of a row by its fingerprint in hexadecimal; one score, or one for each class."""

_ROWS = 20
_RELATIVE, _ABSOLUTE = 1e-4, 1e-6
"""Processors differ in the last digits of float32; libraries that compute otherwise differ in more."""


def sample_scores(rows: "pd.DataFrame", scores: "NDArray[np.floating]", recipe: Recipe) -> SampleScores | None:
    """Return the scores of the last rows, which lie at the end of their file as a rule; None if one is not a number."""
    import numpy as np

    last = scores[-_ROWS:].reshape(len(scores[-_ROWS:]), -1)
    if not np.isfinite(last).all():
        return None
    keys = fingerprints(rows[recipe.key].iloc[-_ROWS:])
    return {f"{key:016x}": tuple(map(float, row)) for key, row in zip(keys.tolist(), last, strict=True)}


def furthest(
    rows: "pd.DataFrame", scores: "NDArray[np.floating]", recipe: Recipe, recorded: Mapping[str, tuple[float, ...]]
) -> float | None:
    """Return the largest difference to the recorded scores of the same rows; None if none differs."""
    import numpy as np

    keys = [f"{key:016x}" for key in fingerprints(rows[recipe.key]).tolist()]
    again = [
        (row, recorded[key]) for key, row in zip(keys, scores.reshape(len(rows), -1), strict=True) if key in recorded
    ]
    if not again:
        return None
    ours, theirs = (np.array(side, dtype=np.float64) for side in zip(*again, strict=True))
    if np.allclose(ours, theirs, rtol=_RELATIVE, atol=_ABSOLUTE):
        return None
    return float(np.abs(ours - theirs).max())
