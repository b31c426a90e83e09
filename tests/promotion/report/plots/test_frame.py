"""The text around a plot: none is cut off or overlaps, whatever it is."""

import re
from itertools import pairwise

import pytest

from promotion.report.plots.axes import Axes, Axis, Line
from promotion.report.plots.svg import drawn
from promotion.report.plots.ticks import named

LONG = 'expected_cost(fp=5, fn="amount", weight="a column of a very long name")'


def words(svg):
    """What is written, with where it is anchored: (text, x, anchor)."""
    found = re.findall(r"<text([^>]*)>([^<]*)</text>", svg)
    places = [re.search(r'x="([-\d.]+)"', one) or re.search(r"translate\(([-\d.]+)", one) for one, _ in found]
    return [(text, float(place[1])) for (_, text), place in zip(found, places, strict=True)]


@pytest.mark.parametrize("top", [1e-9, 0.02, 1.0, 1_234_567.0, 3e12])
def test_numbers_of_any_size_have_room(top):
    ends = -top / 20, 1.05 * top
    axes = Axes(LONG, Axis(ends, "across"), Axis(ends, "up"))
    axes.lines.append(Line((0, top), (0, top), "black", label="challenger"))
    svg = drawn(axes, name="sized", title="Sizes", sentence="Up.")
    (left, right), (bottom, upper) = axes.x.ends, axes.y.ends
    assert right - left > 200
    assert bottom - upper > 180
    numbers = [(text, x) for text, x in words(svg) if re.fullmatch(r"[\d.]+", text)]
    assert len(numbers) >= 8
    assert min(x - 6.7 * len(text) for text, x in numbers) > 0  # labels of the y axis end at x
    assert max(x for _, x in numbers) < 360
    across = sorted(x for text, x in numbers if x > left)
    assert min(after - x for x, after in pairwise(across)) > 6.7 * max(len(text) for text, x in numbers if x > left)
    (title,) = [text for text, _ in words(svg) if text.startswith("expected_cost")]
    assert title.endswith("…")


def test_rows_with_names_of_several_lines_stand_in_one_line_each_without_a_rule():
    rows = Axis((-0.05, 1.05), choose=named((0, 1), ("a\nb", "$x_1$")))
    axes = Axes("Rows", Axis((-0.05, 1.05)), rows, height=120.0, lines=[Line((0, 1), (0, 1), "black")])
    svg = drawn(axes, name="named", title="Rows", sentence="Two.")
    (rules,) = re.findall(r'<path d="([^"]*)" stroke="[^"]*--line', svg)
    assert ("V" in rules, "H" in rules) == (True, False)  # upright lines only
    assert {"a b", "$x_1$"} <= {text for text, _ in words(svg)}
