"""The text around a plot: none is cut off or overlaps, whatever it is."""

import re
from itertools import pairwise

import pytest

from promotion.report.plots.frame import name_lines, name_ticks
from promotion.report.plots.svg import blank, drawn, style

LONG = 'expected_cost(fp=5, fn="amount", weight="a column of a very long name")'


def words(svg):
    """What is written, with where it is anchored: (text, x, anchor)."""
    found = re.findall(r"<text([^>]*)>([^<]*)</text>", svg)
    places = [re.search(r'x="([-\d.]+)"', one) or re.search(r"translate\(([-\d.]+)", one) for one, _ in found]
    return [(text, float(place[1])) for (_, text), place in zip(found, places, strict=True)]


@pytest.mark.parametrize("top", [1e-9, 0.02, 1.0, 1_234_567.0, 3e12])
def test_numbers_of_any_size_have_room(top):
    with style():
        figure = blank()
        axes = figure.add_subplot()
        axes.plot((0, top), (0, top), label="challenger")
        axes.set(title=LONG, xlabel="across", ylabel="up")
        name_lines(axes)
        svg = drawn(figure, name="sized", title="Sizes", sentence="Up.")
        box = axes.bbox
    assert box.width > 200
    assert box.height > 180
    numbers = [(text, x) for text, x in words(svg) if re.fullmatch(r"[\d.]+", text)]
    assert len(numbers) >= 8
    assert min(x - 6.7 * len(text) for text, x in numbers) > 0  # labels of the y axis end at x
    assert max(x for _, x in numbers) < 360
    across = sorted(x for text, x in numbers if x > box.x0)
    assert min(after - x for x, after in pairwise(across)) > 6.7 * max(len(text) for text, x in numbers if x > box.x0)
    (title,) = [text for text, _ in words(svg) if text.startswith("expected_cost")]
    assert title.endswith("…")


def test_rows_with_names_of_several_lines_stand_in_one_line_each_without_a_rule():
    with style():
        figure = blank(height=120.0)
        axes = figure.add_subplot()
        axes.plot((0, 1), (0, 1))
        name_ticks(axes.yaxis, (0, 1), ("a\nb", "$x_1$"))
        svg = drawn(figure, name="named", title="Rows", sentence="Two.")
    (rules,) = re.findall(r'<path d="([^"]*)" stroke="[^"]*--line', svg)
    assert ("V" in rules, "H" in rules) == (True, False)  # upright lines only
    assert {"a b", "$x_1$"} <= {text for text, _ in words(svg)}
