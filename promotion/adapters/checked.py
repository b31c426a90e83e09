"""The audit's mark in each chain: this code found that every decision up to it follows from its evidence.

An audit computes the hash of every entry from its text anyway. If the entry at the mark has the same hash, all texts up
to it are the ones that were checked, so only later decisions are made again.
"""

import contextlib
import hashlib
import json
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from promotion.adapters.files import replace_parts
from promotion.ledger.trials import Place

_FOLDER = "checked"


def mark_checked(cache_folder: Path, model: str, place: Place) -> None:
    """Keep the mark in the cache folder, if the folder can be written to."""
    path = _path(cache_folder, model)
    text = json.dumps({"seq": place.seq, "hash": place.hash, "by": code_digest()})
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_parts(path, (text.encode(),), durable=False)


def checked(cache_folder: Path, model: str) -> Place | None:
    """Return the mark that this code has made; None if no mark can be read."""
    try:
        kept = json.loads(_path(cache_folder, model).read_text("utf-8"))
        place = Place(kept["seq"], kept["hash"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return place if kept["by"] == code_digest() and isinstance(place.seq, int) else None


@cache
def code_digest() -> str:
    """Return the digest of this package's code, and of the versions of what computes its bounds and reads its text."""
    root = Path(__file__).parent.parent
    found = hashlib.sha256(json.dumps([sys.version, *map(version, ("scipy", "pydantic", "pydantic-core"))]).encode())
    for path in sorted(root.rglob("*.py")):
        found.update(f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def _path(cache_folder: Path, model: str) -> Path:
    return cache_folder / _FOLDER / f"{quote(model, safe='')}.json"
