"""The source: reads the champion from the head of the ledger, and how to score with it from its registration."""

from pathlib import Path

from promotion.adapters.sql import SqlLedger
from promotion.config import Config
from promotion.errors import LedgerError
from promotion.interfaces import ModelStore
from promotion.ledger.chain import Champion
from promotion.ledger.entries import Registration
from promotion.registry.claims import Claims
from promotion.registry.ledger_writer import LedgerWriter, utc_now
from promotion.secrets import without_password


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
        self._file = Path(self._url.partition(":///")[2].partition("?")[0]) if "sqlite" in self._url else None
        self._opened: tuple[object, SqlLedger] | None = None

    def champion(self, model: str) -> Champion | None:
        """Return the champion of the model: one row, read without a lock.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        head = self._ledger().head(model)
        return head.champion if head else None

    def registration(self, champion: Champion) -> Registration:
        """Return how the champion was registered.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        ledger = self._ledger()
        claims = Claims(ledger, self._store)
        reader = LedgerWriter(
            ledger, self._store, claims, actor=lambda: "", clock=utc_now, notice=lambda _: None, sign=None
        )
        return reader.state(champion.tag.partition(":")[0]).versions[champion.tag].registration

    def _ledger(self) -> SqlLedger:
        found = self._identity()
        if self._opened is None or self._opened[0] != found:
            self._opened = (found, SqlLedger(self._url))
        return self._opened[1]

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
