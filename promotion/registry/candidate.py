"""Champion or challenger: what is known of it, its scores of rows, and what it costs to serve."""

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from promotion.errors import as_data_error
from promotion.interfaces import ModelStore, Trained
from promotion.policy import Footprint, Limits
from promotion.policy.limits import TIMED

if TYPE_CHECKING:
    import pandas as pd
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promotion.errors import DataError
from promotion.holdout import Provenance
from promotion.interfaces import Recipe, task_of_recipe
from promotion.vocabulary import Tag, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Scores = NDArray[np.floating[Any]]


_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class Side:
    """Champion or challenger, with what is known of it and the recipe, as it was made for it, that scores it."""

    role: str
    tag: Tag
    digest: str
    provenance: Provenance
    recipe: Recipe


def score_version(side: Side, store: ModelStore, rows: "pd.DataFrame") -> "Scores":
    """Load a version, its files verified, and score the rows: shape (n_rows,), of several classes (n_rows, K).

    Raises:
        StoreError: it cannot be loaded, or its files have changed.
        DataError: the recipe cannot score with it.
    """
    import numpy as np

    trained = store.load(side.tag, digest=side.digest)
    with as_data_error(f"The {side.role} {side.tag} could not be scored"):
        # float64 for both sides: log_loss clips by precision, and neither shall be judged more mildly
        scores = np.asarray(side.recipe.score(trained, rows), dtype=np.float64)
    several = task_of_recipe(side.recipe) is Task.MULTICLASS
    if scores.shape[:1] != (len(rows),) or scores.ndim != 1 + several:
        expected = f"({len(rows)}, K)" if several else f"({len(rows)},)"
        message = f"The {side.role} {side.tag} gave scores of shape {scores.shape}, expected {expected}."
        raise DataError(message)
    return scores


def footprint(sides: Sequence[Side], store: ModelStore, rows: "pd.DataFrame", limits: Limits) -> Footprint:
    """Sizes always; times only where the policy limits them, since they take many runs."""
    sizes = [store.size(side.tag) for side in sides]
    champion_size = sizes[1] if len(sides) > 1 else None
    if limits.max_scoring_ratio is None or champion_size is None:
        return Footprint(size=sizes[0], champion_size=champion_size)
    challenger, champion = _times(sides, store, rows.head(_ROWS))
    return Footprint(
        size=sizes[0],
        champion_size=champion_size,
        seconds=sorted(challenger)[len(challenger) // 2] * _ROWS / min(_ROWS, len(rows)),
        scoring_ratios=tuple(ours / theirs for ours, theirs in zip(challenger, champion, strict=True)),
    )


def _times(sides: Sequence[Side], store: ModelStore, rows: "pd.DataFrame") -> list[list[float]]:
    """Seconds of each run of each side, taken in turns so that what else the machine does falls on both."""
    trained = [store.load(side.tag, digest=side.digest) for side in sides]
    times: list[list[float]] = [[] for _ in sides]
    for run in range(TIMED + 1):
        for side, model, taken in zip(sides, trained, times, strict=True):
            seconds = _time(side, model, rows)
            if run > 0:  # the first one warms up
                taken.append(seconds)
    return times


def _time(side: Side, model: Trained, rows: "pd.DataFrame") -> float:
    with as_data_error(f"The {side.role} {side.tag} could not be timed"):
        start = perf_counter()
        side.recipe.score(model, rows)
        return perf_counter() - start
