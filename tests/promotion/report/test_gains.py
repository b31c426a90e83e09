"""The gains of a decision in its report: sign, limit and outcome in columns; many slices as a heatmap, worst first."""

import re

import numpy as np
import pytest

from promotion import Policy, compare, decide
from promotion.report.gains import judged_table, slices_heat_table
from promotion.report.html import page_html
from promotion.report.page import Document, Page, Section

POLICY = Policy.from_toml({
    "primary": {"metric": "roc_auc"},
    "guardrails": [{"metric": "brier_score", "max_loss": 0.002}],
    "slices": [{"by": "country", "metric": "roc_auc", "max_loss": 0.05, "min_positives": 20}],
    "metrics": ["roc_auc", "brier_score", "log_loss"],
    "min_rows": 100,
})  # fmt: skip
BROKEN = "c07 <b>"


@pytest.fixture(scope="module")
def decision():
    """A challenger that gains in 39 countries and loses much in one."""
    rng = np.random.default_rng(27)
    country = np.repeat(np.arange(40), 300)
    labels = rng.random(country.size) < 0.3
    skill = np.where(country == 7, 0.2, 2.2)
    shared = rng.normal(size=country.size)
    champion, challenger = (
        1 / (1 + np.exp(1 - lift * labels - shared - 0.4 * rng.normal(size=country.size))) for lift in (1.6, skill)
    )
    names = np.array([BROKEN if one == 7 else f"c{one:02d}" for one in range(40)])[country]
    metrics = ["roc_auc", "brier_score", "log_loss"]
    return decide(compare(labels, champion, challenger, metrics=metrics, slices={"country": names}), POLICY)


def test_each_gain_has_its_sign_limit_and_outcome_in_a_column(decision):
    table = judged_table(decision, decision.evidence)
    titles = [column.title for column in table.columns]
    found = {row[0].text: dict(zip(titles, (cell.text for cell in row), strict=True)) for row in table.rows}
    wanted = ("better is", "the challenger is", "required gain", "outcome")
    assert {name: tuple(row[title] for title in wanted) for name, row in found.items()} == {
        "roc_auc": ("higher", "better", "above 0", "passed"),
        "brier_score": ("lower", "better", "above -0.002", "passed"),
        "log_loss": ("lower", "better", "none", "not required"),
    }
    assert all(row["gain"].startswith("+") for row in found.values()), "positive is better, whatever the direction"


def test_many_slices_are_a_heatmap_worst_first_and_the_rest_is_folded(decision):
    table = slices_heat_table(decision, decision.evidence)
    assert len(table.rows) == 40
    assert (table.rows[0][0].text, table.rows[0][-1].text) == (f"country = {BROKEN}", "failed")
    assert table.rows[0][3].heat < -0.5 < 0.5 < table.rows[-1][3].heat
    page = page_html(
        Document(title="t", kind="k", lead=Page(), sections=(Section(title="s", page=Page(tables=(table,))),))
    )
    at_once, _, folded = page.partition("<details>")
    assert (at_once.count("country = "), folded.count("country = ")) == (12, 28)
    assert "Show the other 28" in folded
    assert re.search(r'<td class="right worse3" data-label="roc_auc">-0\.\d+ ± 0\.\d+</td>', at_once)
    assert "<b>" not in page
