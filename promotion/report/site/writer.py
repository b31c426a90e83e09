"""Write the site: redraws changed pages, keeps unchanged ones, and leaves other files in the folder alone."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.canonical import digest
from promotion.errors import LedgerError
from promotion.ledger.chain import GENESIS, Head
from promotion.ledger.state import State
from promotion.progress import Progress, counted
from promotion.report.decision_report import Recorded, decision_document, places_of, recorded_with
from promotion.report.html import page_html, render
from promotion.report.links import Links, decision_page_name, links_of, model_page_name
from promotion.report.metric_history import decisions_table
from promotion.report.output_files import Unwritable, refuse_others, write_own
from promotion.report.site.alone import alone_in
from promotion.report.site.drawing import in_processes
from promotion.report.site.events import WORDS, events
from promotion.report.site.model_history import ModelHistory, model_history
from promotion.report.site.model_page import ModelPage
from promotion.report.site.overview import newest_decisions
from promotion.report.site.summary import Summaries, Summary, share_of, summary_of

if TYPE_CHECKING:
    from promotion.registry.registry import Registry

Health = Callable[[Sequence[State]], Sequence[str]]
WayBack = Callable[[State], Sequence[str]]
_MARK = "<!-- drawn from {key} -->\n"
_MANY = 500
"""So many pages are drawn before further models are read, because each keeps what it shows in memory."""
_INSTEAD = "Give --site a folder of its own."


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A file of the site: its name, the data it depends on, and the function that draws it."""

    name: str
    made_of: object
    draw: Callable[[], str]
    is_report: bool = False

    @property
    def mark(self) -> bytes:
        """The last line of the file, by which the next run knows that the file is up to date."""
        return _MARK.format(key=digest([_drawing(), self.made_of])).encode()


@dataclass
class SiteWritten:
    """The result of writing the site.

    Attributes:
        folder: the folder of the site; its first page is `index.html`.
        drawn: names of the files that were written.
        kept: names of the files that were up to date.
        unread: why a model's ledger could not be read, as sentences; its pages stay unchanged.
    """

    folder: Path
    drawn: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def index(self) -> Path:
        """The first page."""
        return self.folder / "index.html"

    def put(self, due: Sequence[_Page], progress: Progress) -> None:
        """Draw and write pages."""
        reports = [page for page in due if page.is_report]
        with in_processes([page.draw for page in reports]) as texts:
            others = [(page, page.draw()) for page in due if not page.is_report]
            for page, text in zip(counted(progress, "Drawing the reports", reports, len(reports)), texts, strict=True):
                self._write(page, text)
        for page, text in others:  # last, so that an up-to-date page of a model vouches for the reports before it
            self._write(page, text)
        self.drawn += [page.name for page in due]

    def due(self, pages: Iterable[_Page]) -> Iterator[_Page]:
        """Yield the pages that are not up to date; note the others."""
        for page in pages:
            refuse_others(self.folder / page.name, instead=_INSTEAD)
            if self.has(page.name, page.mark):
                self.kept.append(page.name)
            else:
                yield page

    def has(self, name: str, mark: bytes) -> bool:
        """Whether a file is up to date: it ends with this line."""
        path = self.folder / name
        if not path.exists():
            return False
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - len(mark)))
            return file.read() == mark

    def has_all(self, page: _Page, reports: Mapping[str, str]) -> bool:
        """Whether the page of a model and its reports are up to date.

        `reports` maps their names to their last lines, which are read only of those that are newer than the page.
        """
        if not self.has(page.name, page.mark):
            return False
        drawn = (self.folder / page.name).stat().st_mtime_ns
        return all(self._is_older(name, drawn) or self.has(name, mark.encode()) for name, mark in reports.items())

    def _is_older(self, name: str, moment: int) -> bool:
        try:
            found = os.stat(f"{self.folder}/{name}")  # noqa: PTH116 - there may be a million
        except OSError:
            return False
        return found.st_size > 0 and found.st_mtime_ns <= moment

    def _write(self, page: _Page, text: str) -> None:
        # The next run draws an empty file again, because the mark is missing.
        write_own(self.folder / page.name, text.encode() + page.mark, instead=_INSTEAD, durable=False)


def write_site(
    registry: "Registry",
    folder: Path,
    *,
    now: datetime,
    health: Health = lambda _: (),
    way_back: WayBack = lambda _: (),
) -> SiteWritten:
    """Write or update the site of every model.

    Waits for another run that writes to `folder`; other files in it stay. `health` returns
    sentences on the most urgent problems of models, and is called with one model at a time.
    `way_back` returns lines on how to roll a model back, as `promotion status` shows them. `now` is
    the time at which the registry is read.

    Raises:
        Unwritable: the path is not a folder or not writable, or holds another file with the name of
            a page.
    """
    done = SiteWritten(_made(folder))
    with alone_in(folder, registry.parts.progress):
        _write_site(done, registry, now, health, way_back)
    return done


def _write_site(done: SiteWritten, registry: "Registry", now: datetime, health: Health, way_back: WayBack) -> None:
    links = links_of(registry.config, within_site=True)
    caches = registry.config.path(registry.config.cache)
    models, progress = registry.models(), registry.parts.progress
    site = _Site(done, links, Summaries(caches, [_drawing(), vars(links)], share_of(len(models))), health, way_back)
    for name in ("index.html", *map(model_page_name, models)):
        refuse_others(done.folder / name, instead=_INSTEAD)  # before any page is drawn
    for model in counted(progress, "Reading the ledger", models, len(models)):
        try:
            site.take(registry, model)
        except LedgerError as error:
            done.unread.append(str(error))
        if len(site.pages) >= _MANY:
            done.put(site.pages, progress)
            site.pages.clear()
    warnings = dict.fromkeys((*done.unread, *site.warnings))
    index = _index(site.heads, site.told, now.astimezone(UTC), tuple(warnings))
    done.put([*site.pages, *done.due([index])], progress)


@dataclass
class _Site:
    """The site while its models are read.

    Attributes:
        done: what is kept, and what was written.
        links, kept, health, way_back: as given.
        heads, told: the end of each model's ledger, and its summary.
        pages: the pages to draw next; each keeps what it shows of its model in memory.
        warnings: problems of the models.
    """

    done: SiteWritten
    links: Links
    kept: Summaries
    health: Health
    way_back: WayBack
    heads: list[Head | None] = field(default_factory=list)
    told: list[Summary] = field(default_factory=list)
    pages: list[_Page] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def take(self, registry: "Registry", model: str) -> None:
        """Take in a model; read its entries only if its ledger has grown or one of its pages is missing."""
        state = registry.state(model)
        health, way_back = tuple(self.health([state])), tuple(self.way_back(state))
        made_of = [model, state.seq, state.hash, health, way_back, vars(self.links)]
        page = _Page(name=model_page_name(model), made_of=made_of, draw=str)
        told = self.kept.get(model, state.head) if state.head else None
        if told and self.done.has_all(page, told.reports):
            self.done.kept += [page.name, *told.reports]
        else:
            of = model_history(model, tuple(registry.history(model)))
            pages = tuple(_reports(of, self.links))
            told = summary_of(of, {one.name: one.mark.decode() for one in pages}, self.kept.share)
            shown = ModelPage(of=of, links=self.links, health=health, way_back=way_back)
            self.pages += self.done.due((*pages, replace(page, draw=partial(_model_page, shown))))
            if of.state.head:
                self.kept.keep(model, of.state.head, told)
            state = of.state
        self.heads.append(state.head)
        self.told.append(told.on_first_page(self.kept.share))
        registry.parts.writer.forget(model)  # a thousand states are gigabytes
        self.warnings += health


def _reports(of: ModelHistory, links: Links) -> Iterator[_Page]:
    """Yield the report of each decision."""
    places = places_of(of.state)
    last = {judgement.decision_digest: seq for seq, judgement in of.decisions.items()}  # a decision can recur
    for seq in last.values():
        judgement = of.decisions[seq]
        entry, followed = of.entries[seq - 1], of.followed[seq]
        version = of.state.versions[judgement.tag]
        still = [version.stage, version.decided_seq == seq] if judgement.decision.waits else None
        yield _Page(
            name=decision_page_name(judgement.decision_digest),
            made_of=[entry.hash, [one.hash for one in followed], still, vars(links)],
            draw=partial(_report, recorded_with(of.state, places, entry, judgement, followed), links),
            is_report=True,
        )


def _report(found: Recorded, links: Links) -> str:
    return page_html(decision_document(found, links=links))


def _model_page(shown: ModelPage) -> str:
    from promotion.report.plots.history import HOW_TO_READ, metric_pictures, newest, timeline_picture

    of = shown.of
    return render(
        "site_model.html",
        "search.js",
        page=shown,
        pictures=(
            *((timeline_picture(of.champion_periods, until=of.entries[-1].at),) if of.champion_periods else ()),
            *metric_pictures(of.metric_history, of.champion_periods),
        ),
        numbers=decisions_table(newest(of.metric_history), shown.links),
        how_to_read=HOW_TO_READ if of.metric_history else "",
        events=tuple(events(of, shown.links))[::-1],
        kinds=tuple(WORDS.values()),
        colophon=f"Made by `promotion report --site` from the ledger to entry {of.state.seq} ({of.state.hash[:12]}).",
    )


def _index(heads: Sequence[Head | None], told: Sequence[Summary], now: datetime, health: Sequence[str]) -> _Page:
    return _Page(
        name="index.html",
        made_of=[
            f"{now:%Y-%m-%d}",
            [[one.standing.model, head.hash if head else GENESIS] for head, one in zip(heads, told, strict=True)],
            list(health),
        ],
        draw=lambda: render(
            "site_index.html",
            "search.js",
            standings=tuple(one.standing for one in told),
            health=health,
            recent=newest_decisions(found for one in told for found in one.recent),
            index=[found for one in told for found in one.search],
            newest=next((one.share // 2 for one in told if one.cut), None),
            colophon=f"Made by `promotion report --site` from the ledger as of {now:%Y-%m-%d %H:%M} UTC.",
        ),
    )


@cache
def _drawing() -> str:
    """Return a digest of all drawing code, so that another release redraws every page."""
    room = Path(__file__).parent.parent
    sources = sorted(path for path in room.rglob("*") if path.suffix in {".py", ".html", ".css", ".js"})
    return digest([[str(path.relative_to(room)), sha256(path.read_bytes()).hexdigest()] for path in sources])


def _made(folder: Path) -> Path:
    """Create the folder if it is missing, and return it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "it is a file" if folder.is_file() else error.strerror or str(error)
        message = f"The site cannot be written to {folder} ({why}). Give --site a folder, or the name of a new one."
        raise Unwritable(message) from error
    return folder
