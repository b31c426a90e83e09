"""The manager: converges on the wanted version, one load at a time, and swaps it in between requests."""

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from promotion.adapters.bento import BentoStore
from promotion.adapters.owned_folders import sweep
from promotion.config import Config, load_config
from promotion.errors import PromotionError
from promotion.ledger.chain import Champion
from promotion.serving.last_verified import Keeper, LastVerified
from promotion.serving.loading import LoadedChampion, Loader, renewed, said_of
from promotion.serving.metrics import metrics
from promotion.serving.source import Source

if TYPE_CHECKING:
    import pandas as pd

_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 1.0, 60.0
_log = logging.getLogger("promotion.serving")


class NoChampion(PromotionError):
    """No champion serves yet; the message says why."""


class ServedChampion:
    """The champion of a model in this process, which follows the ledger.

    Two threads run until `stop` or the end of the process: one asks the ledger every `every`
    seconds, one loads. Create it in the process that serves, after any fork.

    Args:
        model: its name in the configuration.
        config: settings, or the file that contains them; by default PROMOTION_CONFIG or the nearest
            promotion.toml.
        sample: rows to warm up on, as the recipe loads them; by default the last rows of the file
            that the version was trained on, or of the configured one, if it is a CSV file.
        every: seconds between two looks at the ledger.
        patience: seconds that loading and warming up may take.

    Raises:
        ConfigError: the configuration is invalid.
        UnknownName: it does not contain the model.
    """

    def __init__(
        self,
        model: str,
        *,
        config: Config | Path | str | None = None,
        sample: "pd.DataFrame | None" = None,
        every: float = 0.5,
        patience: float = 60,
    ) -> None:
        sweep()
        self.model = model
        self._config = config if isinstance(config, Config) else load_config(Path(config) if config else None)
        self._config.model(model)
        store = BentoStore(self._config.path(self._config.bentoml_home))
        self._source, self._metrics = Source(self._config, store), metrics()
        self._keeper = Keeper(store.home, model)
        self._loader = Loader(self._config, store, self._source, self._keeper, sample, patience)
        self._changed = threading.Condition()
        self._served: LoadedChampion | None = None
        self._wanted: Champion | None = None
        self._loading: tuple[Champion, float] | None = None
        self._manager = 0  # number of the manager at work; an earlier one was too slow and is ignored
        self._retry_at, self._retry_seconds = 0.0, _FIRST_RETRY_SECONDS
        self._problem = self._ledger_problem = ""
        self._confirmed = 0.0
        self._stopping, self._process = threading.Event(), os.getpid()
        name = f"promotion-watch-{model}"
        threading.Thread(target=self._watch, args=(every,), name=name, daemon=True).start()
        self._start_manager()

    @contextmanager
    def lease(self) -> Iterator[LoadedChampion]:
        """Hold the champion for one request: it stays the same, and in memory, until the request ends.

        Raises:
            NoChampion: none was loaded yet.
        """
        champion, began = self._served, time.perf_counter()
        if champion is None:
            raise NoChampion(self._why_none())
        try:
            yield champion
        finally:
            self._metrics.latency.labels(self.model).observe(time.perf_counter() - began)

    @property
    def ready(self) -> bool:
        """Whether a champion serves."""
        return self._served is not None

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until a champion serves.

        Raises:
            NoChampion: none serves after `timeout` seconds; the message says why.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._served is not None, timeout):
                raise NoChampion(self._why_none())
        return self

    def status(self) -> dict[str, Any]:
        """Return what serves and what is wrong, as JSON: the answer for `serving` in the configuration.

        `tag` is None if nothing serves, `wanted` is the ledger's champion as last known, `problem`
        and `ledger_problem` are sentences or None, and `ledger_age_seconds` is the age of the
        ledger's last answer that named a champion.
        """
        with self._changed:
            served, wanted = self._served, self._wanted
            forked = (
                "" if os.getpid() == self._process else "This process was forked, so it no longer follows the ledger."
            )
            return {
                "model": self.model,
                "tag": served.tag if served else None,
                "digest": served.digest if served else None,
                "since": served.since if served else None,
                "decision": served.decision if served else None,
                "wanted": wanted.tag if wanted else None,
                "problem": (forked or self._problem or (None if served else self._why_none())) or None,
                "ledger_problem": self._ledger_problem or None,
                "ledger_age_seconds": round(time.time() - self._confirmed, 1) if self._confirmed else None,
            }

    def count(self, scores: Iterable[float]) -> None:
        """Count scores that were answered, in the metrics; those of several classes are not counted."""
        histogram = self._metrics.scores.labels(self.model)
        for score in scores:
            if isinstance(score, float):
                histogram.observe(score)

    def stop(self) -> None:
        """Stop following the ledger; what serves stays."""
        self._stopping.set()
        with self._changed:
            self._manager += 1
            self._changed.notify_all()

    def _why_none(self) -> str:
        return f"No champion of '{self.model}' is loaded yet. {self._problem or self._ledger_problem}".rstrip()

    # The source

    def _watch(self, every: float) -> None:
        while True:
            try:
                self._look()
            except Exception:
                _log.exception("Following the ledger failed. It is tried again.")
            if self._stopping.wait(every):
                return

    def _look(self) -> None:
        """Ask the ledger which version must serve."""
        try:
            champion = self._source.champion(self.model)
        except Exception as error:
            self._without_name(str(error))
        else:
            if champion is None:
                self._without_name(f"There is no champion of '{self.model}' yet, according to the ledger.")
            else:
                self._confirm(time.time())
                before, self._ledger_problem = self._ledger_problem, ""
                if before:
                    _log.warning("The ledger names the champion of '%s' again.", self.model)
                self._want(champion)
        self._check_patience()

    def _without_name(self, problem: str) -> None:
        """Say why the ledger names no champion; at the start, take the version that was last verified."""
        with self._changed:  # so that nobody sees the problem before the version
            before, self._ledger_problem = self._ledger_problem, problem
            if self._wanted is None and (last := self._keeper.read()):
                self._confirm(last.confirmed)
                self._want(last.champion)
            stays = f" {self._served.tag} goes on serving." if self._served else ""
        if before != problem:
            _log.warning("%s%s", problem, stays)

    def _confirm(self, moment: float) -> None:
        self._confirmed = moment
        self._metrics.confirmed.labels(self.model).set(moment)

    def _want(self, champion: Champion) -> None:
        with self._changed:
            before, self._wanted = self._wanted, champion
            if not _same(before, champion):
                self._retry_at, self._retry_seconds = 0.0, _FIRST_RETRY_SECONDS
                self._problem = ""
                self._changed.notify_all()
            behind = not _same(self._served, champion)
            if self._served is not None and not behind and before != champion:  # it became champion again
                self._served = renewed(self._served, champion)
        self._metrics.behind.labels(self.model).set(behind)
        if not behind and self._keeper.is_due:
            self._keep(champion)

    def _keep(self, champion: Champion) -> None:
        """Keep the served champion for a start without the ledger, or the time at which the ledger confirmed it."""
        loaded = self._served
        if self._ledger_problem or loaded is None or not _same(loaded, champion):
            return
        recipe, confirmed = loaded.recipe_name, self._confirmed
        self._keeper.keep(LastVerified(champion=champion, recipe=recipe, options=loaded.options, confirmed=confirmed))

    # The manager

    def _start_manager(self) -> None:
        self._manager += 1
        name = f"promotion-load-{self.model}"
        threading.Thread(target=self._converge, args=(self._manager,), name=name, daemon=True).start()

    def _check_patience(self) -> None:
        """Give up a load that takes too long. If another version is wanted by then, another manager loads that."""
        with self._changed:
            if self._loading is None:
                return
            champion, began = self._loading
            if time.monotonic() - began < self._loader.patience:
                return
            if not self._problem:
                self._failed(champion, self._loader.too_slow)
            if not _same(self._wanted, champion):
                self._loading = None
                self._start_manager()

    def _converge(self, number: int) -> None:
        """Load what is wanted and swap it in, until stopped or replaced by another manager."""
        while wanted := self._next(number):
            self._attempt(number, wanted)
            self._keep(wanted)

    def _attempt(self, number: int, wanted: Champion) -> None:
        loaded, failure = None, None
        try:
            loaded = self._loader.load(wanted)
        except Exception as error:
            failure = error
        with self._changed:
            if number != self._manager:
                return
            self._loading = None
            if loaded is None:
                self._failed(wanted, failure or RuntimeError())
            elif self._wanted and _same(self._wanted, wanted):
                self._swap(renewed(loaded, self._wanted))  # it may have become champion again meanwhile

    def _next(self, number: int) -> Champion | None:
        """Wait until a version is wanted that does not serve; None if this manager is no longer needed."""
        with self._changed:
            while number == self._manager:
                wanted, rest = self._wanted, self._retry_at - time.monotonic()
                serves = _same(self._served, wanted)
                if wanted and not serves and rest <= 0:
                    self._loading = (wanted, time.monotonic())
                    return wanted
                self._changed.wait(rest if wanted and not serves else None)
        return None

    def _swap(self, loaded: LoadedChampion) -> None:
        before, self._served = self._served, loaded
        self._problem, self._retry_seconds = "", _FIRST_RETRY_SECONDS
        if before is not None:
            self._metrics.served.labels(self.model, before.tag).set(0)
        self._metrics.served.labels(self.model, loaded.tag).set(1)
        self._metrics.since.labels(self.model).set(time.time())
        self._metrics.behind.labels(self.model).set(0)
        self._metrics.swaps.labels(self.model).inc()
        self._changed.notify_all()
        _log.info("%s serves%s.", loaded.tag, f" in place of {before.tag}" if before else "")

    def _failed(self, champion: Champion, error: Exception) -> None:
        """Note why a version does not serve and, if it is still wanted, when it is tried again."""
        stays = f"{self._served.tag} goes on serving" if self._served else "Nothing serves"
        problem = f"{champion.tag} cannot serve: {said_of(error)}. {stays}."
        self._metrics.failures.labels(self.model, type(error).__name__).inc()
        _log.error("%s", problem)
        if _same(self._wanted, champion):
            self._problem, self._retry_at = problem, time.monotonic() + self._retry_seconds
            self._retry_seconds = min(2 * self._retry_seconds, _LAST_RETRY_SECONDS)


def _same(one: Champion | LoadedChampion | None, other: Champion | LoadedChampion | None) -> bool:
    """Whether the same files must be loaded; the same version may become champion again without a load."""
    return one is not None and other is not None and (one.tag, one.digest) == (other.tag, other.digest)
