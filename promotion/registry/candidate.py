"""The two candidates of a comparison: provenance, scores, and footprint (file size and scoring time)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from promotion.errors import DataError, as_data_error
from promotion.interfaces import ModelStore, Recipe, Trained, task_of_recipe
from promotion.policy import Footprint, Limits
from promotion.policy.limits import TIMED
from promotion.provenance import Provenance
from promotion.registry.pyfunc import scores_of
from promotion.vocabulary import Tag, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Scores: TypeAlias = "NDArray[np.floating[Any]]"
_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Champion or challenger, with its provenance and the recipe instance that scores it."""

    role: str
    tag: Tag
    digest: str
    provenance: Provenance
    recipe: Recipe


def score_version(
    candidate: Candidate, store: ModelStore, rows: "pd.DataFrame", notice: Callable[[str], None] = lambda _: None
) -> "Scores":
    """Load a version, verify its files and score the rows: shape (n_rows,), for several classes (n_rows, K).

    `notice` is called if MLflow's function scores because the recipe cannot.

    Raises:
        StoreError: the version cannot be loaded, or its files have changed.
        DataError: the recipe cannot score with it.
    """
    import numpy as np

    trained = store.load(candidate.tag, digest=candidate.digest)
    way_out = ""
    if candidate.role == "champion":
        way_out = "The recipe's `load` and `score` must still work for it. Mend the recipe, then judge again."
    with as_data_error(f"The {candidate.role} {candidate.tag} could not be scored", way_out):
        # float64 for both candidates: log_loss clips by precision, so a float32 model would be judged differently
        scores = np.asarray(scores_of(candidate.recipe, trained, rows, notice), dtype=np.float64)
    several = task_of_recipe(candidate.recipe) is Task.MULTICLASS
    if scores.shape[:1] != (len(rows),) or scores.ndim != 1 + several:
        expected = f"({len(rows)}, K)" if several else f"({len(rows)},)"
        raise DataError(
            f"The scores of the {candidate.role} {candidate.tag} must have shape {expected}, but have shape "
            f"{scores.shape}. Check the recipe's `score`."
        )
    return scores


def footprint(candidates: Sequence[Candidate], store: ModelStore, rows: "pd.DataFrame", limits: Limits) -> Footprint:
    """Measure sizes always, and times only if the policy limits them, because timing takes many runs."""
    sizes = [store.size(candidate.tag) for candidate in candidates]
    champion_size = sizes[1] if len(candidates) > 1 else None
    if limits.max_scoring_ratio is None or champion_size is None:
        return Footprint(size=sizes[0], champion_size=champion_size)
    challenger, champion = _times(candidates, store, rows.head(_ROWS))
    return Footprint(
        size=sizes[0],
        champion_size=champion_size,
        seconds=sorted(challenger)[len(challenger) // 2] * _ROWS / min(_ROWS, len(rows)),
        scoring_ratios=tuple(ours / theirs for ours, theirs in zip(challenger, champion, strict=True)),
    )


def _times(candidates: Sequence[Candidate], store: ModelStore, rows: "pd.DataFrame") -> list[list[float]]:
    """Time each run of each candidate, in seconds. The runs alternate, so other load on the machine affects both."""
    trained = [store.load(candidate.tag, digest=candidate.digest) for candidate in candidates]
    times: list[list[float]] = [[] for _ in candidates]
    for run in range(TIMED + 1):
        for candidate, model, taken in zip(candidates, trained, times, strict=True):
            seconds = _time(candidate, model, rows)
            if run > 0:  # the first run warms up
                taken.append(seconds)
    return times


def _time(candidate: Candidate, model: Trained, rows: "pd.DataFrame") -> float:
    with as_data_error(f"The {candidate.role} {candidate.tag} could not be timed"):
        start = perf_counter()
        scores_of(candidate.recipe, model, rows)
        return perf_counter() - start
