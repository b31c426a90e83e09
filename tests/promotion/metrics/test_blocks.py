"""Blocks of time, used if the configuration does not say how rows depend on each other."""

import numpy as np
import pandas as pd
import pytest

from promotion.comparison import compare
from promotion.errors import ConfigError, DataError
from promotion.metrics import DrawnAs, Error
from promotion.metrics.blocks import blocks_of, windows_of

DAY = 86400.0


@pytest.mark.parametrize(
    ("days", "length", "count"),
    [(7, 1, 7), (14, 1, 14), (28, 1, 28), (30, 1, 30), (31, 2, 16), (60, 2, 30), (61, 3, 21), (365, 13, 29)],
)
def test_whole_days_make_seven_to_thirty_blocks(days, length, count):
    times = 19000 * DAY + np.linspace(0, days * DAY - 1, 5000)
    blocks = blocks_of(times, DAY)
    assert blocks.days == length
    assert len(np.unique(blocks.codes)) == count
    assert np.array_equal(blocks.codes, (times // DAY - 19000).astype(int) // length)


@pytest.mark.parametrize(("times", "day"), [(np.arange(5000.0), None), (np.arange(0, 6 * DAY, 60), DAY)])
def test_without_a_week_of_days_the_time_is_cut_into_twenty_equal_parts(times, day):
    blocks = blocks_of(times, day)
    assert blocks.days is None
    assert np.bincount(blocks.codes) == pytest.approx(np.full(20, len(times) / 20), abs=1)


@pytest.mark.parametrize("day", [DAY, None])
def test_one_wrong_time_does_not_put_all_other_rows_into_one_block(day):
    times = np.linspace(0, 14 * DAY, 2000, endpoint=False)
    far = np.append(times, 30 * 365 * DAY)
    blocks = blocks_of(far, day)
    assert np.sort(np.bincount(blocks.codes))[-14 if day else -20] > 2000 / 30
    if day:
        assert np.array_equal(blocks.codes[:-1], blocks_of(times, day).codes)


def test_seven_dates_are_a_week():
    dates = np.repeat(np.arange(19000, 19007), 10) * DAY
    assert (blocks_of(dates, DAY).days, len(np.unique(blocks_of(dates, DAY).codes))) == (1, 7)


def test_days_without_rows_are_passed_over():
    times = np.concatenate([np.linspace(start, start + 4 * DAY, 100, endpoint=False) for start in (0, 400 * DAY)])
    assert np.unique(blocks_of(times, DAY).codes).tolist() == list(range(8))


def test_times_of_every_kind_give_the_same_blocks():
    labels, champion, challenger, when = stream(3, 14, 60, 0.5)
    moments = pd.Series(pd.to_datetime(when, unit="s"))
    kinds = (
        moments, moments.dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"), moments.dt.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        [one.to_pydatetime() for one in moments], moments.astype("datetime64[ms]").to_numpy(),
    )  # fmt: skip
    found = [compare(labels, champion, challenger, metrics=["log_loss"], time=one)["log_loss"].stderr for one in kinds]
    assert found == [found[0]] * len(kinds)
    with pytest.raises(DataError, match="must hold numbers, dates, datetimes or ISO 8601 text"):
        compare(labels, champion, challenger, metrics=["log_loss"], time=labels > 0)
    with pytest.raises(ConfigError, match=r"length of a day must be a number above 0 .* but is 0"):
        compare(labels, champion, challenger, metrics=["log_loss"], time=when, day=0)


def test_windows_begin_at_multiples_of_their_length():
    assert windows_of(np.array([-1.0, 0.0, 86399.0, 86400.0, 200000.0]), DAY).tolist() == [0, 1, 1, 2, 3]


def stream(seed, days, a_day, of_days):
    """Rows of a stream; of each model's error, `of_days` is common to a day."""
    rng = np.random.default_rng(seed)
    when = np.sort(rng.random(days * a_day)) * days
    labels = (rng.random(len(when)) < 0.3).astype(int)

    def errors():
        return of_days * rng.normal(size=days)[when.astype(int)] + rng.normal(size=len(when))

    shared = errors() + 1.5 * labels - 1
    return labels, *(1 / (1 + np.exp(-shared - 0.5 * errors())) for _ in range(2)), when * DAY


def test_days_that_have_something_in_common_widen_the_bounds():
    labels, champion, challenger, when = stream(1, 28, 100, 1.0)
    rows = compare(labels, champion, challenger, metrics=["log_loss"])["log_loss"]
    found = compare(labels, champion, challenger, metrics=["log_loss"], time=when, day=DAY)
    by = found["log_loss"]
    assert (found.dependence.drawn_as, found.dependence.days, found.dependence.count) == (DrawnAs.BLOCKS, 1, 28)
    assert by.stderr > 1.5 * rows.stderr
    assert by.beside == Error(rows.stderr)
    named = compare(labels, champion, challenger, metrics=["log_loss"], groups=(when // DAY).astype(int))["log_loss"]
    assert (by.stderr, by.dof) == pytest.approx((named.stderr, named.dof), rel=1e-12)


def test_no_bound_is_nearer_than_that_of_rows():
    for seed in range(10):
        labels, champion, challenger, when = stream(seed, 14, 60, 0.0)
        rows = compare(labels, champion, challenger, metrics=["roc_auc", "log_loss"])
        timed = compare(labels, champion, challenger, metrics=["roc_auc", "log_loss"], time=when, day=DAY)
        for one, other in zip(rows.metrics, timed.metrics, strict=True):
            for alpha in (0.05, 0.0076, 0.001):
                assert other.lower_bound(alpha) <= one.lower_bound(alpha)
                assert other.challenger_upper_bound(alpha) >= one.challenger_upper_bound(alpha)
            assert abs(other.p_value - 0.5) <= abs(one.p_value - 0.5)


def test_moments_need_no_unit_and_equal_seconds():
    labels, champion, challenger, when = stream(3, 20, 50, 0.5)
    moments = np.datetime64("2026-03-01", "s") + when.astype("timedelta64[s]")
    one = compare(labels, champion, challenger, metrics=["roc_auc"], time=moments)
    other = compare(labels, champion, challenger, metrics=["roc_auc"], time=np.floor(when), day=DAY)
    assert one["roc_auc"] == other["roc_auc"]
    assert one.dependence == other.dependence


def test_what_a_person_says_is_recorded():
    labels, champion, challenger, when = stream(4, 10, 50, 0.5)
    rows = compare(labels, champion, challenger, metrics=["roc_auc"])
    said = compare(labels, champion, challenger, metrics=["roc_auc"], time=when, dependence="independent")
    assert said["roc_auc"] == rows["roc_auc"]
    assert said.dependence.drawn_as is DrawnAs.INDEPENDENT
    assert rows.dependence is None


def test_a_slice_by_time_has_blocks_of_its_own():
    labels, champion, challenger, when = stream(5, 28, 100, 0.5)
    halves = {"half": np.where(when < 14 * DAY, "first", "second")}
    found = compare(labels, champion, challenger, metrics=["log_loss"], slices=halves, time=when, day=DAY)
    assert [(part.dependence.count, part.dependence.days) for part in found.slices] == [(14, 1), (14, 1)]


@pytest.mark.parametrize(
    ("on_days", "said"),
    [
        ((3, 4), "by 20 blocks of 1 day; the larger one decides."),
        ((3,), "decides. One block contains all rows of a class, so metrics by class use the error by row only."),
    ],
)
def test_where_blocks_tell_no_error_it_is_said(on_days, said):
    _, champion, challenger, when = stream(7, 20, 50, 0.5)
    labels = np.isin(when // DAY % 20, on_days).astype(int)
    found = compare(labels, champion, challenger, metrics=["roc_auc"], time=when, day=DAY)
    assert found.dependence.sentence.endswith(said)
    assert (found["roc_auc"].beside is None) == (len(on_days) == 1)


def test_rows_of_one_moment_are_judged_as_rows():
    labels, champion, challenger, _ = stream(6, 3, 100, 0.5)
    rows = compare(labels, champion, challenger, metrics=["roc_auc"])
    timed = compare(labels, champion, challenger, metrics=["roc_auc"], time=np.zeros(300))
    assert timed["roc_auc"] == rows["roc_auc"]
    assert timed.dependence.sentence == (
        "Standard errors treat each row as independent, because all rows fall into one block of time."
    )
