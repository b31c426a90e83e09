"""What the first page shows of a model, kept beside the ledger so that an unchanged model is not read again."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from promotion.adapters.files import replace_parts
from promotion.canonical import canonical_json, digest, plain, restore
from promotion.ledger.chain import Head
from promotion.report.links import Links
from promotion.report.site.events import Found, events_found, model_found, versions_found
from promotion.report.site.model_history import ModelHistory
from promotion.report.site.overview import Recent, Standing, recent, standing

_FOLDER = "site"
_RESULTS, _LEAST = 20_000, 16
"""Search results on the first page, and the least of one model."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the first page shows of a model, and the reports of its decisions.

    Attributes:
        standing: its row.
        recent: its newest decisions.
        share: how many search results it may have.
        found: itself as a search result.
        versions: its newest versions as search results, oldest first.
        events: its newest events as search results, newest first.
        cut: whether there are more of them.
        reports: the last line of each report, by the name of its file.
    """

    standing: Standing
    recent: tuple[Recent, ...]
    share: int
    found: Found
    versions: tuple[Found, ...]
    events: tuple[Found, ...]
    cut: bool
    reports: Mapping[str, str]

    @property
    def search(self) -> tuple[Found, ...]:
        """The search results."""
        return self.found, *self.versions, *self.events

    def within(self, share: int) -> "Summary":
        """Return the summary with at most this share of the search."""
        half = share // 2
        cut = self.cut or max(len(self.versions), len(self.events)) > half
        return replace(self, share=share, versions=self.versions[-half:], events=self.events[:half], cut=cut)

    def on_first_page(self, share: int) -> "Summary":
        """Return what the first page shows: without the reports, of which there may be a million."""
        return replace(self.within(share), reports={})


def summary_of(of: ModelHistory, reports: Mapping[str, str], share: int) -> Summary:
    """Return the summary of a model, with its share of the search."""
    links = Links(site="")
    summary = Summary(
        standing=standing(of),
        recent=recent(of),
        share=share,
        found=model_found(of, links),
        versions=tuple(versions_found(of, links)),
        events=tuple(events_found(of, links)),
        cut=False,
        reports=reports,
    )
    return summary.within(share)


def share_of(models: int) -> int:
    """Return how many search results each model may have: a power of two, so that it seldom changes with the fleet."""
    return 1 << max(_LEAST, _RESULTS // max(1, models)).bit_length() - 1


class Summaries:
    """The summaries of earlier runs, each with the head of the ledger that it stands on. Derived.

    Args:
        folder: the folder of the caches.
        made_of: what summaries depend on besides the ledger: code and links.
        share: how many search results the first page shows of each model.
    """

    def __init__(self, folder: Path, made_of: object, share: int) -> None:
        self._folder, self._made_of, self.share = folder / _FOLDER, made_of, share

    def get(self, model: str, head: Head) -> Summary | None:
        """Return the summary kept for the model at this head; None if none with enough search results can be read."""
        try:
            mark, _, text = self._path(model).read_text("utf-8").partition("\n")
            found = restore(Summary, json.loads(text)) if mark == self._mark(head, text) else None
        except (OSError, ValueError, RecursionError):  # pydantic's ValidationError is a ValueError
            return None
        return None if found and found.cut and found.share < self.share else found

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
