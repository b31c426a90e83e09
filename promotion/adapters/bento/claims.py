"""Claims: the ledger that each model belongs to, in a small file per model beside `models/`, which BentoML ignores."""

import json
from pathlib import Path

from promotion.adapters.bento.faults import reading, writing
from promotion.adapters.files import replace_text
from promotion.canonical import canonical_json, plain, restore
from promotion.errors import StoreError
from promotion.interfaces import Claim
from promotion.vocabulary import is_name

FOLDER = "ledgers"


def read(home: Path, model: str) -> Claim | None:
    """Read the claim on a model; None if the store holds no claim."""
    path = home / FOLDER / f"{model}.json"
    if not is_name(model):
        return None
    with reading(path):
        try:
            return restore(Claim, json.loads(path.read_bytes()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, RecursionError) as error:  # errors of pydantic and JSON are ValueErrors
            message = (
                f"{path} must name the ledger that '{model}' belongs to, but is damaged. Restore it from a backup. Or "
                f"delete it, and run `promotion repair {model}` with that ledger, which writes it again."
            )
            raise StoreError(message, path=path) from error


def write(home: Path, model: str, claim: Claim) -> None:
    """Replace the claim on a model."""
    path = home / FOLDER / f"{model}.json"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, canonical_json(plain(claim)) + "\n")
