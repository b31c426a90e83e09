"""Check the champion against time: how long it has served, and how far new rows have drifted since its decision."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from promotion.audit.decisions import RecordedDecision, candidates_of, recorded_decisions
from promotion.audit.recompute import SplitFile
from promotion.comparison.summaries import NOTABLE, shares_index, stability_index
from promotion.durations import length_of
from promotion.errors import PromotionError
from promotion.findings import Code, Finding, finding
from promotion.interfaces import ModelStore, Recipe
from promotion.ledger.chain import Champion, Entry
from promotion.ledger.reading import entries_at
from promotion.ledger.state import State
from promotion.registry.candidate import Candidate, score_version
from promotion.registry.data import Reader
from promotion.row_keys import keys_in
from promotion.time_columns import times_of

if TYPE_CHECKING:
    import pandas as pd

MIN_ROWS = 500
"""Minimum number of rows; with fewer, chance alone moves the index."""
_CATEGORIES = 20


def check_age(champion: Champion | None, longest: str | None, now: datetime) -> Iterator[Finding]:
    """Check that the champion has not served longer than the configuration allows."""
    if champion is None or longest is None:
        return
    age = now - datetime.fromisoformat(champion.since)
    if age > length_of(longest):
        yield finding(
            Code.STALE,
            champion.tag,
            f"a champion that has served for at most {longest}",
            f"a champion that has served since {champion.since[:10]}, for {age.days} days",
            "Train a challenger on newer rows with `promotion retrain`, or run the deployment `train`.",
        )


def check_drift(state: State, entries: Sequence[Entry], reader: Reader, store: ModelStore) -> Iterator[Finding]:
    """Check that scores and inputs of new rows are distributed as in the rows on which the champion was judged.

    Yields nothing if there are no such rows.
    """
    try:
        found = _apart(state, entries, reader, store)
    except PromotionError:  # the recomputation has already reported it
        return
    if found and state.champion:
        worst = sorted(found.items(), key=lambda one: -one[1])
        yield finding(
            Code.DRIFT,
            state.champion.tag,
            "a population stability index of at most 0.25 between the rows on which the champion was judged and the "
            "new rows",
            ", ".join(f"{name} {index:.2f}" for name, index in worst),
            "Check whether the source of these columns changed. If it did not, train on newer rows.",
        )


def _apart(state: State, entries: Sequence[Entry], reader: Reader, store: ModelStore) -> Mapping[str, float]:
    tag = state.champion.tag if state.champion else None
    naming = entries_at(entries, state.versions.entries(tag)) if tag else ()
    ours = [one for one in recorded_decisions(state, naming, None) if one.tag == tag]
    if not ours:
        return {}
    with keys_in(ours[-1].form):
        return _since(ours[-1], state, reader, store)


def _since(last: RecordedDecision, state: State, reader: Reader, store: ModelStore) -> Mapping[str, float]:
    """Return the drift of the rows that are newer than those of a decision."""
    candidates = candidates_of(last, state, store, reader)
    recipe = candidates[0].recipe
    data = reader.recorded(state.model, last.registration, last.used.data, last.used.data_digest)
    if recipe.time is None or data.digest != last.used.data_digest:
        return {}
    holdout = SplitFile(data).holdout(candidates, last.used.digest, last.draws)
    newest = reader.load(state.model, None, options=last.registration.options)[1].rows
    if holdout is None:
        return {}
    fresh = newest[times_of(newest[recipe.time]).after(times_of(holdout.rows[recipe.time]))]
    if min(len(fresh), len(holdout.rows)) < MIN_ROWS:
        return {}
    return _indices(candidates[0], store, holdout.rows, fresh)


def _indices(
    candidate: Candidate, store: ModelStore, before: "pd.DataFrame", after: "pd.DataFrame"
) -> Mapping[str, float]:
    """Return the population stability index of the scores and of each column, for those with notable drift."""
    scored = (score_version(candidate, store, rows) for rows in (before, after))
    old, new = (np.asarray(scores, dtype=np.float64).reshape(len(scores), -1) for scores in scored)
    found = {"the scores": max(stability_index(*pair) for pair in zip(old.T, new.T, strict=True))}
    found |= {name: _index(before[name], after[name]) for name in _inputs(candidate.recipe, before, after)}
    return {name: index for name, index in found.items() if index > NOTABLE}


def _inputs(recipe: Recipe, before: "pd.DataFrame", after: "pd.DataFrame") -> list[str]:
    others = {recipe.key, recipe.label, recipe.time}
    return [str(name) for name in before.columns if name not in others and name in after.columns]


def _index(before: "pd.Series[float]", after: "pd.Series[float]") -> float:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(before) and pd.api.types.is_numeric_dtype(after):
        return stability_index(*(np.asarray(each.astype("float64")) for each in (before, after)))
    common = before.astype("string").value_counts().index[:_CATEGORIES]
    codes = [pd.Index(common).get_indexer(each.astype("string")) + 1 for each in (before, after)]
    return shares_index(*codes)
