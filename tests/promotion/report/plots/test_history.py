"""The plot of a metric over time: where the champion changes, what a pointer shows, and the unit of its times."""

import re
from dataclasses import replace

import pytest
from ledgers import record_history

from promotion.adapters.sql import SqlLedger
from promotion.history.lineage import champion_periods
from promotion.history.metric_history import metric_history
from promotion.ledger.folding import fold
from promotion.report.links import NO_LINKS
from promotion.report.metric_history import decisions_table
from promotion.report.plots.history import metric_pictures

pytestmark = pytest.mark.integration
HOSTILE = "os:</title><script>alert(1)</script>\u202e"


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """The values that 24 decisions measured, and the champion periods, one of which a rollback began."""
    ledger = SqlLedger(f"sqlite:///{tmp_path_factory.mktemp('plots') / 'ledger.db'}")
    record_history(ledger, "toy", 24, rows=300, spread=0.5, actor=HOSTILE)
    entries = ledger.entries("toy")
    state = fold("toy", entries)
    return metric_history(state, entries), champion_periods(state, entries)


def lines_of_champion(svg):
    """The number of lines that connect the champion's values: a path starts each with M."""
    paths = re.findall(r'<path d="([^"]+)" fill="none" stroke="var[(]--champion[^>]*linecap', svg)
    longest = max(paths, key=lambda path: len(re.findall("[ML]", path)), default="")
    return len(re.findall("M", longest))


def test_the_line_of_the_champion_ends_where_another_version_became_champion(history):
    points, served = history
    measured = [one for one in points if one.role == "champion" and one.metric == "roc_auc"]
    reigns = {sum(period.champion.seq < one.seq for period in served) for one in measured}
    assert 3 < len(reigns) < len(measured)
    svg = next(one.svg for one in metric_pictures(points, served) if "roc_auc over time" in one.svg)
    assert lines_of_champion(svg) == len(reigns)
    for mark in ("new champion", "rollback"):
        assert f">{mark}</text>" in svg
    back = sum(period.cause == "rollback" for period in served)
    assert f"{len(served)} new champions, {back} of them by a rollback." in svg
    assert re.search(r">[^<]*UTC</text>", svg), "the axis says which time it shows"


def test_a_pointer_finds_every_value_and_no_name_becomes_markup(history):
    points, served = history
    svg = next(one.svg for one in metric_pictures(points, served) if "roc_auc over time" in one.svg)
    titles = re.findall(r"<circle [^>]*><title>([^<]*)</title></circle>", svg)
    values = [one for one in points if one.metric == "roc_auc"]
    assert len(titles) == len(values) + len(served)
    for one in values:
        assert any(one.role in title and one.tag.partition(":")[2] in title and one.verdict in title
                   for title in titles if one.role == "challenger") or one.role == "champion"  # fmt: skip
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert "&lt;/title&gt;&lt;script&gt;" in svg
    table = decisions_table(points, NO_LINKS)
    assert len(table.rows) == len({one.seq for one in points})
    assert [column.title for column in table.columns][3:] == [
        "average_precision (higher is better)",
        "roc_auc (higher is better)",
        "brier_score (lower is better)",
        "log_loss (lower is better)",
    ]


def test_a_moment_alone_is_told_with_its_zone(history):
    points, served = history
    alone = [replace(one, at="2026-11-22T11:14:00+00:00") for one in points if one.seq == points[0].seq]
    for began in ((), served):  # later than the moment, which then stands at the left edge
        later = [replace(one, champion=replace(one.champion, since="2026-11-23T00:00:00+00:00")) for one in began]
        (x,) = re.findall(r'<text x="([^"]*)"[^>]*>2026-11-22 11:14 UTC</text>', metric_pictures(alone, later)[0].svg)
        assert float(x) > 55
