import csv
import json
import re
import shutil

import pandas as pd
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as text_of_prometheus
from recipes import synthetic_rows

import promotion
from promotion.cli import run
from promotion.history.lineage import decisions

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def decided(trained_store, empty_mlflow, tmp_path_factory, configuration):
    """`toy:weak` by its floors, `toy:noisy` rejected, `toy:good` promoted; tests copy it."""
    home = tmp_path_factory.mktemp("decided")
    (home / "promotion.toml").write_text(configuration)
    synthetic_rows().to_csv(home / "rows.csv", index=False)
    shutil.copytree(trained_store, home / "bentoml")
    shutil.copy(empty_mlflow, home / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert [run(["gate", f"toy:{version}"]) for version in ("weak", "noisy", "good")] == [0, 3, 0]
    return home


@pytest.fixture
def judged(decided, tmp_path):
    shutil.copytree(decided, tmp_path, dirs_exist_ok=True)
    return tmp_path


def recorded():
    """What the ledger's decisions hold, apart from the code under test: (seq, role, metric) to value and error."""
    found = {}
    for entry, judgement in decisions(promotion.open().history("toy")):
        for one in judgement.decision.evidence.metrics:
            pair = hasattr(one, "gain")
            own = (one.challenger, one.challenger_stderr) if pair else (one.value, one.stderr)
            found[entry.seq, "challenger", one.metric] = own
            if pair:
                found[entry.seq, "champion", one.metric] = (one.champion, one.champion_stderr)
    return found


def keyed(rows):
    return {(int(one["seq"]), one["role"], one["metric"]): (float(one["value"]), float(one["stderr"])) for one in rows}


def test_the_command_shows_who_was_measured_by_what_and_what_came_of_it(judged, command):
    code, out, err = command("metrics", "toy", "--metric", "roc_auc")
    assert (code, err) == (0, "")
    lines = [re.split(r" {2,}", line.strip()) for line in out.splitlines() if line.strip()]
    assert lines[0] == [
        "at (UTC)",
        "version",
        "role",
        "stage",
        "metric",
        "value",
        "± s.e.",
        "gain, interval",
        "verdict",
        "rows",
        "decision",
    ]
    assert [line[1:5] for line in lines[2:]] == [
        ["weak", "challenger", "staging", "roc_auc"],
        ["noisy", "challenger", "staging", "roc_auc"],
        ["weak", "champion", "prod", "roc_auc"],
        ["good", "challenger", "staging", "roc_auc"],
        ["weak", "champion", "prod", "roc_auc"],
    ]
    assert "brier_score" not in out
    told = json.loads(command("metrics", "toy", "--json")[1])
    assert keyed(told) == recorded()
    assert {(one["version"], one["became_champion"]) for one in told} == {
        ("weak", True), ("weak", False), ("noisy", False), ("good", True),
    }  # fmt: skip


def test_champions_alone_and_within_a_time(judged, command):
    told = json.loads(command("metrics", "toy", "--champions", "--metric", "roc_auc, brier_score", "--json")[1])
    assert {one["version"] for one in told} == {"weak", "good"}
    last = told[-1]["at"]
    assert {one["at"] for one in json.loads(command("metrics", "toy", "--since", last, "--json")[1])} == {last}
    before = json.loads(command("metrics", "toy", "--until", last, "--json")[1])
    assert keyed(before) == recorded()
    assert "No decision has measured it." in command("metrics", "toy", "--until", "2020-01-01")[1]


def test_exports_read_back_as_the_very_numbers_of_the_ledger(judged, command):
    code, _, err = command("metrics", "toy", "--export", "history.csv")
    assert (code, err) == (0, f"Note: {len(recorded())} rows were written to history.csv.\n")
    with (judged / "history.csv").open(newline="") as file:
        assert keyed(csv.DictReader(file)) == recorded()
    assert command("metrics", "toy", "--export", "history", "--format", "parquet")[0] == 0
    frame = pd.read_parquet(judged / "history")
    assert keyed(frame.to_dict("records")) == recorded()
    assert str(frame["at"].dtype) == "datetime64[us, UTC]"
    gains = sum(role == "champion" for _, role, _ in recorded())
    assert frame["gain"].notna().sum() == gains  # the first of the three had no champion to gain on


def test_openmetrics_is_what_prometheus_reads(judged, command):
    assert command("metrics", "toy", "--export", "history.om")[0] == 0
    text = (judged / "history.om").read_text()
    assert text.endswith("# EOF\n")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {family.type for family in families.values()} == {"gauge"}
    assert all(family.documentation for family in families.values())
    values = sorted(one.value for one in families["promotion_metric_value"].samples)
    assert values == sorted(value for value, _ in recorded().values())
    assert {len(families[f"promotion_metric_{name}"].samples) for name in ("gain", "gain_low")} == {
        sum(role == "champion" for _, role, _ in recorded())
    }
    assert command("metrics", "toy", "--export", "toy.prom")[0] == 0
    newest = {
        (one.labels["role"], one.labels["version"]): one.value
        for family in text_of_prometheus((judged / "toy.prom").read_text())
        for one in family.samples
        if one.name == "promotion_metric_value" and one.labels["metric"] == "roc_auc"
    }
    last = max(seq for seq, _, _ in recorded())
    assert newest == {
        ("challenger", "good"): recorded()[last, "challenger", "roc_auc"][0],
        ("champion", "weak"): recorded()[last, "champion", "roc_auc"][0],
    }


def test_plots_hold_every_metric_and_need_nothing_from_elsewhere(judged, command):
    for name in ("history.svg", "history.html"):
        assert command("metrics", "toy", "--plot", name)[0] == 0
        text = (judged / name).read_text()
        assert text.count("<path") > 10
        for metric in ("roc_auc", "brier_score"):
            assert f"{metric} over time" in text
        assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", text)


MISTAKES = [
    (["--metric", "roc_acu"], 1, "There is no measured metric 'roc_acu'. Did you mean 'roc_auc'?"),
    (["--export", "history.xls"], 2, "The name 'history.xls' does not show the format: expected a name that ends in .csv, .parquet, .om, .prom. Rename it, or give --format."),
    (["--export", "a.csv", "--format", "xls"], 2, "--format must be one of csv, parquet, openmetrics, prometheus, but is 'xls'."),
    (["--format", "csv"], 2, "--format csv applies to --export, which was not given. Name the file with --export."),
    (["--plot", "plot.png"], 2, "--plot must end in .svg or .html, but is 'plot.png'."),
    (["--export", "away/history.csv"], 1, "away/history.csv cannot be written (No such file or directory). Name a file in an existing folder that you can write to."),
    (["--plot", "p.svg", "--until", "2020-01-01"], 2, "There is nothing to plot: no decision on 'toy' measured these metrics in this time."),
    (["--since", "2026-02-01Z", "--until", "2026-01-01"], 2, "'2026-02-01Z' is not a valid time"),
    (["--since", "2026-02-01T00:00Z", "--until", "2026-01-01T00:00Z"], 2, "--since must be before --until, but 2026-02-01 00:00:00 UTC is after 2026-01-01 00:00:00 UTC."),
]  # fmt: skip


def test_what_cannot_be_is_one_sentence(with_champion, command):
    for options, code, says in MISTAKES:
        found = command("metrics", "toy", *options)
        assert (found[0], found[1], found[2].count("\n")) == (code, "", 1), options
        assert found[2].startswith(f"Error: {says}")
