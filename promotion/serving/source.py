"""The source: reads the champion from the head of the ledger, and how to score with it from its registration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promotion.adapters.sql import SqlLedger
from promotion.adapters.sql.sqlite import Sqlite
from promotion.adapters.sql.url import parsed
from promotion.config import Config
from promotion.errors import LedgerError
from promotion.interfaces import ModelStore
from promotion.ledger.chain import Champion
from promotion.ledger.entries import Judgement
from promotion.registry.claims import Claims
from promotion.registry.ledger_writer import LedgerWriter, utc_now
from promotion.registry.sample import SampleScores
from promotion.secrets import without_password


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What loading a champion needs from the ledger, besides its tag and digest.

    Attributes:
        recipe: the recipe that it was trained with; None for the configured one.
        options: the recipe's options, in addition to the configured ones.
        data: the file of the rows that judged it, else of those that trained it.
        sample: the scores of some of these rows, as the gate recorded them.
    """

    recipe: str | None
    options: Mapping[str, Any]
    data: str | None = None
    sample: SampleScores | None = None


class Source:
    """Reads the ledger that the configuration names; it never writes, and never creates a file.

    A ledger's file that was replaced, as by a restored backup, is opened again. Other entries than
    the head are read only when a champion is about to be loaded.

    Args:
        config: names the ledger.
        store: the model store, for the state of a model.
    """

    def __init__(self, config: Config, store: ModelStore) -> None:
        self._url, self._store = config.url(config.ledger), store
        named = parsed(self._url)
        self._file = Sqlite.file_of(named) if named.on_sqlite else None
        self._opened: tuple[object, SqlLedger, LedgerWriter] | None = None

    def champion(self, model: str) -> Champion | None:
        """Return the champion of the model: one row, read without a lock.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        ledger, _ = self._open()
        head = ledger.head(model)
        return head.champion if head else None

    def judged(self, champion: Champion) -> Judged:
        """Return how to score with the champion, and what the gate recorded of its scores.

        Raises:
            LedgerError: the ledger cannot be read, or has no entry of it.
        """
        (ledger, reader), model = self._open(), champion.tag.partition(":")[0]
        version, judgement = reader.state(model).versions.get(champion.tag), None
        if version is None:
            raise LedgerError(f"The ledger at {without_password(self._url)} has no entry of {champion.tag}.")
        if version.decided_seq:
            judgement = ledger.entries(model, after=version.decided_seq - 1, limit=1)[0].content()
        found, used = version.registration, version.decision.holdout if version.decision else None
        return Judged(
            recipe=found.recipe,
            options=found.options,
            data=used.data if used else found.data,
            sample=judgement.sample if isinstance(judgement, Judgement) else None,
        )

    def _open(self) -> tuple[SqlLedger, LedgerWriter]:
        """Return the ledger, and what folds its entries: each entry once."""
        found = self._identity()
        if self._opened is None or self._opened[0] != found:
            ledger = SqlLedger(self._url)
            claims = Claims(ledger, self._store)
            reader = LedgerWriter(
                ledger, self._store, claims, actor=lambda: "", clock=utc_now, notice=lambda _: None, sign=None
            )
            self._opened = (found, ledger, reader)
        return self._opened[1:]

    def _identity(self) -> object:
        """Return what identifies the ledger's file; None for a server.

        Raises:
            LedgerError: there is no such file.
        """
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError as error:
            place = without_password(self._url)
            raise LedgerError(f"The ledger at {place} cannot be read ({error.strerror}).") from error
        return found.st_dev, found.st_ino
