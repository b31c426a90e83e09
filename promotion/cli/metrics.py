"""The command that tells what was measured: metrics of champions and challengers over time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promotion.cli.output import (
    Json,
    Markdown,
    Misuse,
    Model,
    Quiet,
    form_of,
    models_of,
    notice,
    open_here,
    show,
    tell_ledger,
)
from promotion.cli.progress import show_progress
from promotion.cli.timestamps import AT_HELP, timestamp_of, written
from promotion.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promotion.history.lineage import ChampionPeriod
    from promotion.history.metric_history import MetricPoint
    from promotion.registry.registry import Registry
    from promotion.report.exports import ExportFormat

Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", help="Show only this metric. Repeat the option, or write NAME,NAME, for several.", metavar="NAME"
    ),
]
OnlyChampions = Annotated[
    bool,
    typer.Option(
        "--champions",
        help="For each decision, show only the champion of that time, and the challenger if the decision promoted it.",
    ),
]
Since = Annotated[str | None, typer.Option(help=f"Show only decisions since this time. {AT_HELP}", metavar="TIME")]
Limit = Annotated[int | None, typer.Option(min=1, help="Show only the N newest decisions.", metavar="N")]
Until = Annotated[str | None, typer.Option(help="Show only decisions up to this time.", metavar="TIME")]
Export = Annotated[
    Path | None,
    typer.Option(
        help="Write the rows to a file: .csv, .parquet, .om (OpenMetrics, each value with its time) or .prom (the "
        "newest values, for Prometheus' textfile collector).",
        metavar="FILE",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Format of the exported file, if its name does not show it: csv, parquet, openmetrics or prometheus.",
        metavar="FORMAT",
    ),
]
Plot = Annotated[Path | None, typer.Option(help="Plot the values over time, as an .html or .svg file.", metavar="FILE")]

_INSTEAD = "Name a file in an existing folder that you can write to."

EXAMPLE = "promotion metrics fraud_classifier --metric roc_auc --export history.csv"


def metrics(
    model: Model,
    metric: Metrics = None,
    champions: OnlyChampions = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    export: Export = None,
    form: Format = None,
    plot: Plot = None,
    _quiet: Quiet = False,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> None:
    """Show the metrics that a model's decisions measured.

    Lists champions and challengers metric by metric, with standard errors and confidence intervals of the gains.
    Oldest first.
    """
    from promotion.history.lineage import champion_periods
    from promotion.history.metric_history import metric_history
    from promotion.report.exports import exported
    from promotion.report.metric_history import metric_history_data, metric_history_page
    from promotion.report.output_files import refuse_others, write_own

    answer = form_of(as_json=as_json, as_markdown=as_markdown)
    kind, picture = _export_format(export, form), _plot_kind(plot)
    begin, end = (timestamp_of(text) if text is not None else None for text in (since, until))
    if begin and end and begin > end:
        message = f"--since must be before --until, but {written(begin)} is after {written(end)}."
        raise Misuse(message)
    registry = open_here()
    models_of(registry, model)
    tell_ledger(registry, model)
    state, history = registry.state(model), registry.history(model)
    earliest = _first_since(registry, model, begin) if begin else 0
    recent = metric_history(state, history, last=None if end else limit, since=earliest)
    found = _newest(_of_metrics(recent, metric or [], lambda: metric_history(state, history)), end, limit)
    shown = [one for one in found if _within(one, begin, end) and (one.of_champion or not champions)]
    for path in filter(None, (export, plot)):
        refuse_others(path, instead=_INSTEAD)  # both are written, or neither
    if plot:
        show_progress("Drawing the plot")
        served = champion_periods(state, history)
        write_own(plot, _picture(model, shown, served, picture).encode(), instead=_INSTEAD)
    if export and kind:
        write_own(export, exported(shown, kind), instead=_INSTEAD)
        notice(f"{len(shown)} rows were written to {export}.")
    show([metric_history_data(one) for one in shown], metric_history_page(shown), form=answer)


def _export_format(export: Path | None, form: str | None) -> "ExportFormat | None":
    from promotion.report.exports import SUFFIXES, ExportFormat, format_of

    if export is None:
        if form is not None:
            raise Misuse(f"--format {form} applies to --export, which was not given. Name the file with --export.")
        return None
    if form is not None and form not in list(ExportFormat):
        raise Misuse(f"--format must be one of {', '.join(ExportFormat)}, but is '{form}'.")
    kind = ExportFormat(form) if form is not None else format_of(export)
    if kind is None:
        raise Misuse(
            f"The name '{export}' does not show the format: expected a name that ends in {', '.join(SUFFIXES)}. Rename "
            "it, or give --format."
        )
    return kind


def _plot_kind(plot: Path | None) -> str:
    kind = plot.suffix.lower() if plot else ""
    if plot and kind not in {".svg", ".html"}:
        raise Misuse(f"--plot must end in .svg or .html, but is '{plot}'.")
    return kind


def _newest(found: "Sequence[MetricPoint]", end: datetime | None, limit: int | None) -> "Sequence[MetricPoint]":
    """The values of the newest decisions up to a time."""
    until = [one for one in found if _within(one, None, end)]
    newest = {*sorted({one.seq for one in until})[-limit if limit else None :]}
    return [one for one in until if one.seq in newest]


def _first_since(registry: "Registry", model: str, begin: datetime) -> int:
    """The first entry recorded since a time; one past the last if there is none."""
    found = registry.ledger.entries(model, limit=1, since=begin.astimezone(UTC).isoformat())
    return found[0].seq if found else len(registry.history(model)) + 1


def _of_metrics(
    found: "Sequence[MetricPoint]", asked: list[str], every: "Callable[[], Sequence[MetricPoint]]"
) -> "Sequence[MetricPoint]":
    """Those by the metrics asked for; `roc_auc,recall_at_fpr(0.01)` names two, and a comma in parentheses none."""
    from promotion.report.metric_history import names_in

    names = [name for text in asked for name in names_in(text)]
    known = tuple(dict.fromkeys(one.metric for one in found))
    if not {*names} <= {*known}:
        known = tuple(dict.fromkeys(one.metric for one in every()))  # an earlier decision may have measured it
    for name in names:
        if name not in known:
            hint = "" if known else "No decision has measured any metric yet."
            raise UnknownName("measured metric", name, known, hint=hint)
    return [one for one in found if one.metric in names] if names else found


def _within(one: "MetricPoint", begin: datetime | None, end: datetime | None) -> bool:
    at = datetime.fromisoformat(one.at)
    return (begin is None or at >= begin) and (end is None or at <= end)


def _picture(model: str, shown: "Sequence[MetricPoint]", served: "Sequence[ChampionPeriod]", kind: str) -> str:
    from promotion.report.metric_history import history_document
    from promotion.report.plots.history import metrics_svg

    if not shown:
        message = f"There is nothing to plot: no decision on '{model}' measured these metrics in this time."
        raise Misuse(message)
    if kind == ".svg":
        return metrics_svg(shown, served)
    from promotion.report.html import page_html

    return page_html(history_document(model, shown, served))
