"""A document: pages and pictures under headings, without layout. `promotion.report.html` renders it."""

from dataclasses import dataclass, field

from promotion.report.page import Page, Table, Words


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawing in the text.

    Attributes:
        svg: a self-contained `<svg>` element; trusted, because `promotion.report.plots` made it.
        caption: explains the drawing to readers who see it.
        wide: whether it takes the full width; otherwise two pictures stand side by side if there is room.
        numbers: the values in it, for readers who cannot see it or point at it; folded.
    """

    svg: str
    caption: str = ""
    wide: bool = False
    numbers: Table | None = None


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a document: its pictures, then the page's sentences, tables and notes.

    Attributes:
        title: its heading; unique within the document, because links refer to it.
        page: the text and tables.
        pictures: the drawings.
        folded: whether it is collapsed until a reader opens it; print always shows it.
    """

    title: str
    page: Page = field(default_factory=Page)
    pictures: tuple[Picture, ...] = ()
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document for a reader.

    Attributes:
        title: the title of the browser tab.
        kind: the small line above the heading, e.g. `Decision report`.
        lead: verdict and headline (together the heading), and the sentences that matter most.
        sections: the other parts, each under its heading.
        colophon: the last line: what made the document, and from what.
        trail: the pages above this one, outermost first, each with its link; empty if it stands alone.
    """

    title: str
    kind: str
    lead: Page
    sections: tuple[Section, ...] = ()
    colophon: str = ""
    trail: tuple[Words, ...] = ()
