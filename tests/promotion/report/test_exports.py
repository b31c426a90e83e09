import io
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as text_of_prometheus

from promotion.history.metric_history import Gain, MetricPoint
from promotion.report.exports import ExportFormat, exported
from promotion.report.plots.history import metrics_svg
from promotion.visible import visible
from promotion.vocabulary import Direction, Stage

AWKWARD = 'q"uo\\te\nline <b>'
ONE = MetricPoint(
    model="toy",
    seq=3,
    at="2026-11-22T11:14:54.895460+00:00",
    tag="toy:one",
    role="challenger",
    stage=Stage.STAGING,
    metric="roc_auc",
    direction=Direction.HIGHER,
    value=0.1 + 0.2,
    stderr=np.nextafter(0.01, 1).item(),
    dof=None,
    gain=Gain(value=-1e-17, stderr=1e-300, low=-0.1, high=1 / 3, confidence=0.95),
    verdict="hold",
    crowned=False,
    rows=1500,
    data="rows, and more.csv",
    decision="3f" * 32,
)


def samples(among, form=ExportFormat.OPENMETRICS, name="value", reader=text_string_to_metric_families):
    families = {one.name: one for one in reader(exported(among, form).decode())}
    return families[f"promotion_metric_{name}"].samples


def test_every_number_survives_each_format_to_the_last_bit():
    read = {
        "csv": pd.read_csv(io.BytesIO(exported([ONE], ExportFormat.CSV))),
        "parquet": pd.read_parquet(io.BytesIO(exported([ONE], ExportFormat.PARQUET))),
    }
    for frame in read.values():
        row = frame.iloc[0]
        assert (row["value"], row["stderr"], row["gain"], row["gain_stderr"], row["gain_high"]) == (
            ONE.value, ONE.stderr, ONE.gain.value, ONE.gain.stderr, ONE.gain.high,
        )  # fmt: skip
        assert (row["version"], row["stage"], row["data"], row["decision"]) == (
            "one",
            "staging",
            ONE.data,
            ONE.decision,
        )
        assert pd.Timestamp(row["at"]) == pd.Timestamp(ONE.at)
    for name, value in (("value", ONE.value), ("stderr", ONE.stderr), ("gain", -1e-17), ("gain_high", 1 / 3)):
        assert [one.value for one in samples([ONE], name=name)] == [value]


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", " =", "\x1b[2K="])
def test_a_text_that_begins_as_a_formula_is_text_to_a_spreadsheet_and_a_negative_number_a_number(begins):
    odd = replace(ONE, metric=f"{begins}1+1", data=f"{begins}HYPERLINK(A1).csv", value=-0.5)
    frame = pd.read_csv(io.BytesIO(exported([odd], ExportFormat.CSV)))
    shown = visible(begins)
    mark = "" if shown.startswith("\\") else "'"
    assert frame[["metric", "data"]].iloc[0].tolist() == [f"{mark}{shown}1+1", f"{mark}{shown}HYPERLINK(A1).csv"]
    assert frame["value"].tolist() == [-0.5]


def test_awkward_names_are_escaped_in_labels_and_cells():
    odd = replace(ONE, model=AWKWARD, tag=f"m:{AWKWARD}", metric=AWKWARD, data=AWKWARD)
    for form, reader in (
        (ExportFormat.OPENMETRICS, text_string_to_metric_families),
        (ExportFormat.PROMETHEUS, text_of_prometheus),
    ):
        (found,) = samples([odd], form, reader=reader)
        assert found.labels == {"model": AWKWARD, "version": AWKWARD, "role": "challenger", "metric": AWKWARD}
    assert pd.read_csv(io.BytesIO(exported([odd], ExportFormat.CSV)))["data"].tolist() == [visible(AWKWARD)]
    assert pd.read_parquet(io.BytesIO(exported([odd], ExportFormat.PARQUET)))["data"].tolist() == [AWKWARD]
    picture = metrics_svg([replace(odd, metric=f"{AWKWARD}\x1b[2K\u202e")])
    assert "<b>" not in picture
    assert {one for one in ET.fromstring(picture).itertext() if r"\x1b[2K\u202e" in one}


def test_series_go_on_in_time_though_the_ledgers_clocks_do_not():
    """Prometheus refuses points out of order and two at one time."""
    later = replace(ONE, seq=5, at="2026-11-22T12:00:00+01:00", value=0.5)
    again = replace(ONE, seq=6, value=0.7)
    other = replace(ONE, seq=7, tag="toy:two", role="champion", gain=None)
    found = samples([ONE, later, again, other])
    assert [(one.labels["version"], float(one.timestamp), one.value) for one in found] == [
        ("one", 1795345200.0, 0.5),
        ("one", 1795346094.895, 0.7),
        ("two", 1795346094.895, ONE.value),
    ]
    newest = samples([ONE, later, again, other], ExportFormat.PROMETHEUS, reader=text_of_prometheus)
    assert {(one.labels["role"], one.value) for one in newest} == {("challenger", 0.7), ("champion", ONE.value)}


@pytest.mark.parametrize("form", ExportFormat)
def test_nothing_measured_is_a_file_that_can_be_read(form):
    content = exported([], form)
    if form is ExportFormat.PARQUET:
        assert list(pd.read_parquet(io.BytesIO(content))["value"]) == []
    elif form is ExportFormat.CSV:
        assert content.decode().splitlines()[0].startswith("model,seq,at,version,role,stage,metric")
    else:
        reader = text_string_to_metric_families if form is ExportFormat.OPENMETRICS else text_of_prometheus
        assert [one.samples for one in reader(content.decode())].count([]) >= 6
