"""Metric history as a page, a document, plain data, and rows for other programs."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from promotion.history.lineage import ChampionPeriod
from promotion.history.metric_history import CHALLENGER, CHAMPION, MetricPoint
from promotion.number_format import between, figure, minute
from promotion.report.decision import TONES
from promotion.report.links import Links
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


def decisions_table(among: Sequence[MetricPoint], links: Links) -> Table:
    """Return a table with one row per decision, newest first: each metric of the challenger and of the champion."""
    names = {one.metric: one.direction for one in among}
    by_decision: dict[int, dict[tuple[str, str], MetricPoint]] = {}
    for one in among:
        by_decision.setdefault(one.seq, {})[one.metric, one.role] = one
    rows = (_decided(found, tuple(names), links) for _, found in sorted(by_decision.items(), reverse=True))
    titles = (f"{name} ({direction.value} is better)" for name, direction in names.items())
    return Table(columns=left("at (UTC)", "challenger", "verdict", *titles), rows=tuple(rows))


def _decided(found: Mapping[tuple[str, str], MetricPoint], names: Iterable[str], links: Links) -> tuple[Words, ...]:
    first = next(one for (_, role), one in found.items() if role == CHALLENGER)
    values = (_compared(found.get((name, CHALLENGER)), found.get((name, CHAMPION))) for name in names)
    verdict = Words(first.verdict, TONES[Verdict(first.verdict)], links.decision(first.decision))
    return row(minute(first.at), version_of(first.tag), verdict, *values)


def _compared(new: MetricPoint | None, old: MetricPoint | None) -> str:
    """Describe one metric: `0.8116, champion 0.7513, gain +0.0414 … +0.0791`."""
    if new is None:
        return ""
    size = abs(new.value)
    champion = f", champion {figure(old.value, scale=size)}" if old else ""
    gain = f", gain {between(new.gain.low, new.gain.high, scale=size)}" if new.gain else ""
    return f"{figure(new.value)}{champion}{gain}"


def history_document(model: str, among: Sequence[MetricPoint], served: Sequence[ChampionPeriod] = ()) -> Document:
    """Return the plots and the table as one document; `served` are the champion periods, oldest first."""
    from promotion.report.plots.history import HOW_TO_READ, metric_pictures

    first, last = min(one.at for one in among), max(one.at for one in among)
    decisions = len({one.seq for one in among})
    sentence = f"From {minute(first)} to {minute(last)} UTC, {decisions} decision{'s' * (decisions > 1)}."
    return Document(
        title=f"{model}: metric history",
        kind="Metric history",
        lead=Page(headline=model, summary=(sentence,)),
        sections=(
            Section(title="Over time", pictures=metric_pictures(among, served), page=Page(summary=(HOW_TO_READ,))),
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
