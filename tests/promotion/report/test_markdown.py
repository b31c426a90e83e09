from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from promotion.report.markdown import page_markdown
from promotion.report.page import Page, Table, Tone, Words, left, row
from promotion.visible import escaped

LINES = st.text(st.sampled_from("ab_*|\\<>&[]()#+-=1.!~ \n\t"), max_size=12)


@given(LINES, LINES)
def test_any_text_stays_that_text_in_a_cell(first, second):
    page = Page(tables=(Table(columns=left("a", "b"), rows=(row(first, second), row("x", "y"))),))
    html = MarkdownIt("commonmark").enable("table").render(page_markdown(page))
    cells = [cell.partition("</td>")[0] for cell in html.split("<td>")[1:]]
    assert [_text(cell) for cell in cells] == [" ".join(first.split()), " ".join(second.split()), "x", "y"]


@given(LINES.filter(str.strip))
def test_any_text_stays_that_text_in_a_paragraph_and_in_a_note(text):
    page = Page(summary=(text,), notes=(Words(text, Tone.QUIET),))
    html = MarkdownIt("commonmark").render(page_markdown(page))
    told = " ".join(text.split())
    paragraph, _, note = html.partition("\n<ul>")
    assert _text(paragraph.removeprefix("<p>").removesuffix("</p>")) == told
    assert _text(note.strip().removeprefix("<li>").partition("</li>")[0]) == told


def test_code_stays_code():
    assert escaped("`promotion gate a_b --x` *now*") == "`promotion gate a_b --x` \\*now\\*"


def _text(html):
    import html as entities

    assert "<" not in html
    return entities.unescape(html)
