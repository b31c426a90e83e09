"""A page: content without layout. Terminal, Markdown and HTML render the same page."""

from dataclasses import dataclass
from enum import StrEnum


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
        copy: what a button beside it copies, e.g. the whole of a shortened id; empty if there is no button.
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
