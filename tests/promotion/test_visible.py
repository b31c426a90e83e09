"""Text from others is shown so that no part of it acts, hides or forges a line."""

import csv
import io
import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from promotion.canonical import canonical_json
from promotion.report.html import page_html
from promotion.report.markdown import page_markdown
from promotion.report.page import Document, Page, Section, Table, Words, left, row
from promotion.report.terminal import page_view
from promotion.visible import as_cell, visible, visible_in_json, visible_json

ACTS = ["\x1b[2K", "\x1b]8;;http://evil\x07", "\r", "\n", "\t", "\x00", "\x9b2J", "\x7f", "\u2028", "\u202e", "\u2066"]
ACTS += ["\u200b", "\u200f", "\ufeff", "\udce9", "\U000e0041"]
STAYS = ["é", "日本語", "שלום", "مرحبا", "👩\u200d🔬", "می\u200cخواهم", "\u00a0", "→", "\\", "\ue0b0", "\u0600"]  # noqa: RUF001 - letters of other scripts
LETTERS = st.characters(exclude_categories=["Cs"])  # JSON joins two adjacent lone surrogates into one character
TEXTS = st.lists(st.one_of(st.sampled_from(ACTS), st.sampled_from(STAYS), LETTERS, st.sampled_from("=+-@ '"))).map(
    "".join
)


def acting(text):
    """The characters of a text that act or are not seen, by Unicode's own classes."""
    return {one for one in text if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"}} | (set(text) & set(ACTS))


@pytest.mark.slow
def test_of_all_of_unicode_what_acts_is_written_out_and_what_is_read_stays():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert not acting(visible(every))
    hidden = {one for one in every if visible(one) != one}
    assert {unicodedata.category(one) for one in hidden} == {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert all(visible(text) == text for text in STAYS)
    assert [visible(one) for one in ("\x1b", "\n", "\u202e", "\udce9", "\U000e0041")] == [
        r"\x1b", r"\n", r"\u202e", r"\udce9", r"\U000e0041",
    ]  # fmt: skip


@given(TEXTS)
def test_twice_is_once(text):
    assert visible(visible(text)) == visible(text)


@given(st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)))
def test_json_reads_back_exactly_and_shows_nothing_that_acts(data):
    for only_ascii in (False, True):
        text = visible_json(data, only_ascii=only_ascii)
        assert json.loads(text) == data
        assert not acting(text) - {"\n"}
        assert text.isascii() or not only_ascii
    in_mlflow = visible_in_json(canonical_json(data))
    assert (json.loads(in_mlflow), acting(in_mlflow)) == (data, set())


@given(TEXTS)
def test_no_cell_of_a_csv_file_is_a_formula(text):
    written = io.StringIO()
    csv.writer(written).writerow([as_cell(text)])
    (cell,) = next(csv.reader(io.StringIO(written.getvalue())), [""])
    assert not cell.strip().startswith(("=", "+", "-", "@"))
    assert cell.removeprefix("'") == visible(text).removeprefix("'")


@pytest.mark.parametrize("text", ACTS)
def test_every_rendering_of_a_page_shows_it_wherever_it_stands(text):
    words = f"before{text}after"
    table = Table(columns=left(words, "b"), rows=(row(words, Words(words)),), title=words)
    page = Page(verdict=Words(words), headline=words, summary=(words,), tables=(table,), notes=(Words(words),))
    section = Section(title=words, page=page)
    document = Document(title=words, kind=words, lead=page, sections=(section,), colophon=words)
    at_terminal = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=400)
    at_terminal.print(page_view(page))
    shown = [at_terminal.file.getvalue(), page_markdown(page), page_html(document)]
    for rendering in shown:
        assert not acting(rendering) & set(text) - {"\n", "\t"}
        assert f"before{text}after" not in rendering
        assert "before" in rendering
