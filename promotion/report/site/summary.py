"""What the first page shows of a model, kept beside the ledger so that an unchanged model is not read again."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from promotion.adapters.files import replace_parts
from promotion.canonical import canonical_json, digest, plain, restore
from promotion.ledger.chain import Head
from promotion.report.links import Links
from promotion.report.site.events import Found, search_index
from promotion.report.site.model_history import ModelHistory
from promotion.report.site.overview import Recent, Standing, recent, standing

_FOLDER = "site"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the first page shows of a model, and the reports of its decisions.

    Attributes:
        standing: its row.
        recent: its newest decisions.
        search: its search results.
        reports: the last line of each report, by the name of its file.
    """

    standing: Standing
    recent: tuple[Recent, ...]
    search: tuple[Found, ...]
    reports: Mapping[str, str]


def summary_of(of: ModelHistory, reports: Mapping[str, str]) -> Summary:
    """Return the summary of a model."""
    found = tuple(search_index(of, Links(site="")))
    return Summary(standing=standing(of), recent=recent(of), search=found, reports=reports)


class Summaries:
    """The summaries of earlier runs, each with the head of the ledger that it stands on. Derived.

    Args:
        folder: the folder of the caches.
        made_of: what summaries depend on besides the ledger: code and links.
    """

    def __init__(self, folder: Path, made_of: object) -> None:
        self._folder, self._made_of = folder / _FOLDER, made_of

    def get(self, model: str, head: Head) -> Summary | None:
        """Return the summary kept for the model at this head; None if none can be read."""
        try:
            mark, _, text = self._path(model).read_text("utf-8").partition("\n")
            return restore(Summary, json.loads(text)) if mark == self._mark(head, text) else None
        except (OSError, ValueError, RecursionError):  # pydantic's ValidationError is a ValueError
            return None

    def keep(self, model: str, head: Head, summary: Summary) -> None:
        """Keep a summary, if the folder can be written to."""
        text, path = canonical_json(plain(summary)), self._path(model)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_parts(path, (f"{self._mark(head, text)}\n{text}".encode(),), durable=False)

    def _mark(self, head: Head, text: str) -> str:
        return digest([self._made_of, head.model, head.seq, head.hash, text])

    def _path(self, model: str) -> Path:
        return self._folder / f"{quote(model, safe='')}.json"
