"""Measuring what champion and challenger cost to serve: the size of their files, the time to score rows."""

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from promotion.errors import as_data_error
from promotion.interfaces import ModelStore, Trained
from promotion.policy import Footprint, Limits
from promotion.policy.limits import TIMED
from promotion.registry.candidate import Side

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 1000


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
