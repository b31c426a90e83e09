"""Write the site: redraws changed pages, keeps unchanged ones, and leaves other files in the folder alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.canonical import digest
from promotion.errors import LedgerError
from promotion.ledger.state import State
from promotion.progress import Progress, counted
from promotion.report.decision_report import Recorded, decision_document, places_of, recorded_with
from promotion.report.html import page_html, render
from promotion.report.links import Links, decision_page_name, links_of, model_page_name
from promotion.report.metric_history import decisions_table
from promotion.report.output_files import Unwritable, refuse_others, write_own
from promotion.report.site.drawing import in_processes
from promotion.report.site.events import WORDS, events, search_index
from promotion.report.site.model_history import ModelHistory, model_history
from promotion.report.site.model_page import ModelPage
from promotion.report.site.overview import recent, standing

if TYPE_CHECKING:
    from promotion.registry.registry import Registry

Health = Callable[[Sequence[State]], Sequence[str]]
WayBack = Callable[[State], Sequence[str]]
_MARK = "<!-- drawn from {key} -->\n"
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

    def put(self, pages: Iterable[_Page], progress: Progress) -> None:
        """Write the files that are not up to date."""
        due = list[_Page]()
        for page in pages:
            up_to_date = _ends_with(self.folder / page.name, page.mark)
            self.kept += [page.name] if up_to_date else []
            due += [] if up_to_date else [page]
        reports = [page for page in due if page.is_report]
        with in_processes([page.draw for page in reports]) as texts:
            for page in (page for page in due if not page.is_report):
                self._write(page, page.draw())
            for page, text in zip(counted(progress, "Drawing the reports", reports, len(reports)), texts, strict=True):
                self._write(page, text)
        self.drawn += [page.name for page in due]

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

    Other files in `folder` stay. `health` returns sentences on the most urgent problems of models,
    and is called with one model at a time. `way_back` returns lines on how to roll a model back, as
    `promotion status` shows them. `now` is the time at which the registry is read.

    Raises:
        Unwritable: the path is not a folder or not writable, or holds another file with the name of
            a page.
    """
    done = SiteWritten(_made(folder))
    told: list[ModelHistory] = []
    progress = registry.parts.progress
    models = registry.models()
    for model in counted(progress, "Reading the ledger", models, len(models)):
        try:
            told.append(model_history(model, tuple(registry.history(model))))
        except LedgerError as error:
            done.unread.append(str(error))
    links = links_of(registry.config, within_site=True)
    shown = [
        ModelPage(of=one, links=links, health=tuple(health([one.state])), way_back=tuple(way_back(one.state)))
        for one in told
    ]
    warnings = dict.fromkeys((*done.unread, *(sentence for one in shown for sentence in one.health)))
    index = _index(told, now.astimezone(UTC), tuple(warnings))
    pages = [*(page for one in shown for page in _pages(one)), index]
    for page in pages:
        refuse_others(done.folder / page.name, instead=_INSTEAD)  # check all files before writing any
    done.put(pages, progress)
    return done


def _pages(shown: ModelPage) -> Iterator[_Page]:
    """Yield the pages of one model: the report of each decision, and its own page."""
    of, links = shown.of, shown.links
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
    made_of = [of.model, of.state.seq, of.state.hash, shown.health, shown.way_back, vars(links)]
    yield _Page(name=model_page_name(of.model), made_of=made_of, draw=partial(_model_page, shown))


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


def _index(told: Sequence[ModelHistory], now: datetime, health: Sequence[str]) -> _Page:
    standings = tuple(map(standing, told))
    return _Page(
        name="index.html",
        made_of=[f"{now:%Y-%m-%d}", [[of.model, of.state.hash] for of in told], list(health)],
        draw=lambda: render(
            "site_index.html",
            "search.js",
            standings=standings,
            health=health,
            recent=recent(told),
            index=[found for of in told for found in search_index(of, Links(site=""))],
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


def _ends_with(path: Path, mark: bytes) -> bool:
    """Whether the file exists and ends with the mark."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - len(mark)))
        return file.read() == mark
