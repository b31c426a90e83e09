import datetime as dt
import math
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.comparison import Slicing, compare
from promotion.comparison.slices import divide, read_slicings
from promotion.errors import ConfigError, DataError, UnknownName

DAY = 86400.0

no_value = st.sampled_from([None, math.nan, float("nan"), pd.NA, pd.NaT, np.float64("nan")])
words = st.sampled_from(["W", "w", "", '""', " ", "(missing)", "a, b", "b", "a", "1", "True", "nan", "é", "\ud800"])
numbers = st.sampled_from([0, 1, 1.0, True, False, -0.0, 0.0, 2, 10, math.inf, -math.inf, 1e300, Decimal(1)])
numbers |= st.floats(allow_nan=False) | st.integers(-(10**20), 10**20)
columns_of_anything = st.lists(no_value | words | numbers, min_size=1, max_size=30)
columns_of_numbers = st.lists(no_value | numbers, min_size=1, max_size=30)
weights_of_30 = st.lists(st.floats(1e-3, 1e3), min_size=30, max_size=30)


def columns_of(values):
    """An object array, as pandas gives for mixed columns."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return {"x": column}


def slices_of(values, weights=None, **slicing):
    given = values if isinstance(values, dict) else {"x": values}
    n_rows = len(next(iter(given.values())))
    (read,), columns = read_slicings(Slicing(by=tuple(given), **slicing), given, n_rows)
    return divide(read, columns, np.ones(n_rows) if weights is None else np.array(weights[:n_rows]))


def rows_by_name(*args, **kwargs):
    return {name: rows.tolist() for name, rows in slices_of(*args, **kwargs)}


def assert_partition(slices, n_rows):
    assert sorted(np.concatenate([rows for _, rows in slices]).tolist()) == list(range(n_rows))
    assert all(len(rows) and (np.diff(rows) > 0).all() for _, rows in slices)
    assert len({name for name, _ in slices}) == len(slices)
    assert "(missing)" not in [name for name, _ in slices][:-1]


@given(columns_of_anything)
def test_every_row_is_in_exactly_one_slice_whatever_the_column_holds(values):
    slices = slices_of(columns_of(values))

    assert_partition(slices, len(values))
    for name, rows in slices:
        name.encode()
        for value in (values[row] for row in rows):
            assert (name == "(missing)") == bool(pd.isna(value) or (isinstance(value, str) and value == "(missing)"))


@given(columns_of_anything, st.randoms())
def test_slices_do_not_depend_on_the_order_of_rows(values, random):
    order = list(range(len(values)))
    random.shuffle(order)

    there = slices_of(columns_of(values))
    again = slices_of(columns_of([values[place] for place in order]))

    assert [name for name, _ in there] == [name for name, _ in again]
    assert [rows.tolist() for _, rows in there] == [sorted(order[row] for row in rows) for _, rows in again]


@given(st.lists(st.tuples(no_value | words, no_value | words, words), min_size=1, max_size=30))
def test_a_crossing_holds_the_rows_that_share_all_their_values(rows):
    columns = {name: columns_of(values)["x"] for name, values in zip("abc", zip(*rows, strict=True), strict=True)}
    crossed = slices_of(columns)

    assert_partition(crossed, len(rows))
    codes = np.zeros((len(rows), 3), dtype=int)
    for place, column in enumerate(columns.values()):
        for code, (_, members) in enumerate(slices_of(column)):
            codes[members, place] = code
    assert [codes[members[0]].tolist() for _, members in crossed] == np.unique(codes, axis=0).tolist()
    for _, members in crossed:
        assert len(np.unique(codes[members], axis=0)) == 1


def test_slices_are_named_and_ordered_as_a_person_would():
    assert rows_by_name(np.array(["W", "C", None, "W", ""], dtype=object)) == {
        '""': [4],
        "C": [1],
        "W": [0, 3],
        "(missing)": [2],
    }
    assert list(rows_by_name(np.array([10.0, 2.0, np.nan, 0.5, -1.0]))) == ["-1", "0.5", "2", "10", "(missing)"]
    assert list(rows_by_name(columns_of([10, "b", 9.5, None, "B", True]))) == [
        "True",
        "9.5",
        "10",
        "B",
        "b",
        "(missing)",
    ]
    assert list(rows_by_name(np.array([0.1, 16777216], dtype="float32"))) == ["0.1", "16777216"]
    assert list(rows_by_name(np.array([True, False]))) == ["False", "True"]
    assert list(rows_by_name(columns_of([dt.date(2024, 5, 1), Decimal("1.50"), b"W"]))) == [
        "1.50",
        "2024-05-01",
        "W",
    ]


def test_a_crossing_is_named_by_its_parts_and_quotes_their_commas():
    columns = {
        "ProductCD": np.array(["W", "W", "C", "H", "a, b", "a"], dtype=object),
        "card4": np.array(["visa", None, "visa", "visa", "c", "b, c"], dtype=object),
    }

    assert list(rows_by_name(columns)) == [
        "C, visa",
        "H, visa",
        "W, visa",
        "W, (missing)",
        'a, "b, c"',
        '"a, b", c',
    ]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["W", "C", None, "W"]),
        pd.Series(["W", "C", None, "W"], dtype="category"),
        pd.Series(["W", "C", None, "W"], dtype=object),
        pd.Series(["W", "C", pd.NA, "W"], dtype="string"),
        pd.Series(["W", "C", None, "W"], dtype="string[pyarrow]"),
        ["W", "C", None, "W"],
        ("W", "C", math.nan, "W"),
    ],
    ids=str,
)
def test_words_may_come_in_any_type(column):
    assert rows_by_name(column) == {"C": [1], "W": [0, 3], "(missing)": [2]}


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([10, 2, None, 10]),
        pd.Series([10, 2, None, 10], dtype="Int64"),
        pd.Series([10, 2, None, 10], dtype="category"),
        pd.Series([10, 2, None, 10], dtype=object),
        pd.Series([10, 2, None, 10], dtype="float32"),
        [10, 2, None, 10.0],
    ],
    ids=str,
)
def test_numbers_may_come_in_any_type(column):
    assert rows_by_name(column) == {"2": [1], "10": [0, 3], "(missing)": [2]}
    assert rows_by_name(column, bins=2) == {"[2, 10)": [1], "[10, 10]": [0, 3], "(missing)": [2]}
    assert rows_by_name(column, window=8) == {"[2, 10)": [1], "[10, 18)": [0, 3], "(missing)": [2]}


def test_times_and_truths_may_be_sliced_by_value():
    times = pd.Series(["2024-05-02", None, "2024-05-01T12:30"]).pipe(pd.to_datetime, format="ISO8601")

    assert list(rows_by_name(times)) == ["2024-05-01T12:30", "2024-05-02", "(missing)"]
    assert rows_by_name(pd.Series([True, None, False], dtype="boolean")) == {
        "False": [2],
        "True": [0],
        "(missing)": [1],
    }


def test_bins_hold_equal_shares_and_close_the_last():
    assert rows_by_name(np.array([5, 1, 2.5, 8, 3, 7, 4, 6]), bins=4) == {
        "[1, 3)": [1, 2],
        "[3, 5)": [4, 6],
        "[5, 7)": [0, 7],
        "[7, 8]": [3, 5],
    }


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([0] * 9 + [1], ["[0, 1)", "[1, 1]"]),
        ([0] + [1] * 9, ["[0, 1)", "[1, 1]"]),
        ([7] * 5, ["[7, 7]"]),
        ([None, None], ["(missing)"]),
    ],
)
def test_ties_leave_fewer_bins(values, names):
    assert list(rows_by_name(columns_of(values), bins=4)) == names


def test_ends_of_bins_are_exact_when_short_and_else_told_apart():
    assert list(rows_by_name(np.array([68.769, 12345.67, 1 / 3, 2e20]), bins=4)) == [
        "[0.333333, 68.769)",
        "[68.769, 12345.67)",
        "[12345.67, 2e+20)",
        "[2e+20, 2e+20]",
    ]
    assert list(rows_by_name(np.array([-0.0, 1 / 3, 1 / 3 + 1e-9]), bins=3)) == [
        "[0, 0.333333333)",
        "[0.333333333, 0.333333334)",
        "[0.333333334, 0.333333334]",
    ]


@given(columns_of_numbers, st.integers(2, 12), weights_of_30)
def test_bins_partition_the_rows_in_ascending_order(values, bins, weights):
    slices = slices_of(columns_of(values), weights, bins=bins)

    assert_partition(slices, len(values))
    held = [[float(values[row]) for row in rows] for name, rows in slices if name != "(missing)"]
    assert len(held) <= bins
    assert all(max(low) < min(high) for low, high in pairwise(held))


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=40, unique=True), st.integers(2, 12))
def test_bins_of_distinct_numbers_are_of_equal_size(values, bins):
    sizes = [len(rows) for _, rows in slices_of(np.array(values), bins=bins)]

    assert len(sizes) == min(bins, len(values))
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), min_size=1), st.integers(2, 6))
def test_weights_shape_bins_as_repeated_rows_would(rows, bins):
    values, times = (np.array(each) for each in zip(*rows, strict=True))

    weighted = slices_of(values, times.astype(float), bins=bins)
    assert [name for name, _ in weighted] == [name for name, _ in slices_of(np.repeat(values, times), bins=bins)]


@given(st.lists(no_value | st.integers(-(10**6), 10**6), min_size=1, max_size=30), st.integers(10_000, 10**6))
def test_windows_hold_what_their_name_says(values, window):
    slices = slices_of(columns_of(values), window=window)

    assert_partition(slices, len(values))
    first = min((value for value in values if not pd.isna(value)), default=0)
    lows = []
    for name, rows in slices:
        if name != "(missing)":
            low, high = map(int, name.strip("[)").split(", "))
            assert high - low == window
            assert (low - first) % window == 0
            assert all(low <= values[row] < high for row in rows)
            lows.append(low)
    assert lows == sorted(lows)


@given(columns_of_numbers, st.floats(1e-3, 1e300))
def test_windows_partition_the_rows_or_say_why_not(values, window):
    try:
        slices = slices_of(columns_of(values), window=window)
    except DataError as error:
        assert str(error).endswith("Choose another window, or bins.")  # noqa: PT017
    else:
        assert_partition(slices, len(values))


@given(
    st.lists(st.integers(-(10**7), 10**7) | st.none(), min_size=1, max_size=30),
    st.sampled_from([("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60)]),
    st.integers(1, 50),
)
def test_windows_of_a_length_of_time_hold_the_moments_of_each(values, unit, count):
    window = count * unit[1]
    begin = next(each for each in (86_400, 3600, 60) if window % each == 0)
    low = min((value for value in values if value is not None), default=0) // begin * begin
    expected = {}
    for row, value in enumerate(values):
        place = math.inf if value is None else (value - low) // window
        expected.setdefault(place, []).append(row)
    moments = np.array(["NaT" if value is None else value for value in values], dtype="datetime64[s]")
    for precision in ("s", "ns"):
        try:
            slices = slices_of(moments.astype(f"datetime64[{precision}]"), window=f"{count}{unit[0]}")
        except DataError as error:
            assert "A slicing can have up to 1,000 slices" in str(error)  # noqa: PT017 - some draws are too many
            return
        assert [rows.tolist() for _, rows in slices] == [expected[place] for place in sorted(expected)]


def test_windows_of_whole_days_begin_at_midnight_in_every_form():
    texts = ["2024-12-02T10:30:00Z", "2024-12-01T23:00:00-02:00", None, "2024-12-09T00:00:00Z"]
    week = {"[2024-12-02, 2024-12-09)": [0, 1], "[2024-12-09, 2024-12-16)": [3], "(missing)": [2]}
    objects = np.array(texts, dtype=object)
    assert rows_by_name(objects, window="7d") == week
    assert rows_by_name(np.array([text and dt.datetime.fromisoformat(text) for text in texts]), window="1w") == week
    hours = {"[2024-12-02T01:00Z, 2024-12-02T07:00Z)": [1], "[2024-12-02T07:00Z, 2024-12-02T13:00Z)": [0]}
    assert rows_by_name(objects[:2], window="6h") == hours


def test_windows_of_a_day_without_rows_are_left_out():
    assert rows_by_name(np.array([86400, 90000, 1e6, np.nan, 15811131]), window=DAY) == {
        "[86400, 172800)": [0, 1],
        "[950400, 1036800)": [2],
        "[15724800, 15811200)": [4],
        "(missing)": [3],
    }


def test_a_slicing_says_how_it_divides():
    assert Slicing(by=("ProductCD",)).name == "ProductCD"
    assert Slicing(by="ProductCD") == Slicing(by=["ProductCD"])
    assert Slicing(by=("ProductCD", "card4")).name == "ProductCD x card4"
    assert Slicing(by=("TransactionAmt",), bins=4).name == "TransactionAmt in 4 bins"
    assert Slicing(by=("TransactionDT",), window=DAY).name == "TransactionDT in windows of 86400"


@pytest.mark.parametrize(
    ("slicing", "message"),
    [
        ({"by": ()}, "A slice needs at least one column, but names none. Name one, by = 'ProductCD'."),
        ({"by": ("x",), "bins": 1}, "The bins of a slice must be a whole number from 2 up, but are 1."),
        ({"by": ("x",), "bins": 2.0}, "The bins of a slice must be a whole number from 2 up, but are 2.0."),
        ({"by": ("x",), "bins": True}, "The bins of a slice must be a whole number from 2 up, but are True."),
        ({"by": ("x",), "window": 0}, "The window of a slice must be a number above 0, but is 0."),
        ({"by": ("x",), "window": "0d"}, "The window of a slice must be a number above 0, but is 0d."),
        (
            {"by": ("x",), "window": "1 month"},
            "The window of a slice must be a number or a duration, like 7d, but is '1 month'.",
        ),
        ({"by": ("x",), "window": math.nan}, "The window of a slice must be a number above 0, but is nan."),
        ({"by": ("x",), "window": math.inf}, "The window of a slice must be a number above 0, but is inf."),
        (
            {"by": ("x",), "bins": 2, "window": 1.0},
            "A slice can have bins or a window, but the one by 'x' has both. Leave one out.",
        ),
        (
            {"by": ("x", "y"), "bins": 4},
            "Bins and windows divide a single column, but 'x x y in 4 bins' names 2. Name one of them, or leave out the bins or the window.",
        ),
    ],
)
def test_a_slicing_that_cannot_be_is_a_sentence(slicing, message):
    with pytest.raises(ConfigError) as caught:
        Slicing(**slicing)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("column", "slicing", "message"),
    [
        (
            np.arange(1001),
            {},
            "A slicing can have up to 1,000 slices, but by 'x' there are 1,001. Divide a number into bins, for example bins = 4, or slice by another column.",
        ),
        (
            np.arange(2000.0),
            {"window": 1.0},
            "A slicing can have up to 1,000 slices, but by 'x' there are 2,000. Use a longer window.",
        ),
        (
            np.arange(5),
            {"bins": 1001},
            "A slicing can have up to 1,000 slices, but by 'x' there are 1,001. Use fewer bins.",
        ),
        (
            ["1", "2"],
            {"bins": 2},
            "Bins and windows need a column of numbers, but 'x' holds '1'. Convert it to a number, such as seconds for a time, or slice by its values.",
        ),
        (
            np.array(["2024-05-01"], dtype="datetime64[s]"),
            {"window": DAY},
            "Bins and windows need a column of numbers, but 'x' holds 'datetime64[s]'. Convert it to a number, write the window as a duration, like 7d, or slice by its values.",
        ),
        (
            [dt.date(2024, 12, 1)],
            {"window": DAY},
            "Bins and windows need a column of numbers, but 'x' holds datetime.date(2024, 12, 1). Convert it to a number, write the window as a duration, like 7d, or slice by its values.",
        ),
        (
            np.array([86400, 90000]),
            {"window": "7d"},
            "A window that is a duration needs a column of dates or datetimes, but column 'x' holds numbers such as 86400. Write the window as a number in the column's own unit, such as 604800 for a week of seconds.",
        ),
        (
            ["31/12/2024"],
            {"window": "7d"},
            "Column 'x' is read as times and must hold numbers, dates, datetimes or ISO 8601 text such as 2024-12-31 or 2024-12-31T14:30:00+01:00, but row 1 holds '31/12/2024'. Turn the column into one of these, for example by pandas.to_datetime.",
        ),
        (
            [0.0, math.inf],
            {"window": DAY},
            "Windows of 86400 cannot divide column 'x', whose numbers range from 0 to inf. Choose another window, or bins.",
        ),
    ],
)
def test_a_column_that_cannot_be_sliced_is_a_sentence(column, slicing, message):
    with pytest.raises(DataError) as caught:
        slices_of(column, **slicing)

    assert str(caught.value) == message


def test_a_column_of_lists_is_a_sentence():
    with pytest.raises(
        DataError, match=r"^The column 'x' must hold text or numbers to slice by, but also holds other values \(.*"
    ):
        slices_of(columns_of([["W"], "W"]))


def test_a_crossing_of_too_many_is_a_sentence():
    with pytest.raises(DataError, match=r"^A slicing can have up to 1,000 slices, but by 'a x b' there are 1,600\."):
        slices_of({"a": np.arange(1600) % 40, "b": np.arange(1600) // 40})


def test_slicings_are_read_from_names_slicings_mappings_and_frames():
    frame = pd.DataFrame({"ProductCD": ["W", "C"], "amount": [1.0, 2.0]})
    by_bins = Slicing(by=("amount",), bins=2)

    slicings, columns = read_slicings(["amount", by_bins, "amount"], frame, 2)
    assert slicings == (Slicing(by=("amount",)), by_bins)
    assert {name: column.tolist() for name, column in columns.items()} == {"amount": [1.0, 2.0]}
    assert read_slicings("amount", frame, 2)[0] == (Slicing(by=("amount",)),)
    assert read_slicings(by_bins, frame, 2)[0] == (by_bins,)
    assert read_slicings([["ProductCD", "amount"]], frame, 2)[0] == (Slicing(by=("ProductCD", "amount")),)
    for table in (frame, {"ProductCD": ["W", "C"], "amount": [1.0, 2.0]}):
        slicings, columns = read_slicings(table, None, 2)
        assert [slicing.name for slicing in slicings] == ["ProductCD", "amount"]
        assert {name: list(column) for name, column in columns.items()} == {
            "ProductCD": ["W", "C"],
            "amount": [1.0, 2.0],
        }


def test_a_column_that_is_not_there_names_the_nearest():
    with pytest.raises(UnknownName) as caught:
        read_slicings(["productcd"], pd.DataFrame({"ProductCD": ["W"], "card4": ["visa"]}), 1)
    assert str(caught.value) == "There is no column 'productcd'. Did you mean 'ProductCD'?"

    with pytest.raises(UnknownName) as caught:
        read_slicings([Slicing(by=("ProductCD", "card4"))], None, 1)
    assert str(caught.value) == "There is no column 'ProductCD'. Add it to `columns` to slice by it."


@pytest.mark.parametrize(
    "asked",
    [
        {"slices": ["x"]},
        {"slices": [Slicing(by=("y", "x"))]},
        {"slices": pd.DataFrame([[1, 2]] * 4, columns=["x", "x"])},
        {"metrics": ["expected_cost(fp=1, fn='x')"]},
    ],
)
def test_two_columns_of_one_name_are_refused_where_they_are_asked_for(asked):
    columns = pd.DataFrame([[1, 2, 3]] * 4, columns=["x", "y", "x"])
    wanted = {"metrics": ["roc_auc"], "columns": columns, **asked}
    with pytest.raises(
        DataError, match=r"^The table of columns has 2 columns named 'x' \(columns 1 and [23]\), so it is not"
    ):
        compare([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], **wanted)
    compare(
        [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], **{**wanted, "metrics": ["roc_auc"], "slices": ["y"]}
    )


@pytest.mark.parametrize(("column", "shape"), [([1, 2], "(2,)"), (np.ones((3, 1)), "(3, 1)"), ("W", "()")])
def test_a_column_holds_one_value_per_row(column, shape):
    with pytest.raises(DataError) as caught:
        read_slicings(["x"], {"x": column}, 3)

    assert str(caught.value) == (
        f"The column 'x' must hold one value for each of the 3 labels, but has the shape {shape}. "
        "Slice the labelled rows."
    )
