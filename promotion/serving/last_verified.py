"""The last verified champion, kept beside the store: with it, a worker can start while the ledger is away."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promotion.adapters.files import replace_text
from promotion.canonical import canonical_json, plain, restore
from promotion.ledger.chain import Champion

FOLDER = "serving"
_CONFIRM_SECONDS = 30
_log = logging.getLogger("promotion.serving")


@dataclass(frozen=True, kw_only=True)
class LastVerified:
    """The champion that a worker last verified and served.

    Attributes:
        champion: as the head of the ledger named it.
        recipe: the recipe that it was trained with; None for the configured one.
        options: the recipe's options, in addition to the configured ones.
        confirmed: when the ledger last named it, in seconds since 1970.
    """

    champion: Champion
    recipe: str | None
    options: Mapping[str, Any]
    confirmed: float


class Keeper:
    """Keeps the last verified champion of a model beside its store, with the time at which the ledger confirmed it.

    Args:
        home: folder of the store.
        model: name of the model.
    """

    def __init__(self, home: Path, model: str) -> None:
        self._home, self._path = home, home / FOLDER / f"{model}.json"
        self._kept_at, self._said = 0.0, ""

    @property
    def is_due(self) -> bool:
        """Whether the time was last kept so long ago that it should be renewed."""
        return time.time() - self._kept_at > _CONFIRM_SECONDS

    def read(self) -> LastVerified | None:
        """Return the last verified champion; None if none is kept, or the file is damaged."""
        try:
            return restore(LastVerified, json.loads(self._path.read_bytes()))
        except (OSError, ValueError, RecursionError):  # the errors of JSON and of pydantic are ValueErrors
            return None

    def keep(self, last: LastVerified) -> None:
        """Replace what is kept, atomically. If the store cannot be written, the log says so once for each champion."""
        self._kept_at = time.time()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(self._path, canonical_json(plain(last)) + "\n")
            self._said = ""
        except OSError as error:
            sentence = (
                f"{last.champion.tag} cannot be kept in {self._path.parent} as the last verified champion "
                f"({error.strerror}), so a worker that starts while the ledger is away cannot serve it."
            )
            if sentence != self._said:
                _log.warning("%s", sentence)
            self._said = sentence
