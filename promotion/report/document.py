"""A document: pages and pictures under headings, without how it looks. `promotion.report.html` renders it."""

from dataclasses import dataclass, field

from promotion.report.page import Page


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawing that stands in the text.

    Attributes:
        svg: an `<svg>` element that needs nothing from elsewhere; trusted, as `promotion.report.plots` made it.
        caption: what a reader may want to know who sees it.
        wide: whether it takes the whole width; else two stand side by side where there is room.
    """

    svg: str
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a document: its pictures, then the page's sentences, tables and notes.

    Attributes:
        title: its heading; unique within the document, since links lead to it.
        page: what is said.
        pictures: what is shown.
        folded: whether it is closed until a reader opens it; never so in print.
    """

    title: str
    page: Page = field(default_factory=Page)
    pictures: tuple[Picture, ...] = ()
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Document:
    """What a reader opens.

    Attributes:
        title: what the browser's tab says.
        kind: the small line above the heading, e.g. `Decision report`.
        lead: verdict and headline (together the heading), and the sentences that a person wants first.
        sections: the rest, each under its heading.
        colophon: what made it, and from what; the last line.
    """

    title: str
    kind: str
    lead: Page
    sections: tuple[Section, ...] = ()
    colophon: str = ""
