"""Fold text to a width: at spaces, between wide characters, and never inside a tag, ID or command in backquotes."""

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from promotion.report.page import Page
from promotion.visible import visible

_NAME = r"[\w.+-]{1,64}"
_UNIT = re.compile(rf"(?<![\w.+-]){_NAME}(?::{_NAME})?(?![\w.+-])|.", re.ASCII | re.DOTALL)
"""A name, an ID or a tag (names and versions have at most 63 characters, digests 64), or any other character."""
_COMMAND = re.compile(r"`promotion [^`]*`")
_WORD = re.compile(rf"(?:{_COMMAND.pattern}|`[^`]*`(?!promotion )|[^ ])+|(?<= )(?= )")
"""What spaces separate; a command in backquotes contains spaces, and can be copied only if it stays in one line.

A single backquote in somebody's reason does not pair with that of a command.
"""
_OPENS, _CLOSES = "'\"`([", "'\"`)]:;,.!?"


def folded(text: str, width: int, *, indent: int = 0, strict: bool = False) -> Sequence[str]:
    """Return the lines of a text, each at most `width` cells wide unless it is one tag, ID or command that is wider.

    Lines after the first begin with `indent` spaces, or like the first. If `strict`, as in a column
    of a table, divides a command that is wider.

    >>> folded("os:alice rolled back from toy:tuesday", 14)
    ['os:alice', 'rolled back', 'from', 'toy:tuesday']
    """
    if cell_len(text) <= width:
        return [text]
    words = text.lstrip(" ")
    lines = [" " * (len(text) - len(words))]
    further = " " * indent or lines[0]
    for word in _words(words, width - len(further), strict=strict):
        for place, unit in enumerate(_units(word, width - len(further))):
            gap = " " if place == 0 and lines[-1].strip() else ""
            if lines[-1].strip() and cell_len(lines[-1] + gap + unit) > width:
                lines.append(further + unit)
            else:
                lines[-1] += gap + unit
    return lines


def sentence_lines(pages: Sequence[Page], width: int) -> Sequence[str] | None:
    """Return the lines of pages that contain nothing but sentences; None for others, which Rich draws.

    Rich takes a tenth of a short command to import, and a sentence has neither a column nor a colour.
    """
    if any(page != Page(summary=page.summary) for page in pages):
        return None
    parts = [[line for text in page.summary for line in folded(visible(text), width)] for page in pages]
    return [line.rstrip(" ") for place, part in enumerate(filter(None, parts)) for line in (*[""][: place > 0], *part)]


def narrowest(text: str, word: int) -> int:
    """Return the least width that `folded` needs without dividing words of up to `word` cells."""
    return max(map(cell_len, (unit for part in text.split(" ") for unit in _units(part, word))), default=0)


def _words(text: str, width: int, *, strict: bool) -> Iterator[str]:
    for word in _WORD.findall(text):
        whole = cell_len(word) <= width or (_COMMAND.search(word) and not strict)
        yield from (word,) if whole else word.split(" ")


def _units(word: str, width: int) -> Iterator[str]:
    """Yield the word if it fits into a line, else the units that it can be divided into, with their punctuation."""
    if cell_len(word) <= width or _COMMAND.search(word):
        yield word
        return
    before = ""
    for unit in _UNIT.findall(word):
        joins = before and (before in _OPENS or unit in _CLOSES)
        if joins and cell_len(before + unit) <= width:
            before += unit
        else:
            yield from filter(None, (before,))
            before = unit
    yield before
