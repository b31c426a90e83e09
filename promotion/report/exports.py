"""Metric history as files for other programs: CSV and Parquet tables, OpenMetrics for Prometheus and Grafana.

All formats keep every value exactly: CSV and OpenMetrics use the shortest form that reads back as the same number.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.history.metric_history import MetricPoint
from promotion.report.metric_history import metric_history_data
from promotion.report.record import version_of
from promotion.visible import as_cell

if TYPE_CHECKING:
    from pandas import DataFrame
    from prometheus_client import Metric


class ExportFormat(StrEnum):
    """Formats of an exported file."""

    CSV = "csv"
    PARQUET = "parquet"
    OPENMETRICS = "openmetrics"
    PROMETHEUS = "prometheus"


SUFFIXES = {
    ".csv": ExportFormat.CSV,
    ".parquet": ExportFormat.PARQUET,
    ".om": ExportFormat.OPENMETRICS,
    ".prom": ExportFormat.PROMETHEUS,
}

COLUMNS = (
    "model",
    "seq",
    "at",
    "version",
    "role",
    "stage",
    "metric",
    "direction",
    "value",
    "stderr",
    "gain",
    "gain_stderr",
    "gain_low",
    "gain_high",
    "confidence",
    "verdict",
    "became_champion",
    "rows",
    "data",
    "decision",
)
"""Columns of a table, in order."""
FIRST_LINE = "# HELP promotion_metric_value "
"""Start of a Prometheus metrics file."""


def format_of(path: Path) -> ExportFormat | None:
    """Return the format for a file suffix; None for any other suffix."""
    return SUFFIXES.get(path.suffix.lower())


def exported(among: Sequence[MetricPoint], form: ExportFormat) -> bytes:
    """Return the bytes of a file with all points; without points, a file without rows.

    `openmetrics` writes every value with its time, for `promtool tsdb create-blocks-from openmetrics`. `prometheus`
    writes each metric's newest value of champion and challenger without a time, for node_exporter's textfile collector,
    and the time of measurement as a separate metric.
    """
    writers: dict[ExportFormat, Callable[[], bytes]] = {
        ExportFormat.CSV: lambda: _csv(among),
        ExportFormat.PARQUET: lambda: _parquet(among),
        ExportFormat.OPENMETRICS: lambda: _openmetrics(among),
        ExportFormat.PROMETHEUS: lambda: _prometheus(among),
    }
    return writers[form]()


def _frame(among: Iterable[MetricPoint]) -> "DataFrame":
    import pandas as pd

    types = {
        **dict.fromkeys(("model", "version", "role", "stage", "metric", "direction", "verdict", "data"), "string"),
        **dict.fromkeys(("at", "decision"), "string"),
        **dict.fromkeys(("seq", "rows"), "int64"),
        **dict.fromkeys(("value", "stderr", "gain", "gain_stderr", "gain_low", "gain_high", "confidence"), "float64"),
        "became_champion": "bool",
    }
    return pd.DataFrame([metric_history_data(one) for one in among], columns=list(COLUMNS)).astype(types)


def _csv(among: Iterable[MetricPoint]) -> bytes:
    """Write CSV with texts escaped for spreadsheets; numbers, including negative ones, stay as they are."""
    frame = _frame(among)
    texts = [str(name) for name, kind in frame.dtypes.items() if kind == "string"]
    frame[texts] = frame[texts].map(as_cell, na_action="ignore")
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _parquet(among: Iterable[MetricPoint]) -> bytes:
    """Write Parquet with `at` as a timestamp in UTC, to the microsecond."""
    import pandas as pd

    frame = _frame(among)
    frame["at"] = pd.to_datetime(frame["at"], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    written = io.BytesIO()
    frame.to_parquet(written, index=False)
    return written.getvalue()


@dataclass(frozen=True)
class _Family:
    """A Prometheus metric: its name after `promotion_metric_`, its help text, and its value for a row, if any."""

    name: str
    sentence: str
    value: Callable[[MetricPoint], float | None]


_FAMILIES = (
    _Family("value", "Value of a metric, as a decision measured it on its holdout.", lambda one: one.value),
    _Family("stderr", "Standard error of the value.", lambda one: one.stderr),
    _Family(
        "gain",
        "How much better the challenger was than the champion on the same rows; positive is better.",
        lambda one: one.gain.value if one.gain else None,
    ),
    _Family("gain_low", "Lower end of the interval of the gain.", lambda one: one.gain.low if one.gain else None),
    _Family("gain_high", "Upper end of the interval of the gain.", lambda one: one.gain.high if one.gain else None),
    _Family("rows", "Number of holdout rows that the decision used.", lambda one: float(one.rows)),
)
_WHEN = _Family(
    "measured_timestamp_seconds",
    "When it was measured, in seconds since 1970.",
    lambda one: datetime.fromisoformat(one.at).timestamp(),
)


class _Collected:
    """The collector that `prometheus_client` requires."""

    def __init__(self, families: Iterable["Metric"]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterator["Metric"]:
        return iter(self._families)


def _openmetrics(among: Sequence[MetricPoint]) -> bytes:
    from prometheus_client.openmetrics.exposition import generate_latest

    families = (_family(family, _series(among), timed=True) for family in _FAMILIES)
    text: bytes = generate_latest(_Collected(families))  # type: ignore[no-untyped-call]  # untyped in the library
    return text


def _prometheus(among: Sequence[MetricPoint]) -> bytes:
    from prometheus_client import generate_latest

    newest = {(one.model, one.metric, one.role): one for one in among}
    series = {tuple(_labels(one).values()): [one] for one in newest.values()}
    return generate_latest(_Collected(_family(family, series) for family in (*_FAMILIES, _WHEN)))


def _family(
    family: _Family, series: Mapping[tuple[str, ...], Sequence[MetricPoint]], *, timed: bool = False
) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily

    made = GaugeMetricFamily(f"promotion_metric_{family.name}", family.sentence, labels=_LABELS)
    for labels, points in series.items():
        for one in points:
            value = family.value(one)
            if value is not None:
                made.add_metric(labels, value, timestamp=_moment(one) if timed else None)
    return made


def _series(among: Iterable[MetricPoint]) -> dict[tuple[str, ...], list[MetricPoint]]:
    """Group points by labels, sorted by time as Prometheus requires; at equal times, the last recorded point wins."""
    found: dict[tuple[str, ...], dict[float, MetricPoint]] = {}
    for one in among:
        found.setdefault(tuple(_labels(one).values()), {})[_moment(one)] = one
    return {labels: [points[at] for at in sorted(points)] for labels, points in found.items()}


def _moment(one: MetricPoint) -> float:
    """Return the time in seconds, rounded to the millisecond, the precision of Prometheus."""
    return round(datetime.fromisoformat(one.at).timestamp(), 3)


def _labels(one: MetricPoint) -> dict[str, str]:
    return {"model": one.model, "version": version_of(one.tag), "role": one.role, "metric": one.metric}


_LABELS = ("model", "version", "role", "metric")
