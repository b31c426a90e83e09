"""Pages at a terminal, rendered with Rich: a table where it fits the width, else lines `title: value`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from promotion.report.folding import folded, narrowest
from promotion.report.page import Column, Page, Table, Tone, Words
from promotion.visible import visible

_STYLES = {Tone.PLAIN: "", Tone.GOOD: "green", Tone.BAD: "red", Tone.UNSURE: "yellow", Tone.QUIET: "dim"}
_BLANK = Text("")
_INDENT, _BETWEEN_COLUMNS = 2, 2
_LEGIBLE, _SENTENCE = 24, 40
"""Words and sentences in narrower columns are harder to read than lines `title: value`."""

_Cells = Sequence[Sequence[Words]]


def page_view(*pages: Page) -> RenderableType:
    """Return the pages, one below the other, folded to the width of the console that prints them."""
    return _View(pages)


@dataclass(frozen=True)
class _View:
    pages: Sequence[Page]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        shown = filter(None, (tuple(_parts(page, options.max_width)) for page in self.pages))
        for place, parts in enumerate(shown):
            yield from (_BLANK,) if place else ()
            yield from parts


def _parts(page: Page, width: int) -> Iterator[RenderableType]:
    """Yield the lead, the tables and the notes, with a blank line between them."""
    lead: list[RenderableType] = [
        *_head(page, width),
        *(line for text in page.summary for line in _lines(Words(text), width)),
    ]
    tables = (_table(table, width) for table in page.tables if table.rows)
    notes: list[RenderableType] = [line for note in page.notes for line in _lines(note, width)]
    parts = [part for part in (lead, *tables, notes) if part]
    for place, part in enumerate(parts):
        yield from (_BLANK,) if place else ()
        yield from part


def _head(page: Page, width: int) -> Iterator[Text]:
    verdict, headline = visible(page.verdict.text), visible(page.headline)
    words = "  ".join(filter(None, (verdict, headline)))
    for place, line in enumerate(folded(words, width) if words else ()):
        text = _whole(line, "" if verdict else "bold")
        if place == 0 and verdict:
            text.stylize(f"bold {_STYLES[page.verdict.tone]}".strip(), 0, len(verdict))
        yield text


def _lines(words: Words, width: int) -> Iterator[Text]:
    return (_whole(line, _STYLES[words.tone]) for line in folded(visible(words.text), width))


def _table(table: Table, width: int) -> list[RenderableType]:
    """Return a title and its table, or what replaces it on a narrow terminal."""
    rows = [tuple(Words(visible(cell.text), cell.tone) for cell in cells) for cells in table.rows]
    title = [_whole(line, "bold") for line in folded(visible(table.title), width)] if table.title else []
    if not any(column.title for column in table.columns):
        return [*title, *_facts(rows, width)]
    widths = _widths(table.columns, rows, width)
    return [*title, *((_grid(table.columns, rows, widths),) if widths else _blocks(table.columns, rows, width))]


def _widths(columns: Sequence[Column], rows: _Cells, width: int) -> Sequence[int]:
    """Return the width of each column; empty if the table does not fit."""
    among = [(visible(column.title), *(cells[place].text for cells in rows)) for place, column in enumerate(columns)]
    found = [max(map(cell_len, texts)) for texts in among]
    least = [
        _least(texts, natural) if column.wraps else natural
        for column, natural, texts in zip(columns, found, among, strict=True)
    ]
    excess = sum(found) + _BETWEEN_COLUMNS * (len(columns) - 1) - width
    if sum(found) - excess < sum(least):
        return ()
    for _ in range(excess):
        widest = max(range(len(found)), key=lambda place: (found[place] > least[place], found[place]))
        found[widest] -= 1
    return found


def _least(texts: Sequence[str], natural: int) -> int:
    """Return the least legible width of a column of words that is `natural` wide."""
    legible = _LEGIBLE if natural <= 2 * _SENTENCE else _SENTENCE
    return max(min(natural, legible), *(narrowest(text, legible) for text in texts))


def _grid(columns: Sequence[Column], rows: _Cells, widths: Sequence[int]) -> RichTable:
    from rich import box

    shown = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column, width in zip(columns, widths, strict=True):
        title = _in_column(Words(visible(column.title)), width)
        shown.add_column(title, justify=column.align.value, no_wrap=True, width=width)
    for cells in rows:
        shown.add_row(*(_in_column(cell, width) for cell, width in zip(cells, widths, strict=True)))
    return shown


def _in_column(cell: Words, width: int) -> Text:
    """Return a cell that is folded here, and that Rich only justifies."""
    return Text("\n".join(folded(cell.text, width, strict=True)), style=_STYLES[cell.tone])


def _blocks(columns: Sequence[Column], rows: _Cells, width: int) -> Iterator[Text]:
    """Yield one block per row, with a line for each cell that is not empty."""
    for place, cells in enumerate(rows):
        yield from (_BLANK,) if place else ()
        for column, cell in zip(columns, cells, strict=True):
            if cell.text:
                yield from _named(Words(visible(column.title), Tone.QUIET), cell, width)


def _facts(rows: _Cells, width: int) -> Iterator[Text]:
    """Yield names and values, side by side where the width allows it."""
    indent = max(cell_len(name.text) for name, _ in rows) + _INDENT
    for name, value in rows:
        beside = folded(value.text, width - indent) if width - indent >= _LEGIBLE else ()
        if not beside or max(map(cell_len, beside)) + indent > width:
            yield from _named(name, value, width)
            continue
        for place, line in enumerate(beside):
            label = name.text if place == 0 else ""
            gap = " " * (indent - cell_len(label))
            yield _labelled(label + gap, name.tone, label + gap + line, value.tone)


def _named(name: Words, value: Words, width: int) -> Iterator[Text]:
    """Yield `name: value`, with further lines indented."""
    label = f"{name.text}:"
    for place, line in enumerate(folded(f"{label} {value.text}", width, indent=_INDENT)):
        yield _labelled(label if place == 0 else "", name.tone, line, value.tone)


def _labelled(label: str, tone: Tone, line: str, value: Tone) -> Text:
    """Return a line that begins with a label, each in its tone."""
    text = _whole(line, "")
    text.stylize(_STYLES[tone], 0, len(label))
    text.stylize(_STYLES[value], len(label))
    return text


def _whole(line: str, style: str) -> Text:
    """Return a line that Rich does not fold."""
    return Text(line, style=style, no_wrap=True, overflow="ignore")
