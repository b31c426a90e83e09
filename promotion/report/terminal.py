"""Pages at a terminal, rendered with Rich."""

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from promotion.report.page import Page, Table, Tone, Words
from promotion.visible import visible

_STYLES = {Tone.PLAIN: "", Tone.GOOD: "green", Tone.BAD: "red", Tone.UNSURE: "yellow", Tone.QUIET: "dim"}
_BLANK = Text("")


def page_view(*pages: Page) -> RenderableType:
    """Return the pages, one below the other."""
    return Group(*(part for place, page in enumerate(pages) for part in ((_BLANK,) if place else ()) + _parts(page)))


def _parts(page: Page) -> tuple[RenderableType, ...]:
    parts: list[RenderableType] = []
    if page.verdict.text or page.headline:
        gap = "  " if page.verdict.text and page.headline else ""
        verdict = (visible(page.verdict.text), f"bold {_STYLES[page.verdict.tone]}".strip())
        parts.append(Text.assemble(verdict, gap, (visible(page.headline), "" if page.verdict.text else "bold")))
    parts.extend(Text(visible(sentence)) for sentence in page.summary)
    for table in page.tables:
        if table.rows:
            parts.extend((_BLANK, _table(table)) if parts else (_table(table),))
    parts.extend((_BLANK, *map(_text, page.notes)) if page.notes else ())
    return tuple(parts)


def _table(table: Table) -> RichTable:
    from rich import box

    titled = any(column.title for column in table.columns)
    shown = RichTable(
        box=box.SIMPLE_HEAD if titled else None,
        show_header=titled,
        pad_edge=False,
        show_edge=False,
        title=Text(visible(table.title), style="bold") if table.title else None,
        title_justify="left",
    )
    for column in table.columns:
        shown.add_column(
            Text(visible(column.title)), justify=column.align.value, no_wrap=not column.wraps, overflow="fold"
        )
    for cells in table.rows:
        shown.add_row(*map(_text, cells))
    return shown


def _text(words: Words) -> Text:
    return Text(visible(words.text), style=_STYLES[words.tone])
