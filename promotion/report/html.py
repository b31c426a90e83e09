"""Documents as HTML: self-contained files that can be read without scripts.

A script adds what only a browser knows or does: how long ago each time was, and buttons that copy
ids and commands.

Templates lie in `promotion/report/templates/`: `base.html` is the frame of every page (style, landmarks, skip link),
`parts.html` holds macros for words, tables, pages and pictures, `document.html` fills them from a `Document`. Other
kinds of pages extend `base.html` and are rendered by `render`.
"""

import math
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from promotion.report.page import Align, Document, Table, Words
from promotion.report.palette import PALETTE
from promotion.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

GENERATOR = '<meta name="generator" content="promotion">'
"""Identifies a page that `promotion` wrote."""

ORIGIN = "<!-- drawn by promotion -->"
"""Start of a drawing that is a file of its own."""

_CODE = re.compile(r"`([^`\n]+)`")
_PERCENT = re.compile(r"(?<=\d) %")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d( UTC)?")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d(?::\d\d)?)(?: UTC\b|(?<=^.{16})$)")
_FEW = 4
_HEATS = 3
_UNSAFE = re.compile(r"[^a-z0-9]+")
_FOLD = re.compile(r"(?<=[^\s:]{3}:)(?=[^\s:/]{8})")
"""A place for a line break: after the colon of `fraud_classifier:za2wh5xjwg6pkax4`, not in `toy:good` or an address."""
_WHOLE = 20
"""Characters of a word that a table cell keeps on one line: enough for a version and for the name of a metric."""


def page_html(document: Document) -> str:
    """Render the document as one HTML file; the same document always gives the same text."""
    return render("document.html", document=document)


def render(template: str, *scripts: str, **values: Any) -> str:
    """Render a template of `promotion/report/templates/` with escaped values; ends with a newline.

    Args:
        template: name of the template.
        scripts: names of further scripts there that the page may run.
        values: what the template shows.
    """
    script = _script(*scripts)
    named = f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"
    page = {"palette": PALETTE, "generator": GENERATOR, "script": script, "script_digest": named}
    return environment().get_template(template).render(**page, **values).rstrip() + "\n"


@cache
def _script(*further: str) -> str:
    """Return the text of the only script that a page may run; the page names its digest."""
    room = files("promotion.report") / "templates"
    return "".join((room / name).read_text("utf-8") for name in ("page.js", *further))


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
    made.filters.update(
        words=words, anchor=anchor, titled=titled, stacked=stacked, moment=moment, svg=Markup, heat=heat, long=long
    )
    return made


def _as_seen(value: Any) -> Any:
    """Make invisible characters of plain text visible; `Markup` was made from visible text."""
    return visible(value) if type(value) is str else value


def words(text: str) -> "Markup":
    """Render text with backtick spans as code and times as `<time>`, and keep every `%` on the line of its number."""
    from markupsafe import Markup

    parts = _CODE.split(_PERCENT.sub("\u00a0%", visible(text)))
    return Markup("").join(
        Markup("<code>{}</code>").format(_foldable(part)) if place % 2 else _timed(_foldable(part))
        for place, part in enumerate(parts)
    )


def _foldable(text: str) -> "Markup":
    """Escape text, and let a browser break the lines of tags: `fraud_classifier:<wbr>za2wh5xjwg6pkax4`."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(map(escape, _FOLD.split(text)))


def _timed(text: "Markup") -> "Markup":
    """Mark the times in escaped text: those that are followed by UTC, and a text that is a time to the minute."""
    from markupsafe import Markup

    return Markup(_STAMP.sub(_time, text))  # noqa: S704 - escaped before, and digits


def _time(found: re.Match[str]) -> str:
    return f'<time datetime="{found[1]}T{found[2]}Z">{found[0]}</time>'


def anchor(title: str) -> str:
    """Return the anchor of a heading: `Data and models` becomes `data-and-models`."""
    return _UNSAFE.sub("-", title.lower()).strip("-") or "part"


def titled(table: Table) -> bool:
    """Whether the columns have titles; if not, the first cell of each row is its header."""
    return any(column.title for column in table.columns)


def moment(text: str) -> bool:
    """Whether the text is a date and time, which must not wrap."""
    return bool(_MOMENT.fullmatch(text))


def long(text: str) -> bool:
    """Whether the text contains a word that a table cell may break anywhere, because it is long."""
    return any(len(part) > _WHOLE for word in text.split() for part in _FOLD.split(word))


def heat(words: Words) -> str:
    """Return the CSS class of the colour behind a number: `worse3` to `better3`; empty for none."""
    step = math.ceil(abs(words.heat) * _HEATS - 0.5)
    return f"{'better' if words.heat > 0 else 'worse'}{step}" if step else ""


def stacked(table: Table) -> bool:
    """Whether a phone shows each row's last cell, which is a sentence, below the others."""
    last = table.columns[-1]
    return titled(table) and 2 < len(table.columns) <= _FEW and last.wraps and last.align is Align.LEFT  # noqa: PLR2004 - two need no more room
