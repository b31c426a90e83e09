"""The last verified champion, kept beside the store: with it, a worker can start while the ledger is away."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promotion.adapters.files import replace_text
from promotion.canonical import canonical_json, plain, restore
from promotion.ledger.chain import Champion

FOLDER = "serving"


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


def read_last(home: Path, model: str) -> LastVerified | None:
    """Return the last verified champion of the model; None if none is kept, or the file is damaged."""
    try:
        return restore(LastVerified, json.loads(_path(home, model).read_bytes()))
    except (OSError, ValueError, RecursionError):  # the errors of JSON and of pydantic are ValueErrors
        return None


def write_last(home: Path, model: str, last: LastVerified) -> None:
    """Replace what is kept, atomically.

    Raises:
        OSError: the store cannot be written; what was kept is unchanged.
    """
    path = _path(home, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, canonical_json(plain(last)) + "\n")


def _path(home: Path, model: str) -> Path:
    return home / FOLDER / f"{model}.json"
