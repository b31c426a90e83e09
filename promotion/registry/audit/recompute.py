"""Past decisions made again: the models loaded, the rows read and scored as the gate did, the numbers compared.

A file is read once, and a version scores the rows of a holdout once, however many decisions rest on them.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from promotion.errors import DataError, PromotionError
from promotion.holdout import Clean, holdout_digest
from promotion.registry.audit.differences import differences
from promotion.registry.audit.findings import Code, Finding, finding
from promotion.registry.audit.judged import Judged, again, judged, sides_of
from promotion.registry.gating import clean_holdout, weigh
from promotion.registry.reading import Data, Reader, split
from promotion.registry.sides import Side, score_version
from promotion.registry.state import State
from promotion.seams import ModelStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.floating[Any]] | PromotionError

WORKERS = 2
"""Threads that load and score; the most at once in memory are this many models and one file."""


def check_recomputed(
    state: State,
    entries: Iterable[Any],
    reader: Reader,
    store: ModelStore,
    *,
    since: datetime | None = None,
    workers: int = WORKERS,
) -> Iterator[Finding]:
    """Each decision since a moment comes out as it was recorded, to `1e-9`; of deleted versions nothing is said.

    Args:
        state: of the ledger.
        entries: of the ledger, in order.
        reader: of rows and recipes.
        store: where the models lie.
        since: decisions dated before are left out.
        workers: threads that load and score.
    """
    ours = sorted(judged(state, entries, since), key=lambda one: (one.source, one.seq))
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for _, group in groupby(ours, key=lambda one: one.source):
            yield from _of_one_file(state, tuple(group), reader, store, pool)


def _of_one_file(
    state: State, group: Sequence[Judged], reader: Reader, store: ModelStore, pool: ThreadPoolExecutor
) -> Iterator[Finding]:
    """The decisions that rest on the same bytes, read in the same way."""
    try:
        data = reader.recorded(state.model, group[0].registration, group[0].used.data)
        if data.digest != group[0].used.data_digest:
            message = f"{data.name} with other bytes, digest {data.digest[:12]}"
            raise DataError(message)
        whole = Whole(data)
    except PromotionError as error:
        for one in group:
            yield _unavailable(one, str(error))
        return
    scores: dict[tuple[str, str, str], Scores] = {}
    for one in group:
        try:
            sides = sides_of(one, state, store, reader)
            holdout = whole.holdout(sides, one.used.digest)
        except PromotionError as error:
            yield _unscored(one, str(error))
            continue
        if holdout is None:
            yield _other_rows(one)
            continue
        missing = [side for side in sides if _key(side, one) not in scores]
        found = pool.map(lambda side, rows=holdout.rows: _score(side, store, rows), missing)
        scores.update(zip((_key(side, one) for side in missing), found, strict=True))
        yield from _compared(one, sides, holdout, [scores[_key(side, one)] for side in sides])


class Whole:
    """A file's rows, divided once: all of them, or those that the recipe holds out."""

    def __init__(self, data: Data) -> None:
        self._all = replace(data, whole=True)
        self._held: Data | None = None
        self._clean: tuple[object, Clean] | None = None

    def holdout(self, sides: Sequence[Side], wanted: str) -> Clean | None:
        """The rows that have the digest; None where neither way to hold out gives them."""
        recipe = sides[0].recipe
        if self._clean and self._clean[0] == (wanted, recipe):
            return self._clean[1]
        if self._held is None:
            rows = split(recipe, replace(self._all, whole=False)).holdout
            self._held = replace(self._all, rows=rows)
        for data in (self._held, self._all):
            found = clean_holdout(data, sides)
            if holdout_digest(found, recipe) == wanted:
                self._clean = ((wanted, recipe), found)
                return found
        return None


def _key(side: Side, one: Judged) -> tuple[str, str, str]:
    return side.digest, str(side.tag), one.used.digest


def _score(side: Side, store: ModelStore, rows: Any) -> "Scores":
    try:
        return score_version(side, store, rows)
    except PromotionError as error:
        return error


def _compared(one: Judged, sides: Sequence[Side], holdout: Clean, scores: Sequence["Scores"]) -> Iterator[Finding]:
    failed = [error for error in scores if isinstance(error, PromotionError)]
    if failed:
        yield _unscored(one, " ".join(dict.fromkeys(map(str, failed))))
        return
    policy, numbers = one.policy, [each for each in scores if not isinstance(each, PromotionError)]
    try:
        found = weigh(holdout.rows, numbers, sides[0], policy) if policy else again(one, holdout, numbers, sides[0])
    except PromotionError as error:
        yield _unscored(one, str(error))
        return
    apart = differences(one.evidence, found, slices=policy is not None)
    if apart:
        yield finding(
            Code.RECOMPUTED,
            one.subject,
            "; ".join(f"{name} {expected!r}" for name, expected, _ in apart),
            "; ".join(f"{name} {value!r}" for name, _, value in apart),
            "The decision does not rest on these models and rows. Restore the ledger from a backup, and judge again: "
            f"`promotion gate {one.tag}`. Another release of a library can also move numbers; see AUD064.",
        )


def _unavailable(one: Judged, why: str) -> Finding:
    expected = f"{one.used.data} with digest {one.used.data_digest[:12]}"
    mend = "Put the file back as it was to have this decision recomputed; the decision stands as it is."
    return finding(Code.NOT_RECOMPUTED, one.subject, expected, why, mend)


def _unscored(one: Judged, why: str) -> Finding:
    mend = "Restore the versions from a backup, and the recipe's code from version control."
    return finding(Code.UNSCORED, one.subject, "models that load and score as they did", why, mend)


def _other_rows(one: Judged) -> Finding:
    return finding(
        Code.OTHER_ROWS,
        one.subject,
        f"{one.used.rows:,} rows with digest {one.used.digest[:12]} held out of {one.used.data}",
        "other rows, of the same bytes",
        "See whether the recipe reads or divides rows in another way now, or `mature_after` or an adoption changed.",
    )
