"""Verify before any move that a version can serve: its files are the registered ones, it loads, and it scores rows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.adapters.scored import mark_scored, scored_here
from promotion.canonical import digest
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
from promotion.registry.serving import require_registered
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
    *,
    without_recipe: bool = False,
) -> str:
    """Load a version, verify its files, and score a few rows with it.

    The rows are those of `data`, else of the file that the version was trained on, or the
    configured one: its last rows, if the recipe can read and score these without the others. With
    `without_recipe`, a version whose recipe cannot be used is only loaded.

    Returns:
        If the version was loaded and not scored, a sentence that says why; otherwise an empty
        string.

    Raises:
        StoreError: it cannot be loaded, or its files have changed.
        ConfigError: its recipe cannot be imported or created.
        DataError: it cannot score the rows, or `data` cannot be read.
        Refused: its scores are not numbers.
    """
    import numpy as np

    tag, registration = Tag.parse(version.tag), version.registration
    if data is None and _scores_last_rows(version, store, reader, notice):
        return ""
    try:
        recipe, rows = _sample(tag.model, registration, reader, data)
    except (ConfigError, DataError, UnknownName) as error:
        if data is not None or (isinstance(error, ConfigError) and not without_recipe):
            raise
        store.load(tag, digest=registration.digest)
        lacks = "its recipe cannot be used" if isinstance(error, ConfigError) else "no rows could be read"
        return f"{tag} was loaded but not scored, because {lacks}: {str(error).partition('. ')[0].rstrip('.')}."
    scores = score_version(_candidate(version, recipe), store, rows, notice)
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores.reshape(len(rows), -1))).any(axis=1).sum())
        message = f"{tag} cannot serve: its scores for {bad} of {len(rows)} rows are not numbers. Nothing was changed."
        raise Refused(message, tag=tag)
    return ""


def _scores_last_rows(version: VersionState, store: ModelStore, reader: Reader, notice: Callable[[str], None]) -> bool:
    """Return whether the version scores the last rows of its file. If not, all rows may still give other features."""
    import numpy as np

    try:
        found = reader.last_rows(Tag.parse(version.tag).model, version.registration)
        scores = score_version(_candidate(version, found[0]), store, found[1], notice) if found else np.nan
        return bool(np.isfinite(scores).all())
    except (ConfigError, DataError, UnknownName):
        return False


def _candidate(version: VersionState, recipe: Recipe) -> Candidate:
    tag, digest = Tag.parse(version.tag), version.registration.digest
    return Candidate(role="version", tag=tag, digest=digest, provenance=UnknownRows(), recipe=recipe)


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
    """Return the plan after checking that its version loads and scores. Notes and records what it could not check.

    A version that has scored here before, and with it everything that scores, is not loaded again if nothing has
    changed; its files are verified.
    """
    if data is None and has_scored(parts, version):
        parts.progress(f"Hashing the files of {version.tag}")
        require_registered(parts.store, Tag.parse(version.tag), version.registration.digest)
        return plan
    parts.progress(f"Checking that {version.tag} scores")
    without_recipe = plan.cause == "rollback"  # which is for emergencies
    unseen = verify(version, parts.store, parts.reader, data, parts.notice, without_recipe=without_recipe)
    if not unseen:
        note_scored(parts, version)
        return plan
    parts.notice(unseen)
    return replace(plan, unseen=unseen)


def note_scored(parts: Parts, *versions: VersionState) -> None:
    """Keep in the cache that these versions of a model were loaded, and scored rows; a dry run keeps nothing."""
    if not parts.changing:
        return
    model = Tag.parse(versions[0].tag).model
    mark_scored(parts.config.path(parts.config.cache), model, (_scoring(parts, one) for one in versions))


def has_scored(parts: Parts, version: VersionState) -> bool:
    """Return whether the version has scored rows here, and nothing that scoring depends on has changed since."""
    model = Tag.parse(version.tag).model
    cache = parts.config.path(parts.config.cache)
    return model in parts.config.models and scored_here(cache, model, _scoring(parts, version))


def _scoring(parts: Parts, version: VersionState) -> str:
    """Return a digest of what scoring depends on, besides the environment."""
    settings, registration = parts.config.model(Tag.parse(version.tag).model), version.registration
    options = {**settings.options, **registration.options}
    return digest([registration.digest, registration.recipe, settings.recipe, repr(sorted(options.items()))])
