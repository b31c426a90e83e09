"""Metric history as a page, a document, plain data, and rows for other programs."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from promotion.history.metric_history import MetricPoint
from promotion.number_format import between, figure, minute
from promotion.report.decision import TONES
from promotion.report.page import Document, Page, Section, Table, Words, left, right, row
from promotion.report.record import version_of
from promotion.vocabulary import Verdict


def metric_history_page(among: Iterable[MetricPoint]) -> Page:
    """Show one row per metric of each version that a decision measured, in ledger order."""
    rows = tuple(map(_row, among))
    none = "No decision has measured it." if not rows else ""
    return Page(summary=(none,) if none else (), tables=(metric_history_table(rows),))


def metric_history_table(rows: tuple[tuple[Words, ...], ...]) -> Table:
    """Return a table with these rows."""
    columns = (
        *left("at (UTC)", "version", "role", "stage", "metric"),
        *right("value", "± s.e.", "gain, interval"),
        *left("verdict"),
        *right("rows"),
        *left("decision"),
    )
    return Table(columns=columns, rows=rows)


def metric_history_data(one: MetricPoint) -> dict[str, Any]:
    """Return one flat row for other programs: names and values; None for missing values."""
    gain = one.gain
    return {
        "model": one.model,
        "seq": one.seq,
        "at": one.at,
        "version": version_of(one.tag),
        "role": one.role,
        "stage": one.stage.value if one.stage else None,
        "metric": one.metric,
        "direction": one.direction.value,
        "value": one.value,
        "stderr": one.stderr,
        "gain": gain.value if gain else None,
        "gain_stderr": gain.stderr if gain else None,
        "gain_low": gain.low if gain else None,
        "gain_high": gain.high if gain else None,
        "confidence": gain.confidence if gain else None,
        "verdict": one.verdict,
        "became_champion": one.crowned,
        "rows": one.rows,
        "data": one.data,
        "decision": one.decision,
    }


def history_document(model: str, among: Sequence[MetricPoint]) -> Document:
    """Return the plots and the table as one document."""
    from promotion.report.plots.history import HOW_TO_READ, metric_pictures

    first, last = min(one.at for one in among), max(one.at for one in among)
    decisions = len({one.seq for one in among})
    told = f"From {minute(first)} to {minute(last)} UTC, {decisions} decision{'s' * (decisions > 1)}."
    return Document(
        title=f"{model}: metric history",
        kind="Metric history",
        lead=Page(headline=model, summary=(told,)),
        sections=(
            Section(title="Over time", pictures=metric_pictures(among), page=Page(summary=(HOW_TO_READ,))),
            Section(title="Every value", page=metric_history_page(among)),
        ),
        colophon=f"Made by `promotion metrics {model} --plot` from the ledger.",
    )


def names_in(text: str) -> tuple[str, ...]:
    """Split comma-separated metric names; a comma within parentheses belongs to its name.

    >>> names_in("roc_auc, expected_cost(fp=5, fn=1)")
    ('roc_auc', 'expected_cost(fp=5, fn=1)')
    """
    return tuple(name.strip() for name in re.split(r",(?![^(]*\))", text) if name.strip())


def _row(one: MetricPoint) -> tuple[Words, ...]:
    gain = one.gain
    return row(
        minute(one.at),
        version_of(one.tag),
        one.role,
        one.stage or "none",
        one.metric,
        figure(one.value),
        figure(one.stderr, scale=abs(one.value)),
        between(gain.low, gain.high, scale=abs(one.value)) if gain else "",
        Words(one.verdict, TONES[Verdict(one.verdict)]) if one.role == "challenger" else one.verdict,
        f"{one.rows:,}",
        one.decision_id,
    )
