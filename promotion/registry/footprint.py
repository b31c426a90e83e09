"""Measuring what champion and challenger cost to serve: the size of their files, the time to score rows."""

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from promotion.errors import as_data_error
from promotion.interfaces import ModelStore, Trained
from promotion.policy import Footprint, Limits
from promotion.policy.limits import TIMED
from promotion.registry.candidate import Candidate

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 1000


def footprint(candidates: Sequence[Candidate], store: ModelStore, rows: "pd.DataFrame", limits: Limits) -> Footprint:
    """Sizes always; times only where the policy limits them, since they take many runs."""
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
    """Seconds of each run of each candidate, taken in turns so that what else the machine does falls on both."""
    trained = [store.load(candidate.tag, digest=candidate.digest) for candidate in candidates]
    times: list[list[float]] = [[] for _ in candidates]
    for run in range(TIMED + 1):
        for candidate, model, taken in zip(candidates, trained, times, strict=True):
            seconds = _time(candidate, model, rows)
            if run > 0:  # the first one warms up
                taken.append(seconds)
    return times


def _time(candidate: Candidate, model: Trained, rows: "pd.DataFrame") -> float:
    with as_data_error(f"The {candidate.role} {candidate.tag} could not be timed"):
        start = perf_counter()
        candidate.recipe.score(model, rows)
        return perf_counter() - start
