"""Times of rows: every form of a moment is the same time, and other text is never sorted as text."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recipes import ToyRecipe

from promotion.durations import in_units, span_of, timedelta_of
from promotion.errors import DataError
from promotion.holdout import clean, mature
from promotion.iso import timestamps_of
from promotion.provenance import TrainedBefore
from promotion.rows import read_rows, split_by_time
from promotion.time_columns import times_of
from promotion.times import bound_of

RECIPE = ToyRecipe()
NS = 10**9
BEGIN = datetime(2023, 12, 31, 22)  # noqa: DTZ001 - the forms say which zone it is in
seconds = st.integers(0, 400 * 86_400)
"""From an evening before a year's end, over a leap day and both changes of the clock."""


def moments(offsets):
    return [BEGIN + timedelta(seconds=offset) for offset in offsets]


def epochs(offsets):
    return [int(moment.replace(tzinfo=UTC).timestamp()) for moment in moments(offsets)]


def in_zones(offsets):
    """As text of different offsets, row by row."""
    zones = [timezone(timedelta(minutes=minutes)) for minutes in (0, 60, -330, 840)]
    aware = [moment.replace(tzinfo=UTC) for moment in moments(offsets)]
    return [moment.astimezone(zones[place % 4]).isoformat() for place, moment in enumerate(aware)]


FORMS = {
    "int64 seconds": lambda offsets: pd.Series(epochs(offsets)),
    "uint64": lambda offsets: pd.Series(offsets, dtype="uint64"),
    "float milliseconds": lambda offsets: pd.Series([1000.0 * epoch for epoch in epochs(offsets)]),
    "integers beyond 2^53": lambda offsets: pd.Series([epoch * NS for epoch in epochs(offsets)]),
    "the same, nullable": lambda offsets: pd.Series([epoch * NS for epoch in epochs(offsets)], dtype="Int64"),
    "the same, Arrow's": lambda offsets: pd.Series([epoch * NS for epoch in epochs(offsets)], dtype="int64[pyarrow]"),
    "Decimal objects": lambda offsets: pd.Series([Decimal(epoch) for epoch in epochs(offsets)], dtype=object),
    "int objects": lambda offsets: pd.Series([epoch * NS for epoch in epochs(offsets)], dtype=object),
    "datetime64[s]": lambda offsets: pd.Series(moments(offsets)).astype("datetime64[s]"),
    "datetime64[ns]": lambda offsets: pd.Series(moments(offsets)).astype("datetime64[ns]"),
    "aware": lambda offsets: pd.Series(moments(offsets)).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"),
    "datetime objects": lambda offsets: pd.Series(moments(offsets), dtype=object),
    "Arrow's timestamps": lambda offsets: pd.Series(
        moments(offsets), dtype="timestamp[ms, tz=America/New_York][pyarrow]"
    ),
    "periods": lambda offsets: pd.Series(pd.PeriodIndex(moments(offsets), freq="s")),
    "text": lambda offsets: pd.Series([moment.isoformat(" ") for moment in moments(offsets)]),
    "text objects": lambda offsets: pd.Series([moment.isoformat() for moment in moments(offsets)], dtype=object),
    "text without hyphens": lambda offsets: pd.Series([f"{moment:%Y%m%dT%H%M%S}" for moment in moments(offsets)]),
    "categories of text": lambda offsets: pd.Series(
        [f"{moment.isoformat()}Z" for moment in moments(offsets)], dtype="category"
    ),
    "text of mixed offsets": lambda offsets: pd.Series(in_zones(offsets)),
}


@pytest.mark.slow
@given(st.lists(seconds, min_size=2, max_size=40), st.floats(0.05, 0.95), st.randoms(use_true_random=False))
def test_every_form_of_the_same_moments_gives_the_same_split_in_every_order(offsets, share, random):
    def sides(column):
        rows = pd.DataFrame({"id": range(len(offsets)), "t": column})
        rows = rows.iloc[random.sample(range(len(rows)), len(rows))]
        split = split_by_time(rows, time="t", holdout=share)
        return set(split.training["id"]), set(split.holdout["id"])

    cut = sorted(offsets)[int(len(offsets) * (1 - share))]
    late = {place for place, offset in enumerate(offsets) if offset >= cut}
    early = set(range(len(offsets))) - late
    for form, made in FORMS.items():
        if early:
            assert sides(made(offsets)) == (early, late), form
        else:
            with pytest.raises(DataError, match=r"too many of them have the same time \("):
                sides(made(offsets))


@pytest.mark.slow
@given(st.lists(st.dates(date(1990, 1, 1), date(2030, 12, 31)), min_size=2, max_size=30))
@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%d %b %Y", "%Y/%m/%d", "%Y%m%d"])
def test_text_that_is_not_iso_8601_is_never_split(form, days):
    rows = pd.DataFrame({"t": [f"{day:{form}}" for day in days]})
    for column in (rows["t"], rows["t"].astype("category"), rows["t"].astype(object)):
        with pytest.raises(DataError) as caught:
            split_by_time(rows.assign(t=column), time="t", holdout=0.5)
        assert str(caught.value) == (
            "Column 't' is read as times and must hold numbers, dates, datetimes or ISO 8601 text such as "
            f"2024-12-31 or 2024-12-31T14:30:00+01:00, but row 1 holds '{rows['t'][0]}'. Turn the column into one of these, "
            "for example by pandas.to_datetime."
        )


ZONES = "hold timestamps without a zone throughout, as in its first row, but row 2 holds '2024-12-02T00:00:00Z'"


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (["2024-02-29", "2023-02-29"], "row 2 holds '2023-02-29'"),
        (["2024-12-01T23:59:60"], "row 1 holds '2024-12-01T23:59:60'"),
        (["2024-12-01", "now"], "row 2 holds 'now'"),
        (["2024-12-01", "NaT"], "row 2 holds 'NaT'"),
        (["2024"], "row 1 holds '2024'"),
        (["1733011200"], "row 1 holds '1733011200'"),
        (["2024-1-5"], "row 1 holds '2024-1-5'"),
        ([None, "2024-12-01", "2024-12-02T00:00:00Z"], ZONES.replace("row 2", "row 3")),
        (["2024-12-01", "2024-12-02T00:00:00Z"], ZONES),
        (
            [datetime(2024, 12, 1, tzinfo=UTC), datetime(2024, 12, 1)],  # noqa: DTZ001 - that is the point
            "hold timestamps with a zone throughout, as in its first row, but row 2 holds 2024-12-01 00:00:00 (datetime)",
        ),
        ([1, "2024-12-01"], "hold numbers throughout, as in its first row, but row 2 holds '2024-12-01'"),
        ([date(2024, 12, 1), 5], "hold dates or datetimes throughout, as in its first row, but row 2 holds 5 (int)"),
        ([time(12)], "row 1 holds 12:00:00 (time)"),
        ([True, False], "row 1 holds True (bool)"),
        ([timedelta(days=1)], "row 1 holds 1 day"),
        ([1j], "row 1 holds 1j (complex)"),
        ([b"2024-12-01"], "row 1 holds b'2024-12-01' (bytes)"),
        ([1.0, float("-inf")], "hold finite numbers, but row 2 holds -inf (float)"),
        ([1, Decimal("Infinity")], "hold finite numbers, but row 2 holds Infinity (Decimal)"),
    ],
)
def test_a_column_that_has_no_order_in_time_is_one_sentence(column, sentence):
    with pytest.raises(DataError, match=r"^Column 't' is read as times and must hold ") as caught:
        times_of(pd.Series(column, dtype=object, name="t"))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("dtype", ["bool", "boolean", "timedelta64[s]", "complex128", "duration[s][pyarrow]"])
def test_a_dtype_that_is_no_time_is_one_sentence(dtype):
    with pytest.raises(
        DataError, match=r"^Column 't' is read as times and must hold numbers, dates, .*, but row 1 holds "
    ):
        times_of(pd.Series([1, 0], name="t").astype(dtype))


def test_rows_without_a_time_are_told_apart_in_every_form():
    day = date(2024, 12, 1)
    for column in (
        pd.Series([None, day, pd.NaT, pd.NA], dtype=object),
        pd.Series(pa.array([None, day, None, None]), dtype=pd.ArrowDtype(pa.date32())),
        pd.Series([None, "2024-12-01", "", "  "]),
        pd.Series([None, "2024-12-01", None, None], dtype="category"),
        pd.Series([None, 5, None, None], dtype="Int64"),
        pd.Series([None, 5.0, float("nan"), None]),
    ):
        times = times_of(column.rename("t"))
        assert times.missing.tolist() == [True, False, True, True]
        assert times.said in {"timestamps without a zone such as 2024-12-01", "numbers such as 5"}
        with pytest.raises(
            DataError, match=r"^Column 't' orders the rows in time and must not be empty, but row 1 is\.$"
        ):
            split_by_time(pd.DataFrame({"t": column}), time="t", holdout=0.5)
    assert times_of(pd.Series([None, None], name="t")).said == "numbers"


def test_a_split_needs_rows_and_their_column():
    with pytest.raises(DataError, match=r"^The data has no column 'day', which orders its rows in time\. Did you"):
        split_by_time(pd.DataFrame({"days": [1, 2]}), time="day", holdout=0.5)
    with pytest.raises(DataError, match=r"^There are no rows to split by 't'\.$"):
        split_by_time(pd.DataFrame({"t": []}), time="t", holdout=0.5)


@pytest.mark.parametrize(
    ("text", "moment", "zone"),
    [
        ("2024-12", "2024-12-01", False),
        ("2024-12-31", "2024-12-31", False),
        ("2024-12-31 14", "2024-12-31T14", False),
        ("2024-12-31t14:30:05,25z", "2024-12-31T14:30:05.25", True),
        ("2024-12-31T14:30:05.123456789+01", "2024-12-31T13:30:05.123456789", True),
        ("20241231T143005-0330", "2024-12-31T18:00:05", True),
        ("2024-W01", "2024-01-01", False),
        ("2026-W53-7", "2027-01-03", False),
        ("0001-01-01", "0001-01-01", False),
        ("9999-12-31", "9999-12-31", False),
        ("2024-W53", "NaT", False),
        ("2024-336", "NaT", False),
        ("2024-12-31T24:00", "NaT", False),
        ("2024-12-31T14:30+25:00", "NaT", True),
        ("٢٠٢٤-12-31", "NaT", False),
    ],
)
def test_iso_8601_is_read_as_the_standard_says(text, moment, zone):
    (found,), (zoned,) = timestamps_of([f" {text} "])
    assert np.datetime_as_string(found) == np.datetime_as_string(np.datetime64(moment).astype(found.dtype))
    assert zoned == zone


@given(
    st.lists(seconds, min_size=1, max_size=30),
    st.sampled_from(["s", "m", "h", "d", "w"]),
    st.integers(0, 500),
    st.sampled_from(["ns", "us", "ms", "s"]),
)
def test_a_length_of_time_leaves_out_the_same_rows_of_numbers_and_of_moments(offsets, letter, count, unit):
    span = span_of(f"{count}{letter}")
    length = timedelta_of(span).total_seconds()
    left = [place for place, offset in enumerate(offsets) if max(offsets) - offset >= length]
    numbers = np.array(epochs(offsets), dtype="int64") * int(in_units(timedelta(seconds=1), unit))
    columns = [(pd.Series(numbers), unit), *((FORMS[form](offsets), None) for form in ("aware", "text", "periods"))]
    for column, its_unit in columns:
        rows = pd.DataFrame({"t": column})
        if left:
            assert mature(rows, RECIPE, span, its_unit).index.tolist() == left
        else:
            with pytest.raises(
                DataError, match=rf"^`mature_after` requires rows at least {span} older than the newest, "
            ):
                mature(rows, RECIPE, span, its_unit)


def test_a_length_of_time_needs_a_unit_and_a_number_needs_numbers():
    numbers, days = pd.DataFrame({"t": [86400, 90000]}), pd.DataFrame({"t": ["2024-12-01", "2024-12-31"]})
    with pytest.raises(DataError) as caught:
        mature(numbers, RECIPE, "7d")
    assert str(caught.value) == (
        "`mature_after` is 7d, but column 't' holds numbers such as 86400, whose unit is unknown. Set the unit beside it, "
        'like time_unit = "s", or write `mature_after` as a number in that unit.'
    )
    with pytest.raises(DataError) as caught:
        mature(days, RECIPE, 604800.0, "s")
    assert str(caught.value) == (
        "`mature_after` is 604800, but column 't' holds timestamps without a zone such as 2024-12-01, so the number has no "
        'unit. Write a duration, like mature_after = "7d".'
    )
    assert mature(days, RECIPE, "30d")["t"].tolist() == ["2024-12-01"]
    with pytest.raises(DataError, match=r"^`mature_after` requires rows at least 999999999d older than the newest, "):
        mature(days, RECIPE, "999999999d")
    young = pd.DataFrame({"t": pd.Series([5, 6], dtype="uint8")})
    with pytest.raises(DataError, match=r"^`mature_after` requires rows at least 300 older"):
        mature(young, RECIPE, 300.0)


@pytest.mark.parametrize(
    ("given_as", "bound"),
    [
        ("1200", 1200.0),
        (1200, 1200.0),
        (np.float32(0.5), 0.5),
        (Decimal("1.5"), 1.5),
        (" 2024-12-01 ", "2024-12-01"),
        (date(2024, 12, 1), "2024-12-01"),
        (datetime(2024, 12, 1, tzinfo=timezone(timedelta(hours=1))), "2024-12-01T00:00:00+01:00"),
        (pd.Timestamp("2024-12-01"), "2024-12-01T00:00:00"),
        (np.datetime64("2024-12-01"), "2024-12-01"),
    ],
)
def test_a_bound_is_a_number_or_a_moment(given_as, bound):
    assert bound_of(given_as) == bound
    assert type(bound_of(given_as)) is type(bound)


@pytest.mark.parametrize("text", ["31/12/2024", "May", "nan", "inf", "", "2023-02-29", "7d", True, pd.NaT])
def test_a_bound_that_is_no_time_is_one_sentence(text):
    with pytest.raises(DataError) as caught:
        bound_of(text)
    assert str(caught.value) == (
        f"'{text}' is not a valid time: expected a number in the unit of the recipe's time, or a moment like 2024-12-01 or "
        "2024-12-01T14:30:00+01:00."
    )


NAIVE = ["2024-11-30T23:30:00", "2024-12-01", None, "2024-12-01T00:30:00"]
AWARE = ["2024-11-30T23:30:00Z", "2024-12-01T01:00:00+01:00", None, "2024-12-01T00:30:00Z"]


@pytest.mark.parametrize(
    ("times", "bound", "left"),
    [
        ([1, 2, None, 3], 2.0, [1, 3]),
        ([2**60, 2**60 + 1, None, 2**60 + 2], float(2**60), [0, 1, 3]),
        (NAIVE, "2024-12-01", [1, 3]),
        (NAIVE, "2024-12", [1, 3]),
        (AWARE, "2024-12-01", [1, 3]),
        (AWARE, "2024-12-01T00:00:00+01:00", [0, 1, 3]),
        (AWARE, "2024-12-01T00:30:00Z", [3]),
    ],
)
def test_rows_before_the_bound_and_rows_without_a_time_judge_nothing(times, bound, left):
    rows = pd.DataFrame({"id": range(4), "y": 0, "t": pd.Series(times, dtype=object)})
    assert clean(rows, RECIPE, TrainedBefore(bound)).rows.index.tolist() == left


@pytest.mark.parametrize(
    ("times", "bound", "sentence"),
    [
        (
            [86400, 90000],
            "2024-12-01",
            "2024-12-01 does not fit column 't', which holds numbers such as 86400. Adopt the version with a number in the "
            "column's own unit.",
        ),
        (
            NAIVE,
            1200.0,
            "1200 does not fit column 't', which holds timestamps without a zone such as 2024-11-30T23:30. Adopt the version "
            "with a date or a time, like 2024-12-01.",
        ),
        (
            NAIVE,
            "2024-12-01T00:00:00+01:00",
            "2024-12-01T00:00:00+01:00 does not fit column 't', which holds timestamps without a zone such as "
            "2024-11-30T23:30. Adopt the version with a time without a zone, as the column has it.",
        ),
    ],
)
def test_a_bound_of_another_kind_is_one_sentence(times, bound, sentence):
    rows = pd.DataFrame({"id": range(len(times)), "y": 0, "t": times})
    with pytest.raises(DataError) as caught:
        clean(rows, RECIPE, TrainedBefore(bound))
    assert str(caught.value) == f"--trained-before {sentence}"


def test_rows_without_the_time_column_that_the_recipe_names_are_one_sentence():
    rows = pd.DataFrame({"id": [1, 2], "y": [0, 1], "when": [1, 2]})
    for asked in (lambda: mature(rows, RECIPE, 1.0), lambda: clean(rows, RECIPE, TrainedBefore(1.0))):
        with pytest.raises(DataError, match=r"^The data has no column 't', which the recipe names as its time\."):
            asked()


def test_later_rows_are_those_after_all_others_in_any_precision():
    fine = times_of(pd.Series(["2024-12-01T00:00:00.000000001", "2024-12-01", None]).rename("t"))
    coarse = times_of(pd.Series(["2024-12-01", "0001-01-01", None]).rename("t"))
    assert fine.after(coarse).tolist() == [True, False, False]
    assert coarse.after(times_of(pd.Series([None], dtype="datetime64[s]"))).tolist() == [False] * 3
    numbers = times_of(pd.Series([1, 2, 3]).rename("t"))
    assert numbers.after(times_of(pd.Series([2]))).tolist() == [False, False, True]
    with pytest.raises(
        DataError, match=r"^Column 't' holds numbers such as 1 in newer rows, and timestamps without a zone "
    ):
        numbers.after(coarse)


class TestReading:
    @pytest.fixture
    def read(self, tmp_path):
        def read(column, suffix):
            path = tmp_path / f"rows{suffix}"
            rows = pd.DataFrame({"id": range(len(column)), "t": column})
            rows.to_csv(path, index=False) if suffix == ".csv" else rows.to_parquet(path)
            return read_rows(path, {"t": "time"})["t"]

        return read

    @pytest.mark.parametrize("suffix", [".csv", ".parquet"])
    @pytest.mark.parametrize(
        ("column", "dtype"),
        [
            ([3, 1, 2**60 + 1], "int64"),
            ([3.5, 1, None], "float64"),
            (["2024-12-31", "2024-12-01", None], "datetime64[us]"),
            (["2024-12-31T00:00:00+01:00", "2024-12-01T00:00:00Z", None], "datetime64[us, UTC]"),
            ([date(2024, 12, 31), date(2024, 12, 1), None], None),
            (pd.date_range("2024-12-01", periods=3, tz="Europe/Berlin"), None),
        ],
    )
    def test_a_time_is_a_number_or_a_moment_whatever_the_file(self, read, column, dtype, suffix):
        found = read(column, suffix)
        assert dtype is None or found.dtype == dtype
        assert times_of(found).points.tolist() == times_of(pd.Series(column)).points.tolist() or found.isna().any()
        assert found.isna().tolist() == pd.Series(column).isna().tolist()
        assert found.argsort().tolist() == pd.to_datetime(pd.Series(column), utc=True).argsort().tolist()

    @pytest.mark.parametrize("suffix", [".csv", ".parquet"])
    def test_other_text_is_one_sentence_that_names_the_file(self, read, suffix, tmp_path):
        with pytest.raises(DataError) as caught:
            read(["2024-12-01", "31/12/2024"], suffix)
        assert str(caught.value).startswith(
            f"Column 't' of {tmp_path}/rows{suffix} is read as times and must hold numbers, dates, datetimes or "
        )
        assert ", but row 2 holds '31/12/2024'. Turn" in str(caught.value)

    @pytest.mark.parametrize("texts", [["5", "NA", "", "7.5"], ["2024-12-01", "NA", "", "2024-12-02"]])
    def test_a_field_that_says_nothing_is_no_time(self, tmp_path, texts):
        (tmp_path / "rows.csv").write_text(
            "\n".join(["id,t", *(f"{place},{text}" for place, text in enumerate(texts)), ""])
        )
        assert read_rows(tmp_path / "rows.csv", {"t": "time"})["t"].isna().tolist() == [False, True, True, False]

    @pytest.mark.parametrize("suffix", [".csv", ".parquet"])
    def test_a_moment_where_a_number_must_be_is_told_how_to_be_read(self, tmp_path, suffix):
        rows = pd.DataFrame({"t": ["2024-12-01"]})
        rows.to_csv(tmp_path / "rows.csv", index=False)
        rows.to_parquet(tmp_path / "rows.parquet")
        with pytest.raises(
            DataError, match=r"must hold numbers, but row 1 holds '2024-12-01'\. Read dates and times as \"time\"\.$"
        ):
            read_rows(tmp_path / f"rows{suffix}", {"t": "number"})

    def test_numbers_with_something_else_among_them_are_one_sentence(self, read):
        with pytest.raises(
            DataError, match=r"hold numbers throughout, as in its first row, but row 2 holds '2024-12-01'"
        ):
            read([5, "2024-12-01"], ".csv")
