"""Champion or challenger: what is known of it, and scoring rows with it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promotion.errors import DataError, as_data_error
from promotion.holdout import Provenance
from promotion.interfaces import ModelStore, Recipe, task_of_recipe
from promotion.vocabulary import Tag, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Scores = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Champion or challenger, with what is known of it and the recipe, as it was made for it, that scores it."""

    role: str
    tag: Tag
    digest: str
    provenance: Provenance
    recipe: Recipe


def score_version(candidate: Candidate, store: ModelStore, rows: "pd.DataFrame") -> "Scores":
    """Load a version, its files verified, and score the rows: shape (n_rows,), of several classes (n_rows, K).

    Raises:
        StoreError: it cannot be loaded, or its files have changed.
        DataError: the recipe cannot score with it.
    """
    import numpy as np

    trained = store.load(candidate.tag, digest=candidate.digest)
    with as_data_error(f"The {candidate.role} {candidate.tag} could not be scored"):
        # float64 for both candidates: log_loss clips by precision, and neither shall be judged more mildly
        scores = np.asarray(candidate.recipe.score(trained, rows), dtype=np.float64)
    several = task_of_recipe(candidate.recipe) is Task.MULTICLASS
    if scores.shape[:1] != (len(rows),) or scores.ndim != 1 + several:
        expected = f"({len(rows)}, K)" if several else f"({len(rows)},)"
        message = f"The {candidate.role} {candidate.tag} gave scores of shape {scores.shape}, expected {expected}."
        raise DataError(message)
    return scores
