"""Pages as GitHub-flavoured Markdown, for pull requests and chat."""

import re
from collections.abc import Iterable

from promotion.report.page import Align, Page, Table
from promotion.visible import escaped

_RULES = {Align.LEFT: "---", Align.RIGHT: "--:"}
_BEGINS_A_BLOCK = re.compile(r"^(\d+(?=[.)])|(?=[#>+=~-]))")


def page_markdown(*pages: Page) -> str:
    """Render the pages, one below the other; ends with a newline."""
    return "\n\n".join(block for page in pages for block in _blocks(page)) + "\n"


def _blocks(page: Page) -> Iterable[str]:
    head = ": ".join(filter(None, (page.verdict.text, page.headline)))
    if head:
        yield f"### {escaped(head)}"
    yield from map(_block, page.summary)
    yield from (_table(table) for table in page.tables if table.rows)
    if page.notes:
        yield "\n".join(f"- {_block(note.text)}" for note in page.notes)


def _table(table: Table) -> str:
    lines = [
        _line(column.title for column in table.columns),
        f"| {' | '.join(_RULES[column.align] for column in table.columns)} |",
        *(_line(cell.text for cell in cells) for cells in table.rows),
    ]
    return "\n".join(([f"**{escaped(table.title)}**", ""] if table.title else []) + lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """Escape pipes, which end a cell even in code."""
    return escaped(text).replace("|", "\\|")


def _block(text: str) -> str:
    """Return a paragraph, escaped so that its start does not make it a heading or a list."""
    return _BEGINS_A_BLOCK.sub(r"\1\\", escaped(text))
