import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import OneHotEncoder
from typer.testing import CliRunner
from xgboost import XGBClassifier

from registry_flows.fraud import data

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "ieee_cis_1500.csv"
CATEGORIES = ["ProductCD", "P_emaildomain", "R_emaildomain", "card4", "M1", "M2", "M3"]
DAY = 86_400

real_file = pytest.mark.skipif(not REAL.exists(), reason="the real rows are not shipped")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "transactions.csv"
    data.write(path, 12_345, days=6)
    return path


@cache
def four_months(drift):
    """The recipe's columns of 60,000 rows over 120 days."""
    kept = ["TransactionID", "isFraud", "TransactionDT", "TransactionAmt", *CATEGORIES]
    return pd.concat([frame[kept] for frame in data.generate(60_000, days=120, drift=drift)])


class TestFile:
    def test_has_394_columns_and_the_rows_asked_for(self, written):
        lines = written.read_text("ascii").splitlines()
        assert len(lines) == 12_346
        assert {line.count(",") for line in lines} == {393}
        assert lines[0].startswith("TransactionID,isFraud,TransactionDT,TransactionAmt,ProductCD,card1,")
        assert lines[0].endswith(",V338,V339")

    @real_file
    def test_has_the_real_header(self, written):
        with written.open() as made, REAL.open() as real:
            assert made.readline() == real.readline()

    @real_file
    def test_pandas_reads_the_real_dtypes(self, written):
        pd.testing.assert_series_equal(pd.read_csv(written).dtypes, pd.read_csv(REAL).dtypes)

    @real_file
    def test_gaps_and_values_are_about_as_frequent_as_in_the_real_rows(self, written):
        made, real = pd.read_csv(written), pd.read_csv(REAL)
        assert (made.isna().mean() - real.isna().mean()).abs().max() < 0.03
        for name in [*CATEGORIES, "card6", *(f"M{i}" for i in range(4, 10))]:
            shares, expected = (frame[name].value_counts(normalize=True) for frame in (made, real))
            assert shares.sub(expected, fill_value=0).abs().max() < 0.05, name
        assert made["TransactionAmt"].median() == pytest.approx(real["TransactionAmt"].median(), rel=0.2)
        assert made["C1"].median() == real["C1"].median()

    def test_missing_values_come_in_blocks(self, written):
        made = pd.read_csv(written, usecols=["ProductCD", "R_emaildomain", *(f"V{i}" for i in range(12, 35))])
        block = made.filter(like="V").isna()
        assert 0 < block["V12"].mean() < 1
        assert block.eq(block["V12"], axis=0).all(axis=None)
        assert made.loc[made["ProductCD"] == "W", "R_emaildomain"].isna().mean() > 0.95

    @pytest.mark.slow
    def test_numbers_look_like_those_of_the_real_file(self, written):
        made = pd.read_csv(written, dtype=str)
        assert made["card2"].dropna().str.fullmatch(r"\d+\.0").all()
        assert made["card1"].str.fullmatch(r"\d+").all()
        assert made["TransactionAmt"].str.fullmatch(r"\d+\.\d{1,3}").all()
        assert set(made["M4"].dropna()) == {"M0", "M1", "M2"}

    def test_reads_back_as_the_frames_that_generate_yields(self, written):
        frames = list(data.generate(12_345, days=6))
        assert [len(frame) for frame in frames] == [10_000, 2_345]
        pd.testing.assert_frame_equal(pd.read_csv(written), pd.concat(frames))

    def test_ids_are_consecutive_and_time_never_goes_back(self, written):
        made = pd.read_csv(written, usecols=["TransactionID", "TransactionDT"])
        assert made["TransactionID"].tolist() == list(range(2_987_000, 2_987_000 + 12_345))
        assert (made["TransactionDT"].diff().dropna() >= 0).all()
        assert made["TransactionDT"].iloc[0] == DAY
        assert made["TransactionDT"].iloc[-1] == pytest.approx(7 * DAY, abs=60)


class TestSeed:
    def test_fewer_rows_at_the_same_rate_are_a_prefix_byte_for_byte(self, tmp_path):
        short, long = tmp_path / "short.csv", tmp_path / "long.csv"
        data.write(short, 8_000, days=16.2, drift=1.0)
        data.write(long, 12_000, days=24.3, drift=1.0)
        assert long.read_bytes().startswith(short.read_bytes())

    def test_default_days_give_prefixes_too(self, tmp_path):
        short, long = tmp_path / "short.csv", tmp_path / "long.csv"
        data.write(short, 777)
        data.write(long, 1_234)
        assert long.read_bytes().startswith(short.read_bytes())

    def test_same_seed_same_bytes_and_other_seed_other_bytes(self, tmp_path):
        files = [tmp_path / name for name in ("one.csv", "same.csv", "other.csv")]
        for path, seed in zip(files, (1, 1, 2), strict=True):
            data.write(path, 500, seed=seed)
        one, same, other = (path.read_bytes() for path in files)
        assert one == same
        assert one != other


class TestFraud:
    @pytest.mark.slow
    @pytest.mark.parametrize("drift", [0.0, 1.0])
    def test_share_stays_near_three_and_a_half_percent(self, drift):
        for third in np.array_split(four_months(drift)["isFraud"].to_numpy(), 3):
            assert 0.03 < third.mean() < 0.04

    def test_without_drift_the_first_months_predict_the_last(self):
        rows = four_months(0.0)
        later = rows[days(rows) >= 90]
        assert 0.8 < roc_auc_score(later["isFraud"], trained(rows[days(rows) < 45])(later)) < 0.9

    @pytest.mark.slow
    def test_with_drift_a_model_trained_on_later_rows_is_truly_better(self):
        rows = four_months(1.0)
        later = rows[days(rows) >= 90]
        old, new = (trained(rows[days(rows) < end])(later) for end in (45, 90))
        for metric in (average_precision_score, roc_auc_score):
            gain, stderr = gained(metric, later["isFraud"].to_numpy(), old, new)
            assert gain > 3 * stderr, metric.__name__

    def test_drift_has_hardly_begun_on_the_first_day(self):
        drifting = [frame["isFraud"] for frame in data.generate(20_000, days=1, drift=1.0)]
        stationary = [frame["isFraud"] for frame in data.generate(20_000, days=1)]
        assert (pd.concat(drifting) == pd.concat(stationary)).mean() > 0.998


class TestWrite:
    def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(self, tmp_path):
        path = tmp_path / "transactions.csv"
        path.write_text("old")

        def interrupt(written, frauds):
            assert (written, frauds > 0) == (10_000, True)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            data.write(path, 20_000, on_progress=interrupt)
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_killed_write_leaves_nothing_under_the_final_name(self, tmp_path):
        path = tmp_path / "transactions.csv"
        program = (
            "import os, sys; from registry_flows.fraud import data; "
            "data.write(sys.argv[1], 20_000, on_progress=lambda rows, frauds: os.kill(os.getpid(), 9))"
        )
        ended = subprocess.run([sys.executable, "-c", program, path], check=False, cwd=Path(data.__file__).parents[2])
        assert ended.returncode == -9
        assert not path.exists()

    def test_progress_counts_rows_and_frauds(self, tmp_path):
        seen = []
        data.write(tmp_path / "t.csv", 20_500, on_progress=lambda rows, frauds: seen.append((rows, frauds)))
        assert [rows for rows, _ in seen] == [10_000, 20_000, 20_500]
        assert seen[-1][1] == pd.read_csv(tmp_path / "t.csv", usecols=["isFraud"])["isFraud"].sum()
        assert all(before[1] <= after[1] for before, after in pairwise(seen))

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"rows": 0}, "rows must be at least 1, got 0"),
            ({"rows": 5, "days": 0}, "days must be more than 0, got 0"),
            ({"rows": 5, "days": float("nan")}, "days must be more than 0, got nan"),
            ({"rows": 5, "seed": -1}, "seed must be 0 or more, got -1"),
            ({"rows": 5, "drift": -0.5}, r"drift must be 0 \(stationary\) or more, got -0.5"),
        ],
    )
    def test_a_number_out_of_range_is_refused_at_once(self, tmp_path, arguments, sentence):
        with pytest.raises(ValueError, match=f"^{sentence}$"):
            data.generate(**arguments)
        with pytest.raises(ValueError, match=f"^{sentence}$"):
            data.write(tmp_path / "t.csv", **arguments)
        assert not list(tmp_path.iterdir())


class TestCommand:
    def test_writes_the_file_and_says_so_in_one_line(self, tmp_path):
        path = tmp_path / "new" / "folder" / "t.csv"
        result = run("--rows", "2000", "--days", "4", "--out", path)
        assert result.exit_code == 0
        share = pd.read_csv(path, usecols=["isFraud"])["isFraud"].mean()
        size = path.stat().st_size / 1e6
        assert result.stdout == f"{path}: 2,000 rows over 4 days, {share:.2%} fraud, {size:.1f} MB\n"

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (("--rows", "0"), "Error: rows must be at least 1, got 0.\n"),
            (("--rows", "9", "--days", "-1"), "Error: days must be more than 0, got -1.\n"),
            (("--rows", "9", "--drift", "nan"), "Error: drift must be 0 (stationary) or more, got nan.\n"),
        ],
    )
    def test_a_number_out_of_range_is_a_sentence(self, tmp_path, options, sentence):
        result = run(*options, "--out", tmp_path / "new" / "t.csv")
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", sentence)
        assert not list(tmp_path.iterdir())

    def test_a_folder_that_cannot_be_made_is_a_sentence(self, tmp_path):
        (tmp_path / "file").write_text("")
        path = tmp_path / "file" / "t.csv"
        result = run("--rows", "9", "--out", path)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"Error: cannot write '{path}': File exists.\n"

    def test_a_folder_in_the_place_of_the_file_is_a_sentence(self, tmp_path):
        result = run("--rows", "9", "--out", tmp_path)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.strip() == f"Error: cannot write '{tmp_path}': Is a directory."

    def test_help_explains_every_option(self):
        result = run("--help")
        assert result.exit_code == 0
        for words in (
            "Number of transactions",
            "CSV file to write",
            "rows / 3245",
            "different rows",
            "0 keeps it constant",
        ):
            assert words in " ".join(result.stdout.split())


def run(*arguments):
    return CliRunner().invoke(data.app, [str(argument) for argument in arguments])


def days(rows):
    return (rows["TransactionDT"] - DAY) / DAY


def trained(rows, seed=27):
    """The fraud recipe in short: balance by undersampling, encode, boost; returns the scoring function."""
    fraud, fine = rows[rows["isFraud"] == 1], rows[rows["isFraud"] == 0]
    balanced = pd.concat([fraud, fine.sample(len(fraud), random_state=seed)])
    encoder = OneHotEncoder(handle_unknown="ignore").fit(categories(balanced))

    def features(some):
        return np.c_[encoder.transform(categories(some)).toarray(), some["TransactionAmt"]]

    model = XGBClassifier(
        n_estimators=100, learning_rate=0.1, max_depth=3, subsample=0.8, colsample_bytree=0.8, random_state=27, n_jobs=1
    ).fit(features(balanced), balanced["isFraud"])
    return lambda some: model.predict_proba(features(some))[:, 1]


def categories(rows):
    return rows[CATEGORIES].astype(object).fillna("missing")


def gained(metric, labels, old, new, replicates=60):
    """The gain of `new` and its standard error from a paired bootstrap."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(labels), (replicates, len(labels)))
    gains = [metric(labels[draw], new[draw]) - metric(labels[draw], old[draw]) for draw in draws]
    return metric(labels, new) - metric(labels, old), np.std(gains)
