"""The door of the audit, which lies above the registry."""

from datetime import datetime
from typing import Protocol

from promotion.config import Config
from promotion.findings import Finding
from promotion.interfaces.mirror import Mirror
from promotion.interfaces.model_store import ModelStore
from promotion.ledger.interface import Keyring, LedgerStore


class Auditor(Protocol):
    """Compares the record of a model with its labels, files and mirror: `promotion.audit.audit`, which lies above."""

    def __call__(
        self,
        model: str,
        *,
        config: Config,
        ledger: LedgerStore,
        store: ModelStore,
        mirror: Mirror,
        keys: Keyring | None,
        now: datetime,
        recompute: bool,
        since: datetime | None,
        full: bool,
    ) -> tuple[Finding, ...]:
        """What was found, as of `Registry.audit`."""
