"""Write the site: redraws changed pages, keeps unchanged ones, and leaves other files in the folder alone."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.canonical import digest
from promotion.errors import LedgerError
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement
from promotion.ledger.state import State
from promotion.report.decision_report import Recorded, decision_document
from promotion.report.html import page_html, render
from promotion.report.own_files import Unwritable, refuse_others, write_own
from promotion.report.site.chronicle import Chronicle, chronicle, decision_page_name, model_page_name
from promotion.report.site.events import WORDS, events, search_index
from promotion.report.site.overview import champion_periods_table, model_lead, recent, standing, versions_rows

if TYPE_CHECKING:
    from promotion.registry.registry import Registry

Health = Callable[[Sequence[State]], Sequence[str]]
_MARK = "<!-- drawn from {key} -->\n"
_INSTEAD = "Give --site a folder of its own."


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A file of the site: its name, the data it depends on, and the function that draws it."""

    name: str
    made_of: object
    draw: Callable[[], str]


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

    def put(self, page: _Page) -> None:
        """Write a file, unless it is up to date."""
        mark = _MARK.format(key=digest([_drawing(), page.made_of])).encode()
        path = self.folder / page.name
        if _ends_with(path, mark):
            self.kept.append(page.name)
        else:
            write_own(path, page.draw().encode() + mark, instead=_INSTEAD)
            self.drawn.append(page.name)


def write_site(registry: "Registry", folder: Path, *, now: datetime, health: Health = lambda _: ()) -> SiteWritten:
    """Write or update the site of every model.

    Args:
        registry: the registry to show; only its entries are read.
        folder: the target folder, created if missing; files that do not belong to the site stay.
        now: the time that ages are relative to.
        health: returns sentences on the models' most urgent problems.

    Raises:
        Unwritable: the path is not a folder or not writable, or holds another file with the name of a page.
    """
    done = SiteWritten(_made(folder))
    told: list[Chronicle] = []
    for model in registry.models():
        try:
            told.append(chronicle(model, registry.history(model)))
        except LedgerError as error:
            done.unread.append(str(error))
    warnings = health([one.state for one in told])
    index = _index(told, now.astimezone(UTC), (*done.unread, *warnings))
    pages = [*(page for one in told for page in _pages(one)), index]
    for page in pages:
        refuse_others(done.folder / page.name, instead=_INSTEAD)  # check all files before writing any
    for page in pages:
        done.put(page)
    return done


def _pages(of: Chronicle) -> Iterator[_Page]:
    """Yield the pages of one model: the report of each decision, and its own page."""
    last = {judgement.decision_digest: seq for seq, judgement in of.decisions.items()}  # a decision can recur
    for seq in last.values():
        judgement = of.decisions[seq]
        entry, followed = of.entries[seq - 1], of.followed[seq]
        version = of.state.versions[judgement.tag]
        still = [version.stage, version.decided_seq == seq] if judgement.decision.waits else None
        yield _Page(
            name=decision_page_name(judgement.decision_digest),
            made_of=[entry.hash, [one.hash for one in followed], still],
            draw=partial(_report, of, entry, judgement, followed),
        )
    made_of = [of.model, of.state.seq, of.state.hash]
    yield _Page(name=model_page_name(of.model), made_of=made_of, draw=partial(_model_page, of))


def _report(of: Chronicle, entry: Entry, judgement: Judgement, followed: tuple[Entry, ...]) -> str:
    found = Recorded(entry=entry, judgement=judgement, versions=of.state.versions, followed=followed)
    return page_html(decision_document(found))


def _model_page(of: Chronicle) -> str:
    from promotion.report.plots.history import HOW_TO_READ, metric_pictures, timeline_picture

    return _page(
        "site_model.html",
        lead=model_lead(of),
        pictures=(
            *((timeline_picture(of.champion_periods, until=of.entries[-1].at),) if of.champion_periods else ()),
            *metric_pictures(of.metric_history),
        ),
        how_to_read=HOW_TO_READ if of.metric_history else "",
        champion_periods=champion_periods_table(of),
        versions=versions_rows(of),
        events=tuple(events(of)),
        kinds=tuple(WORDS.values()),
        colophon=f"Made by `promotion report --site` from the ledger to entry {of.state.seq} ({of.state.hash[:12]}).",
    )


def _index(told: Sequence[Chronicle], now: datetime, health: Sequence[str]) -> _Page:
    standings = tuple(standing(of, now) for of in told)
    return _Page(
        name="index.html",
        made_of=[[one.age for one in standings], [[of.model, of.state.hash] for of in told], list(health)],
        draw=lambda: _page(
            "site_index.html",
            standings=standings,
            health=health,
            recent=recent(told),
            index=[found for of in told for found in search_index(of)],
            colophon=f"Made by `promotion report --site` from the ledger as of {now:%Y-%m-%d %H:%M} UTC.",
        ),
    )


def _page(template: str, **values: object) -> str:
    script = _script()
    named = f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"
    return render(template, script=script, script_digest=named, **values)


@cache
def _script() -> str:
    return (files("promotion.report") / "templates" / "search.js").read_text("utf-8")


@cache
def _drawing() -> str:
    """Return a digest of all drawing code, so that another release redraws every page."""
    room = Path(__file__).parent.parent
    sources = sorted(path for path in room.rglob("*") if path.suffix in {".py", ".html", ".css", ".js"})
    return digest([[str(path.relative_to(room)), sha256(path.read_bytes()).hexdigest()] for path in sources])


def _made(folder: Path) -> Path:
    """Create the folder if it is missing, and return it.

    Raises:
        Unwritable: it is not a folder and cannot be created.
    """
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
