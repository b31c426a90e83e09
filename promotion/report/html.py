"""Documents as HTML: self-contained files that can be read without scripts.

Templates lie in `promotion/report/templates/`: `base.html` is the frame of every page (style, landmarks, skip link),
`parts.html` holds macros for words, tables, pages and pictures, `document.html` fills them from a `Document`. Other
kinds of pages extend `base.html` and are rendered by `render`.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from promotion.report.page import Align, Document, Table
from promotion.report.palette import PALETTE
from promotion.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

GENERATOR = '<meta name="generator" content="promotion">'
"""Identifies a page that `promotion` wrote."""

_CODE = re.compile(r"`([^`\n]+)`")
_PERCENT = re.compile(r"(?<=\d) %")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d( UTC)?")
_FEW = 4
_UNSAFE = re.compile(r"[^a-z0-9]+")


def page_html(document: Document) -> str:
    """Render the document as one HTML file; the same document always gives the same text."""
    return render("document.html", document=document)


def render(template: str, **values: Any) -> str:
    """Render a template of `promotion/report/templates/` with escaped values; ends with a newline."""
    drawn = environment().get_template(template).render(palette=PALETTE, generator=GENERATOR, **values)
    return drawn.rstrip() + "\n"


@cache
def environment() -> "Environment":
    """Return the template environment with the filters below; escapes everything except `Markup`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=PackageLoader("promotion.report"),
        autoescape=True,
        finalize=_as_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(words=words, anchor=anchor, titled=titled, stacked=stacked, moment=moment, svg=Markup)
    return made


def _as_seen(value: Any) -> Any:
    """Make invisible characters of plain text visible; `Markup` was made from visible text."""
    return visible(value) if type(value) is str else value


def words(text: str) -> "Markup":
    """Render text with backtick spans as code, and keep every `%` on the line of its number."""
    from markupsafe import Markup, escape

    parts = _CODE.split(_PERCENT.sub("\u00a0%", visible(text)))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def anchor(title: str) -> str:
    """Return the anchor of a heading: `Data and models` becomes `data-and-models`."""
    return _UNSAFE.sub("-", title.lower()).strip("-") or "part"


def titled(table: Table) -> bool:
    """Whether the columns have titles; if not, the first cell of each row is its header."""
    return any(column.title for column in table.columns)


def moment(text: str) -> bool:
    """Whether the text is a date and time, which must not wrap."""
    return bool(_MOMENT.fullmatch(text))


def stacked(table: Table) -> bool:
    """Whether a phone shows each row's last cell, which is a sentence, below the others."""
    last = table.columns[-1]
    return titled(table) and 2 < len(table.columns) <= _FEW and last.wraps and last.align is Align.LEFT  # noqa: PLR2004 - two need no more room
