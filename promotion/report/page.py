"""A page: what is to be said of something, without how it looks. Terminal and Markdown render the same page."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How words are meant, so that a rendering can colour them."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"
    QUIET = "quiet"


class Align(StrEnum):
    """Words stand left, numbers right."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class Words:
    """A piece of text and its tone; a span in backticks is code. `link` is where it leads, on pages that have links."""

    text: str
    tone: Tone = Tone.PLAIN
    link: str = ""


@dataclass(frozen=True)
class Column:
    """The head of a column; `wraps` says that its cells may take several lines where it is narrow."""

    title: str
    align: Align = Align.LEFT
    wraps: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of cells, each row as long as there are columns; `title` may be empty."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Words, ...], ...]
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Verdict first, then the line that decided, then the tables.

    Attributes:
        verdict: one or few words; empty text where nothing is judged.
        headline: what it is about.
        summary: the sentences that a person wants first.
        tables: the numbers; those without rows are left out.
        notes: what one may want to know besides.
    """

    verdict: Words = Words("")
    headline: str = ""
    summary: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[Words, ...] = ()


def left(*titles: str) -> tuple[Column, ...]:
    """Columns of words."""
    return tuple(Column(title) for title in titles)


def right(*titles: str) -> tuple[Column, ...]:
    """Columns of numbers."""
    return tuple(Column(title, Align.RIGHT, wraps=False) for title in titles)


def row(*cells: str | Words) -> tuple[Words, ...]:
    """A row; what is no `Words` yet is plain."""
    return tuple(cell if isinstance(cell, Words) else Words(cell) for cell in cells)


def quiet(*notes: str) -> tuple[Words, ...]:
    """Notes of little weight; empty ones are left out."""
    return tuple(Words(note, Tone.QUIET) for note in notes if note)
