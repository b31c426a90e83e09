"""A page: content without layout. Terminal, Markdown and HTML render the same page."""

from collections.abc import Sequence
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
    """A piece of text and its tone. Backtick spans are code; `link` is its target on pages that have links."""

    text: str
    tone: Tone = Tone.PLAIN
    link: str = ""


@dataclass(frozen=True)
class Column:
    """The header of a column; `wraps` allows its cells several lines on narrow pages."""

    title: str
    align: Align = Align.LEFT
    wraps: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of cells, one cell per column; `title` may be empty."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Words, ...], ...]
    title: str = ""


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


def counted(number: int, name: str) -> str:
    """Return `1 model` or `1,200 models`."""
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def some(names: Sequence[str], limit: int = 3) -> str:
    """List the first few names, and the number of others."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit:,} more" if len(names) > limit else shown
