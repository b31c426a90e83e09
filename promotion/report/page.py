"""A page: content without layout. Terminal, Markdown and HTML render the same page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from promotion.number_format import counted as counted


class Tone(StrEnum):
    """The meaning of words, which a renderer may show as colour."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"
    QUIET = "quiet"


class Align(StrEnum):
    """Alignment of a column: words left, numbers right."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class Words:
    """A piece of text and its tone. Backtick spans are code. HTML pages alone show what the other fields add.

    Attributes:
        text: what every page shows.
        tone: its meaning.
        link: target of a link; empty if there is none.
        copy: what a button beside it copies, e.g. the whole of a shortened id; empty if there is no
            button.
        heat: colour behind a number, from -1 (worst) through 0 (none) to 1 (best).
    """

    text: str
    tone: Tone = Tone.PLAIN
    link: str = ""
    copy: str = ""
    heat: float = 0.0


@dataclass(frozen=True)
class Column:
    """The header of a column; `wraps` allows its cells several lines on narrow pages."""

    title: str
    align: Align = Align.LEFT
    wraps: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of cells, one cell per column.

    Attributes:
        columns: the headers.
        rows: the cells.
        title: its title; may be empty.
        first: number of rows that an HTML page shows at once; it folds the others. None for all.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Words, ...], ...]
    title: str = ""
    first: int | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """Verdict first, then the deciding line, then the tables.

    Attributes:
        verdict: a few words; empty if nothing is judged.
        headline: the subject of the page.
        summary: the sentences that matter most.
        tables: the numbers; renderers skip tables without rows.
        notes: further remarks.
    """

    verdict: Words = Words("")
    headline: str = ""
    summary: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[Words, ...] = ()


def left(*titles: str) -> tuple[Column, ...]:
    """Return columns for words."""
    return tuple(Column(title) for title in titles)


def right(*titles: str) -> tuple[Column, ...]:
    """Return columns for numbers."""
    return tuple(Column(title, Align.RIGHT, wraps=False) for title in titles)


def row(*cells: str | Words) -> tuple[Words, ...]:
    """Return a row; strings become plain `Words`."""
    return tuple(cell if isinstance(cell, Words) else Words(cell) for cell in cells)


def quiet(*notes: str) -> tuple[Words, ...]:
    """Return notes in a quiet tone, without empty ones."""
    return tuple(Words(note, Tone.QUIET) for note in notes if note)


def some(names: Sequence[str], limit: int = 3) -> str:
    """List the first few names, and the number of others."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit:,} more" if len(names) > limit else shown


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawing in the text.

    Attributes:
        svg: a self-contained `<svg>` element; trusted, because `promotion.report.plots` made it.
        caption: explains the drawing to readers who see it.
        wide: whether it takes the full width; otherwise two pictures stand side by side if there is
            room.
        numbers: the values in it, for readers who cannot see it or point at it; folded.
    """

    svg: str
    caption: str = ""
    wide: bool = False
    numbers: Table | None = None


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a document: its pictures, then the page's sentences, tables and notes.

    Attributes:
        title: its heading; unique within the document, because links refer to it.
        page: the text and tables.
        pictures: the drawings.
        folded: whether it is collapsed until a reader opens it; print always shows it.
    """

    title: str
    page: Page = field(default_factory=Page)
    pictures: tuple[Picture, ...] = ()
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document for a reader.

    Attributes:
        title: the title of the browser tab.
        kind: the small line above the heading, e.g. `Decision report`.
        lead: verdict and headline (together the heading), and the sentences that matter most.
        sections: the other parts, each under its heading.
        colophon: the last line: what made the document, and from what.
        trail: the pages above this one, outermost first, each with its link; empty if it stands
            alone.
    """

    title: str
    kind: str
    lead: Page
    sections: tuple[Section, ...] = ()
    colophon: str = ""
    trail: tuple[Words, ...] = ()
