"""The command that tells what was measured: metrics of champions and challengers over time."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promotion.cli.output import Json, Markdown, Misuse, Model, form_of, models_of, notice, open_here, show, tell_other
from promotion.cli.timestamps import AT_HELP, timestamp_of, written
from promotion.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promotion.history.metric_history import MetricPoint
    from promotion.report.exports import ExportFormat

Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", help="Show only this metric. Repeat the option, or write NAME,NAME, for several.", metavar="NAME"
    ),
]
OnlyChampions = Annotated[
    bool,
    typer.Option("--champions", help="Show only versions that served at the time or were promoted by the decision."),
]
Since = Annotated[str | None, typer.Option(help=f"Show only decisions since this time. {AT_HELP}", metavar="TIME")]
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
    export: Export = None,
    form: Format = None,
    plot: Plot = None,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> None:
    """Show the metrics that a model's decisions measured.

    Lists champions and challengers metric by metric, with standard errors and confidence intervals of the gains.
    Oldest first.
    """
    from promotion.history.metric_history import metric_history
    from promotion.report.exports import exported
    from promotion.report.metric_history import metric_history_data, metric_history_page
    from promotion.report.own_files import refuse_others, write_own

    answer = form_of(as_json=as_json, as_markdown=as_markdown)
    kind, picture = _export_format(export, form), _plot_kind(plot)
    begin, end = (timestamp_of(text) if text is not None else None for text in (since, until))
    if begin and end and begin > end:
        message = f"--since {written(begin)} is after --until {written(end)}: there is no time between them."
        raise Misuse(message)
    registry = open_here()
    models_of(registry, model)
    tell_other(registry, model)
    found = _of_metrics(metric_history(model, registry.history(model)), metric or [])
    shown = [one for one in found if _within(one, begin, end) and (one.of_champion or not champions)]
    for path in filter(None, (export, plot)):
        refuse_others(path, instead=_INSTEAD)  # both are written, or neither
    if plot:
        write_own(plot, _picture(model, shown, picture).encode(), instead=_INSTEAD)
    if export and kind:
        write_own(export, exported(shown, kind), instead=_INSTEAD)
        notice(f"{len(shown)} rows were written to {export}.")
    show([metric_history_data(one) for one in shown], metric_history_page(shown), form=answer)


def _export_format(export: Path | None, form: str | None) -> "ExportFormat | None":
    from promotion.report.exports import SUFFIXES, ExportFormat, format_of

    if export is None:
        if form is not None:
            raise Misuse(f"--format {form} says how to write a file; name the file with --export.")
        return None
    if form is not None and form not in list(ExportFormat):
        raise Misuse(f"There is no format '{form}'; there are {', '.join(ExportFormat)}.")
    kind = ExportFormat(form) if form is not None else format_of(export)
    if kind is None:
        raise Misuse(
            f"'{export}' does not say by its name how it is to be written: expected one that ends in "
            f"{', '.join(SUFFIXES)}, or --format."
        )
    return kind


def _plot_kind(plot: Path | None) -> str:
    kind = plot.suffix.lower() if plot else ""
    if plot and kind not in {".svg", ".html"}:
        raise Misuse(f"A plot is drawn as .svg or .html, found '{plot}'.")
    return kind


def _of_metrics(found: "Sequence[MetricPoint]", asked: list[str]) -> "Sequence[MetricPoint]":
    """Those by the metrics asked for; `roc_auc,recall_at_fpr(0.01)` names two, and a comma in parentheses none."""
    from promotion.report.metric_history import names_in

    names = [name for text in asked for name in names_in(text)]
    known = tuple(dict.fromkeys(one.metric for one in found))
    for name in names:
        if name not in known:
            hint = "" if known else "No decision has measured any metric yet."
            raise UnknownName("measured metric", name, known, hint=hint)
    return [one for one in found if one.metric in names] if names else found


def _within(one: "MetricPoint", begin: datetime | None, end: datetime | None) -> bool:
    at = datetime.fromisoformat(one.at)
    return (begin is None or at >= begin) and (end is None or at <= end)


def _picture(model: str, shown: "Sequence[MetricPoint]", kind: str) -> str:
    from promotion.report.metric_history import history_document
    from promotion.report.plots.history import metrics_svg

    if not shown:
        message = f"There is nothing to draw: no decision on '{model}' measured what was asked for."
        raise Misuse(message)
    if kind == ".svg":
        return metrics_svg(shown)
    from promotion.report.html import page_html

    return page_html(history_document(model, shown))
