"""A champion in memory: loaded from verified files, and warmed up on sample rows before it answers a request."""

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from promotion.adapters.bento import BentoStore
from promotion.config import Config
from promotion.data_sources import is_elsewhere
from promotion.errors import DataError, PromotionError, Refused, as_data_error
from promotion.interfaces import Recipe, Trained, task_of_recipe
from promotion.ledger.chain import Champion
from promotion.registry.pyfunc import scores_of
from promotion.registry.recipes import load_recipe
from promotion.registry.sample import SampleScores, furthest, last_rows
from promotion.serving.last_verified import read_last
from promotion.serving.metrics import metrics
from promotion.serving.source import Judged, Source
from promotion.vocabulary import Tag, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_USUAL_SECONDS, _TURN_SECONDS = sys.getswitchinterval(), 0.0005
_log = logging.getLogger("promotion.serving")


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedChampion:
    """A champion that serves.

    Attributes:
        tag: tag of the version.
        digest: SHA-256 of its files, which were verified.
        since: when it became champion.
        decision: the first digits of the decision that promoted it; None if a person did.
        trained: the model and its custom objects.
        recipe: the recipe that it was trained with.
        recipe_name, options: as its registration records them.
    """

    tag: str
    digest: str
    since: str
    decision: str | None
    trained: Trained
    recipe: Recipe
    recipe_name: str | None
    options: Mapping[str, Any]

    def rows(self, records: "list[dict[str, Any]]") -> "pd.DataFrame":
        """Return raw rows as `score` takes them; the recipe's `rows_from` checks and converts them, if it has one.

        Raises:
            DataError: the recipe cannot take a row.
        """
        import pandas as pd

        convert = getattr(self.recipe, "rows_from", pd.DataFrame)
        with as_data_error("The rows cannot be read"):
            found: pd.DataFrame = convert(records)
        return found

    def score(self, rows: "pd.DataFrame") -> "NDArray[np.float64]":
        """Return the recipe's scores, shape (n_rows,), or (n_rows, K) for several classes.

        Raises:
            DataError: the recipe cannot score the rows, or a score is not a number.
        """
        import numpy as np

        with as_data_error(f"{self.tag} could not score the rows"):
            scores = np.asarray(scores_of(self.recipe, self.trained, rows), dtype=np.float64)
        bad = int((~np.isfinite(scores.reshape(len(rows), -1))).any(axis=1).sum())
        if bad:
            raise DataError(f"{self.tag} could not score {bad} of {len(rows)} rows: their scores are not numbers.")
        return scores


def renewed(loaded: LoadedChampion, champion: Champion) -> LoadedChampion:
    """Return the loaded version with the time and the decision by which it is champion now."""
    return replace(loaded, since=champion.since, decision=_short(champion.decision))


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let requests interrupt this thread after half a millisecond instead of five."""
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(_USUAL_SECONDS)


class Loader:
    """Loads champions, and warms them up.

    Args:
        config, store, source: settings, model store and ledger.
        sample: rows to warm up on; None for the last rows of the file that judged.
        patience: seconds that a version may take.
    """

    def __init__(
        self, config: Config, store: BentoStore, source: Source, sample: "pd.DataFrame | None", patience: float
    ) -> None:
        self._config, self._store, self._source, self._sample = config, store, source, sample
        self.patience = patience

    @property
    def too_slow(self) -> TimeoutError:
        """The error of a version that takes too long."""
        return TimeoutError(f"loading and warming up took longer than {self.patience:g} seconds")

    @_short_turns()
    def load(self, champion: Champion) -> LoadedChampion:
        """Verify the champion's files, load them, and score sample rows.

        Raises:
            StoreError: the files cannot be read, or are not the ones that were judged.
            LedgerError: the ledger cannot be read, and nothing is kept of this champion.
            DataError, Refused: the sample rows cannot be scored, or not as at the gate.
            TimeoutError: it took too long.
        """
        began, judged = time.monotonic(), self._judged(champion)
        tag = Tag.parse(champion.tag)
        settings = self._config.model(tag.model)
        with metrics().load.labels(tag.model).time():
            loaded = LoadedChampion(
                tag=champion.tag,
                digest=champion.digest,
                since=champion.since,
                decision=_short(champion.decision),
                trained=self._store.load(tag, digest=champion.digest),
                recipe=load_recipe(
                    settings.model_copy(update={"recipe": judged.recipe or settings.recipe}), judged.options
                ),
                recipe_name=judged.recipe,
                options=judged.options,
            )
        configured = None if settings.data is None or is_elsewhere(settings.data) else str(settings.data)
        file, sample = judged.data or configured, self._sample
        with metrics().warm_up.labels(tag.model).time():
            if sample is None and file:
                sample = last_rows(self._config.path(file), loaded.recipe)
                if sample is None:
                    _log.warning("%s is not scored before it serves: the last rows of %s cannot be read.", tag, file)
            warm_up(loaded, sample, judged.sample)
        if time.monotonic() - began > self.patience:
            raise self.too_slow
        return loaded

    def _judged(self, champion: Champion) -> Judged:
        """Return how the version was judged, by the ledger or as it was last kept."""
        try:
            return self._source.judged(champion)
        except PromotionError:
            last = read_last(self._store.home, champion.tag.partition(":")[0])
            if last is None or last.champion.digest != champion.digest:
                raise
            return Judged(recipe=last.recipe, options=last.options)


def _short(decision: str | None) -> str | None:
    return decision[:12] if decision else None


def warm_up(loaded: LoadedChampion, rows: "pd.DataFrame | None", recorded: SampleScores | None = None) -> None:
    """Score sample rows, so that the first request is not the slowest and a model that cannot score never serves.

    `recorded` are the gate's scores of some of these rows.

    Raises:
        DataError: the rows cannot be scored, or the scores have another shape.
        Refused: the scores are not the gate's.
    """
    if rows is None or len(rows) == 0:
        return
    scores = loaded.score(rows)
    several = task_of_recipe(loaded.recipe) is Task.MULTICLASS
    if scores.shape[:1] != (len(rows),) or scores.ndim != 1 + several:
        raise DataError(f"{loaded.tag} returned scores of shape {scores.shape} for {len(rows)} sample rows.")
    if recorded and (apart := furthest(rows, scores, loaded.recipe, recorded)) is not None:
        message = (
            f"{loaded.tag} scores sample rows differently here than at the gate, by up to {apart:.3g}. If the "
            "recipe's code changed after this process began, restart it. Otherwise install the libraries that the gate "
            "used; AUD064 of `promotion audit` names those that differ."
        )
        raise Refused(message, tag=loaded.tag)
