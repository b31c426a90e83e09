"""Pages at a terminal: no tag is ever divided, and no line is wider than the terminal."""

import io
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from promotion.report.folding import folded, sentence_lines
from promotion.report.page import Page, Table, Tone, Words, left, right, row
from promotion.report.terminal import page_view

WIDTHS = (40, 60, 80, 120, 200)
ENDLESS = 1_000_000
CHARACTERS = "abc def… 'ü商店に🙂\u0301-"

names = st.text("abcdefghij234567_.-", min_size=1, max_size=30).map(lambda text: f"m{text}k")
tags = st.tuples(names, names).map(":".join)
words = st.one_of(st.text(CHARACTERS, max_size=60), tags, tags.map(lambda tag: f"('{tag}'):"))
sentences = st.lists(words, max_size=8).map(lambda found: " ".join(found).strip())


def shown(page, width):
    return shown_all([page], width)


def shown_all(pages, width):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    with console.capture() as written:
        console.print(page_view(*pages), crop=False)
    return [line.rstrip() for line in written.get().splitlines()]


def tags_in(text):
    return re.findall(r"m[a-j2-7_.-]+k:m[a-j2-7_.-]+k", text)


def page_of(tag, sentence):
    columns = (*right("seq"), *left("at (UTC)", "champion", "cause", "who", "why"))
    cells = row("12", "2026-11-25 18:40, 2 h ago", tag, "rollback", "os:root", sentence)
    facts = (row(Words("previous champion", Tone.QUIET), tag), row("why", sentence))
    return Page(
        verdict=Words("HELD", Tone.UNSURE),
        headline=f"{tag} against {tag}",
        summary=(sentence, f"  promotion show {tag}"),
        tables=(
            Table(columns=left("", ""), rows=facts),
            Table(columns=columns, rows=(cells, cells), title="Champions"),
        ),
        notes=(Words(f"! {sentence}", Tone.UNSURE),),
    )


@given(tag=tags, sentence=sentences, width=st.sampled_from(WIDTHS))
@example(tag="fraud_classifier:kzjx2vqe2wjz4aav", sentence="merchants complain " * 20, width=40)
@example(tag="m:mk", sentence="商店投诉" * 40, width=60)
@example(tag="m:mk", sentence="x" * 400, width=80)
def test_every_tag_is_whole_and_no_line_is_wider_unless_a_tag_is(tag, sentence, width):
    lines = shown(page_of(tag, sentence), width)
    assert "\n".join(lines).count(tag) >= 6  # twice in the headline, once below it and in the facts, and in each row
    for line in lines:
        bare = line.strip(" '():")
        assert cell_len(line) <= width or bare in {tag, *tags_in(sentence)}


@given(tag=tags, sentence=sentences)
def test_words_are_the_same_at_every_width(tag, sentence):
    def letters(width):
        return "".join("".join(folded(f"{sentence} {tag}", width)).split())

    assert len({letters(width) for width in (*WIDTHS, ENDLESS)}) == 1


@pytest.mark.parametrize(("width", "headed"), [(40, False), (80, False), (120, True), (ENDLESS, True)])
def test_a_table_that_does_not_fit_is_one_block_per_row(width, headed):
    tag, why = "fraud_classifier:kzjx2vqe2wjz4aav", "the merchants complain about declined payments since noon"
    text = "\n".join(shown(replace(page_of(tag, why), tables=page_of(tag, why).tables[1:]), width))
    assert (re.search(r"^seq +at \(UTC\) +champion +cause +who +why$", text, re.MULTILINE) is not None) is headed
    block = rf"seq: 12\nat \(UTC\): 2026-11-25 18:40, 2 h ago\nchampion:\s+{tag}\ncause: rollback\nwho: os:root\nwhy: "
    assert len(re.findall(block, text)) == (0 if headed else 2)
    if width == ENDLESS:
        assert all(why in line for line in text.splitlines() if line.startswith("12"))


def test_a_tag_keeps_its_punctuation_where_both_fit():
    tag = "fraud_classifier:kzjx2vqe2wjz4aav"
    told = f"decided hold on ('{tag}'): the gain is small"
    assert folded(told, 38) == ["decided hold on", f"('{tag}'):", "the gain is small"]
    assert folded(told, 33) == ["decided hold on ('", tag, "'): the gain is small"]


def test_a_command_is_not_divided_even_where_it_is_wider_than_the_line():
    told = "Run `promotion repair toy --yes`, or ask ` who wrote it."
    assert folded(told, 32) == ["Run", "`promotion repair toy --yes`, or", "ask ` who wrote it."]
    assert folded(told, 20) == ["Run", "`promotion repair toy --yes`,", "or ask ` who wrote", "it."]
    tag = f"fraud_classifier:{'v' * 60}"
    told = f"os:root: 'as ` says'. The gate holds it until `promotion readmit {tag} --reason …`. Look."
    expected = ["os:root: 'as ` says'. The gate holds it until", f"`promotion readmit {tag} --reason …`.", "Look."]
    assert folded(told, 80) == expected
    page = Page(summary=(told,), notes=(Words(told),), tables=(Table(columns=left("", ""), rows=(row("why", told),)),))
    assert sum(expected[1] in line for line in shown(page, 80)) == 3


@given(tag=tags, width=st.sampled_from(WIDTHS))
def test_in_a_column_a_command_that_is_wider_is_divided_like_other_text(tag, width):
    command = f"Run `promotion rollback toy --to {tag} --reason …`."
    table = Table(columns=left("code", "what to do"), rows=(row("AUD014", command),))
    lines = shown(Page(tables=(table,)), width)
    assert "".join("".join(lines).split()).endswith("".join(command.split()))


def test_numbers_are_right_aligned_below_their_title():
    table = Table(columns=(*left("metric"), *right("gain")), rows=(row("roc_auc", "+0.1"), row("f1", "-12.25")))
    assert shown(Page(tables=(table,)), 80) == [
        "metric     gain",
        "───────────────",
        "roc_auc    +0.1",
        "f1       -12.25",
    ]


@given(st.lists(st.lists(sentences, max_size=3).map(tuple), min_size=1, max_size=3), st.sampled_from((20, *WIDTHS)))
def test_sentences_alone_look_as_rich_draws_them(summaries, width):
    pages = [Page(summary=summary) for summary in summaries]
    assert list(sentence_lines(pages, width)) == shown_all(pages, width)


@pytest.mark.parametrize(
    "more", [{"verdict": Words("HELD")}, {"headline": "toy"}, {"notes": (Words("a", Tone.QUIET),)}]
)
def test_what_has_a_colour_or_a_column_is_left_to_rich(more):
    assert sentence_lines([Page(summary=("a",)), Page(summary=("b",), **more)], 80) is None
