"""Verify before any move that a version can serve: its files are the registered ones, it loads, and it scores rows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.data_folders import data_digest
from promotion.data_sources import Where
from promotion.errors import ConfigError, DataError, Refused, UnknownName
from promotion.interfaces import ModelStore, Recipe
from promotion.ledger.entries import Registration, TransitionPlanned
from promotion.ledger.state import VersionState
from promotion.policy import HoldoutUsed
from promotion.provenance import UnknownRows
from promotion.registry.candidate import Candidate, score_version
from promotion.registry.data import Reader
from promotion.registry.parts import Parts
from promotion.vocabulary import Tag

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 100


def verify(
    version: VersionState,
    store: ModelStore,
    reader: Reader,
    data: Where | None = None,
    notice: Callable[[str], None] = lambda _: None,
) -> str:
    """Load a version, verify its files, and score a few rows with it.

    The rows are those of `data`, else of the file that the version was trained on, or the
    configured one.

    Returns:
        If the version was loaded and not scored, a sentence that says why; otherwise an empty
        string.

    Raises:
        StoreError: it cannot be loaded, or its files have changed.
        DataError: it cannot score the rows, or `data` cannot be read.
        Refused: its scores are not numbers.
    """
    import numpy as np

    tag, registration = Tag.parse(version.tag), version.registration
    try:
        recipe, rows = _sample(tag.model, registration, reader, data)
    except (ConfigError, DataError, UnknownName) as error:
        if data is not None:
            raise
        store.load(tag, digest=registration.digest)
        why = str(error).partition(". ")[0].rstrip(".")
        return f"{tag} was loaded but not scored, because no rows could be read: {why}."
    candidate = Candidate(role="version", tag=tag, digest=registration.digest, provenance=UnknownRows(), recipe=recipe)
    scores = score_version(candidate, store, rows, notice)
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores.reshape(len(rows), -1))).any(axis=1).sum())
        message = f"{tag} cannot serve: its scores for {bad} of {len(rows)} rows are not numbers. Nothing was changed."
        raise Refused(message, tag=tag)
    return ""


def check_bound(version: VersionState, reader: Reader, bound: float | str) -> None:
    """Check that a time bound matches the kind of the recipe's time column; does nothing if no rows can be read.

    `bound` is as returned by `bound_of`.

    Raises:
        DataError: a moment where the column holds numbers or the reverse, or a zone where the
            column has none.
    """
    from promotion.time_columns import times_of

    try:
        recipe, rows = _sample(Tag.parse(version.tag).model, version.registration, reader, None)
    except (ConfigError, DataError, UnknownName):
        return
    if recipe.time is not None and recipe.time in rows:
        times_of(rows[recipe.time]).since(bound)


def newest_bound(version: VersionState, reader: Reader, now: datetime) -> float | str:
    """Return a time bound later than every row up to now, also in the file that the version was trained on.

    Raises:
        DataError: no rows can be read, or they have no time.
    """
    from promotion.time_columns import times_of

    recipe, found = _rows(Tag.parse(version.tag).model, version.registration, reader, None)
    if recipe.time is None:
        raise DataError(
            "--trained-on-everything lets only later rows judge the version, but the recipe names no time column. Set "
            "`time` in the recipe."
        )
    return times_of(found[recipe.time]).beyond(now)


def changed(used: HoldoutUsed, root: Path) -> bool | None:
    """Whether the file that judged has changed since; None if it cannot be read."""
    try:
        return data_digest(root / used.data) != used.data_digest
    except OSError:
        return None


def _sample(
    model: str, registration: Registration, reader: Reader, data: Where | None
) -> "tuple[Recipe, pd.DataFrame]":
    """Return the recipe as the version was trained with, and a few rows of the first readable file."""
    recipe, rows = _rows(model, registration, reader, data)
    return recipe, rows.head(SAMPLE)


def _rows(model: str, registration: Registration, reader: Reader, data: Where | None) -> "tuple[Recipe, pd.DataFrame]":
    try:
        recipe, found = reader.load(model, data or registration.data, options=registration.options)
    except DataError:
        if data is not None or registration.data is None:
            raise
        recipe, found = reader.load(model, options=registration.options)
    return recipe, found.rows


def verified(
    parts: Parts, version: VersionState, plan: TransitionPlanned, data: Where | None = None
) -> TransitionPlanned:
    """Return the plan after checking that its version loads and scores. Notes and records what it could not check."""
    parts.progress(f"Checking that {version.tag} scores")
    unseen = verify(version, parts.store, parts.reader, data, parts.notice)
    if not unseen:
        return plan
    parts.notice(unseen)
    return replace(plan, unseen=unseen)
