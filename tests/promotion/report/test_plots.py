"""Plots of extreme inputs: nearly equal scores, a hundred rows, special characters in names."""

import re
import subprocess
import sys
import warnings
from html import unescape

import numpy as np
import pytest

from promotion.comparison.drawing import draw_curves
from promotion.report.plots.curves import cost_picture, precision_picture, roc_picture
from promotion.report.plots.scores import score_pictures
from promotion.report.plots.ticks import dates

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("n_rows", [100, 590_540])
def test_a_plot_is_as_light_and_as_legible_for_half_a_million_rows_as_for_a_hundred(n_rows):
    rng = np.random.default_rng(27)
    labels = np.arange(n_rows) % 30 == 0
    champion, challenger = (1 / (1 + np.exp(5.5 - shift * labels - rng.normal(size=n_rows))) for shift in (2.0, 2.5))
    curves = draw_curves(labels.astype(float), challenger, champion)
    pictures = [*(draw(curves) for draw in (roc_picture, precision_picture, cost_picture)), *score_pictures(curves)]
    for one in pictures:
        assert len(one.svg) < 20_000
        assert "$" not in one.svg, "words in TeX, which no browser reads"
        assert one.svg.count("var(--champion,") >= 2, "the line and its sample in the legend"
        assert re.search("by the champion|The champion's median is", unescape(one.svg))
    assert ">100 %</text>" in pictures[-1].svg


def test_plots_load_no_figure_of_matplotlib():
    script = (
        "import sys; from promotion.report.plots import gains, history, scores, ticks; ticks.dates(20_000, 20_009);"
        "print({f'matplotlib.{name}' for name in ('ticker', 'figure', 'axes', 'backends.backend_svg')} & {*sys.modules})"
    )
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert told.stdout == "{'matplotlib.ticker'}\n"


@pytest.mark.parametrize("seconds", [165, 10_000, 230_000, 90_000_000])
def test_a_history_of_almost_three_minutes_hours_days_or_years_warns_of_nothing(seconds):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 4 <= len(dates(20_000, 20_000 + seconds / 86_400).written) <= 9
