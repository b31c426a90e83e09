"""A champion in memory: loaded from verified files, and warmed up on sample rows before it answers a request."""

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from promotion.adapters.bento import BentoStore
from promotion.config import Config
from promotion.data_sources import is_elsewhere
from promotion.errors import DataError, PromotionError, Refused, as_data_error
from promotion.interfaces import Recipe, Trained, task_of_recipe
from promotion.ledger.chain import Champion
from promotion.registry.pyfunc import Unscored, scores_of
from promotion.registry.recipes import load_recipe
from promotion.registry.sample import SampleScores, furthest, last_rows
from promotion.serving.code import ImportedCode
from promotion.serving.faults import ModelFault, blamed, columns_of, fault
from promotion.serving.last_verified import Keeper
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
        columns: what each column of the sample rows contains; empty without sample rows.
    """

    tag: str
    digest: str
    since: str
    decision: str | None
    trained: Trained
    recipe: Recipe
    recipe_name: str | None
    options: Mapping[str, Any]
    columns: Mapping[str, str] = field(default_factory=dict)

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
            DataError: the rows are wrong.
            ModelFault: the model cannot score them, or a score is not a number.
        """
        try:
            return self._score(rows)
        except (Exception, SystemExit) as error:
            if isinstance(error, DataError) and not isinstance(error, Unscored):
                raise  # a sentence of the recipe
            if hasattr(self.recipe, "rows_from"):
                raise fault(self.tag, error) from error
            raise blamed(self.tag, rows, self.columns, error) from error

    def _score(self, rows: "pd.DataFrame") -> "NDArray[np.float64]":
        import numpy as np

        scores = np.asarray(scores_of(self.recipe, self.trained, rows), dtype=np.float64)
        bad = int((~np.isfinite(scores.reshape(len(rows), -1))).any(axis=1).sum())
        if bad:
            raise ModelFault(f"{self.tag} could not score {bad} of {len(rows)} rows: their scores are not numbers.")
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


class StaleCode(PromotionError):
    """A champion cannot be loaded, and the recipe's code in this process is not the one on disk."""


def said_of(error: Exception) -> str:
    """Return what an error says, without the full stop."""
    return str(error).rstrip(".") if isinstance(error, PromotionError) else f"{type(error).__name__}: {error}"


class Loader:
    """Loads champions, and warms them up.

    Args:
        config, store, source, keeper: settings, model store, ledger, and what is kept for a start without it.
        sample: rows to warm up on; None for the last rows of the file that judged.
        patience: seconds that a version may take.
    """

    def __init__(
        self,
        config: Config,
        store: BentoStore,
        source: Source,
        keeper: Keeper,
        sample: "pd.DataFrame | None",
        patience: float,
    ) -> None:
        self._config, self._store, self._source, self._keeper, self._sample = config, store, source, keeper, sample
        self.patience = patience
        self._code = ImportedCode()

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
            DataError, ModelFault, Refused: the sample rows cannot be scored, or not as at the gate.
            StaleCode: one of these, and the recipe's code changed after this process imported it.
            TimeoutError: it took too long.
        """
        began, judged = time.monotonic(), self._judged(champion)
        try:
            loaded = self._load(champion, judged)
        except Exception as error:
            if changed := self._changed(champion, judged):
                raise StaleCode(f"{said_of(error)}. {changed}") from error
            raise
        if (changed := self._changed(champion, judged)) and not (loaded.columns and judged.sample):
            _log.warning("%s serves, but its scores cannot be compared with the gate's, and %s", champion.tag, changed)
        if time.monotonic() - began > self.patience:
            raise self.too_slow
        return loaded

    def _load(self, champion: Champion, judged: Judged) -> LoadedChampion:
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
            if sample is None:
                sample = last_rows(self._config.path(file), loaded.recipe) if file else None
                if sample is None:
                    why = f"the last rows of {file} cannot be read" if file else "this host has no file of rows"
                    _log.warning("%s is not scored before it serves: %s.", tag, why)
            warm_up(loaded, sample, judged.sample)
            return replace(loaded, columns=columns_of(sample))

    def _changed(self, champion: Champion, judged: Judged) -> str:
        return self._code.changed(judged.recipe or self._config.model(champion.tag.partition(":")[0]).recipe)

    def _judged(self, champion: Champion) -> Judged:
        """Return how the version was judged, by the ledger or as it was last kept."""
        try:
            return self._source.judged(champion)
        except PromotionError:
            last = self._keeper.read()
            if last is None or last.champion.digest != champion.digest:
                raise
            return Judged(recipe=last.recipe, options=last.options)


def _short(decision: str | None) -> str | None:
    return decision[:12] if decision else None


def warm_up(loaded: LoadedChampion, rows: "pd.DataFrame | None", recorded: SampleScores | None = None) -> None:
    """Score sample rows, so that the first request is not the slowest and a model that cannot score never serves.

    `recorded` are the gate's scores of some of these rows.

    Raises:
        DataError, ModelFault: the rows cannot be scored, or the scores have another shape.
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
