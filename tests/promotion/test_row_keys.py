"""The one text of a row's key, whatever file or column it comes from."""

import re
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyarrow import csv

from promotion.earlier_keys import possible_first_fingerprints
from promotion.errors import DataError
from promotion.row_keys import FIRST_FORM, fingerprints, key_texts, keys_in
from promotion.rows import check_rows, read_rows, split_by_hash

NOW = pd.DatetimeIndex(["2024-01-01 10:00:00.500", "2024-01-02", None])
UNITS = ("s", "ms", "us", "ns")
WIDTHS = ("int8", "uint8", "int16", "int64", "uint64", "Int64", "UInt8", "float16", "float32", "float64", "Float64")


def texts(values, dtype=None):
    return key_texts(pd.Series(values, dtype=dtype, name="id")).to_pylist()


class TestTextOfAType:
    @pytest.mark.parametrize(
        "dtype", [*WIDTHS, "int32[pyarrow]", "uint64[pyarrow]", "double[pyarrow]", object, "category"]
    )
    def test_whole_numbers_of_every_width_are_their_digits(self, dtype):
        assert texts([7, 0, 100], dtype) == ["7", "0", "100"]

    @pytest.mark.parametrize("dtype", ["uint64", "UInt64", object, "uint64[pyarrow]"])
    def test_the_largest_ids_stay_apart(self, dtype):
        assert texts([2**64 - 1, 2**64 - 2], dtype) == ["18446744073709551615", "18446744073709551614"]

    def test_a_column_of_numbers_that_once_had_a_gap_holds_the_same_ids(self):
        assert texts([2987000.0, None, -0.0]) == texts([2987000, None, 0], "Int64") == ["2987000", None, "0"]

    def test_a_fraction_changes_no_other_row(self):
        assert texts([1.0, 1.5, 2.0, 1e-7]) == ["1", "1.5", "2", "1e-07"]
        assert texts([0.1], "float32") == ["0.1"]

    @pytest.mark.parametrize(
        ("value", "dtype", "said"),
        [
            (2.0**53, "float64", "9007199254740992.0 in row 2, a floating-point number (float64). From 9,007,199,254"),
            (2.0**24, "float32", "1.6777216e+07 in row 2, a floating-point number (float32). From 16,777,216 up, such"),
            (float("inf"), "float64", "inf in row 2, a floating-point number (float64). From"),
            (1e19, object, "1e+19 in row 2, a floating-point number (float64). From"),
        ],
    )
    def test_floating_point_numbers_that_stand_for_several_ids_are_refused(self, value, dtype, said):
        with pytest.raises(DataError, match=re.escape(f"Column 'id' identifies the rows, but holds {said}")):
            texts([1, value], dtype)
        again = said.replace("in row 2", "in row 3")
        with pytest.raises(DataError, match=re.escape(f"Column 'id' identifies the rows, but holds {again}")):
            texts(pd.Series([1, 1, value], dtype=dtype).astype("category"))
        assert texts([1, 2.0**53 - 1]) == ["1", "9007199254740991"]

    def test_text_is_itself_in_every_column_of_text(self):
        ids = ["000123", "1e5", "NA", "nan", "0x1F", " 7", "1.10", "é", "12345678901234567890", "2024-01-01"]
        for dtype in ("str", object, "string", "string[pyarrow]", "category", pd.ArrowDtype(pa.large_string())):
            assert texts(ids, dtype) == ids

    @pytest.mark.parametrize("dtype", ["str", object, "string", "category", "string[pyarrow]"])
    def test_an_empty_text_is_missing(self, dtype):
        assert texts(["a", "", None], dtype) == ["a", None, None]

    def test_decimals_are_written_out(self):
        ids = [Decimal("1.10"), Decimal("1E+2"), Decimal("0.00000001"), Decimal("NaN"), None]
        assert texts(ids) == ["1.10", "100", "0.00000001", None, None]
        assert texts([Decimal("1.10")], pd.ArrowDtype(pa.decimal128(10, 2))) == ["1.10"]

    @pytest.mark.parametrize("unit", UNITS[1:])
    def test_moments_of_every_resolution_are_iso_8601(self, unit):
        moments = NOW.astype(f"datetime64[{unit}]")
        expected = ["2024-01-01 10:00:00.5", "2024-01-02", None]
        for column in (moments, moments.astype(object), pd.Series(moments, dtype=f"timestamp[{unit}][pyarrow]")):
            assert texts(column) == expected
        assert texts([date(2024, 1, 2), None]) == texts([date(2024, 1, 2), None], "date32[pyarrow]") == expected[1:]

    def test_moments_with_a_zone_are_in_utc(self):
        there = NOW.tz_localize("Europe/Berlin")
        expected = ["2024-01-01 09:00:00.5+00:00", "2024-01-01 23:00:00+00:00", None]
        assert texts(there) == texts(there.astype(object)) == texts(there.tz_convert("UTC")) == expected
        assert texts([datetime(2024, 1, 1, 23, tzinfo=UTC)]) == expected[1:2]

    def test_text_that_is_a_moment_has_its_one_form(self):
        for written in ("2024-01-01T10:00:00", "2024-01-01 10:00", "2024-01-01 10:00:00.000", "2024-01-01 10:00:00"):
            assert texts([written, "x"]) == ["2024-01-01 10:00:00", "x"]
        for written in ("2024-01-01T10:00:00Z", "2024-01-01 11:00+01:00", "2024-01-01T05:30:00-0430"):
            assert texts([written]) == ["2024-01-01 10:00:00+00:00"]
        assert texts(["2024-01-01T00:00:00", "2024-01-01"]) == ["2024-01-01", "2024-01-01"]
        for none in ("2024-13-01T10:00:00", "2024-02-30T10:00:00+01:00", "2024-01-01T25:00:00", "20240101T100000"):
            assert texts([none]) == [none]

    def test_other_values_are_their_str_and_bytes_the_text_they_hold(self):
        one = uuid.UUID(int=5)
        assert texts([one, True, time(12, 30), (1, 2)]) == [str(one), "True", "12:30:00", "(1, 2)"]
        assert texts([True, None], "boolean") == ["True", None]
        assert texts([b"abc", b"\xff\x00"]) == ["abc", "ff00"]

    def test_what_has_no_text_is_refused(self):
        with pytest.raises(
            DataError, match=r"^Column 'id' identifies the rows, but holds <object object at .*>, which is not text"
        ):
            texts([object()])
        with pytest.raises(
            DataError, match=r"^Column 'id' identifies the rows, but holds '\\ud800', which is not valid Unicode"
        ):
            texts(["\ud800"], object)

    def test_a_missing_key_has_no_fingerprint(self):
        with pytest.raises(DataError, match=r"^Column 'id' identifies the rows and must not be empty, but row 2 is\.$"):
            fingerprints(pd.Series(["nan", None], name="id"))


whole = st.integers(-(2**70), 2**70)
written = st.one_of(
    whole.map(str),
    st.integers(0, 999).map("{:06d}".format),
    st.text(
        st.characters(codec="utf-8", exclude_characters='\r\n\0",', exclude_categories=["C"]), min_size=1, max_size=8
    ),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.dates().map(str),
    st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2200, 1, 1)).map(str),  # noqa: DTZ001 - naive is meant
    st.uuids().map(str),
    st.sampled_from(["NA", "null", "nan", "None", "True", "1e5", "0x1F", "inf", "12:30", "A1", "2024-01-01T00:00:00Z"]),
)


def file_of(folder, ids, name="rows.csv"):
    path = folder / name
    path.write_text("id,y\n" + "".join(f"{one},{place % 2}\n" for place, one in enumerate(ids)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


def read(path):
    return read_rows(path, {"id": "key", "y": "number"})


class TestFiles:
    @given(ids=st.lists(written, min_size=1, max_size=8, unique=True), other=written)
    def test_no_row_changes_another_ones_fingerprint_or_side(self, folder, ids, other):
        before, after = (read(file_of(folder, each)) for each in (ids, [*ids, other]))
        assert fingerprints(before["id"]).tolist() == fingerprints(after["id"])[:-1].tolist()
        held = [set(split_by_hash(each, key="id", holdout=0.5).holdout.index) for each in (before, after)]
        assert held[0] == held[1] - {len(ids)}

    @given(ids=st.lists(written, min_size=2, max_size=8, unique=True))
    def test_ids_that_differ_as_texts_are_all_let_in(self, folder, ids):
        assume(len(set(texts(ids, "str"))) == len(ids))
        rows = read(file_of(folder, ids))
        assert rows["id"].tolist() == ids
        check_rows(rows, key="id", label="y", what="rows.csv")

    @pytest.mark.parametrize(
        "ids",
        [
            pd.Series([2**64 - 1, 7], dtype="uint64"),
            pd.Series([-5, 7], dtype="int32"),
            pd.Series([2**63 - 1, 7], dtype="Int64"),
            pd.Series(["000123", "NA"]),
            pd.Series(["a", "1e5"], dtype="category"),
            pd.Series([Decimal("1.10"), Decimal("2.00")]),
            pd.Series([date(2024, 1, 1), date(2024, 1, 2)]),
            pd.Series(pd.to_datetime(["2024-01-01 10:00", "2024-01-02 00:00"])),
            pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02"])),
            pd.Series(pd.to_datetime(["2024-01-01 10:00:00.25", "2024-01-02"], format="ISO8601")).astype(
                "datetime64[ns]"
            ),
            pd.Series(pd.to_datetime(["2024-01-01 10:00", "2024-01-02"], format="ISO8601", utc=True)),
            pd.Series(pd.to_datetime(["2024-07-01 10:00", "2024-01-02 01:00"])).dt.tz_localize("America/New_York"),
            pd.Series([1.5, 0.1]),
            pd.Series([True, False]),
        ],
        ids=lambda ids: f"{ids.dtype} {ids[0]}",
    )
    def test_csv_and_parquet_name_the_same_rows(self, tmp_path, ids):
        frame = pd.DataFrame({"id": ids, "y": [0, 1]})
        frame.to_csv(tmp_path / "rows.csv", index=False)
        frame.to_parquet(tmp_path / "rows.parquet")
        csv, parquet = (fingerprints(read(tmp_path / f"rows.{kind}")["id"]) for kind in ("csv", "parquet"))
        assert csv.tolist() == parquet.tolist() == fingerprints(ids).tolist()

    @pytest.mark.parametrize(
        ("field", "missing"), [("", True), ('""', True), ("NA", False), ('"NA"', False), (" ", False)]
    )
    def test_only_an_empty_field_is_a_missing_text_or_key(self, tmp_path, field, missing):
        path = tmp_path / "rows.csv"
        path.write_text(f"id,kind,y\na,x,1\n{field},{field},NA\n")
        rows = read_rows(path, {"id": "key", "kind": "text", "y": "number"})
        assert rows["id"].isna().tolist() == rows["kind"].isna().tolist() == [False, missing]
        assert rows["kind"].cat.categories.tolist() == ["x", *([] if missing else [field.strip('"')])]
        assert rows["y"].isna().tolist() == [False, True]


def as_0_1_0_took(folder, ids):
    """The fingerprints that release 0.1.0 made of a file's key column: its own lines, kept here as they were."""
    path = file_of(folder, ids, "earlier.csv")
    read = csv.read_csv(path, convert_options=csv.ConvertOptions(include_columns=["id"], strings_can_be_null=True))
    keys = read.to_pandas()["id"]
    if pd.api.types.is_float_dtype(keys) and (keys % 1 == 0).all():
        keys = keys.astype("int64")
    return pd.util.hash_array(keys.astype(str).to_numpy(dtype=object), categorize=False)


MISSING = {one.lower() for one in csv.ConvertOptions().null_values}
KINDS = {
    "whole": whole.map(str),
    "padded": st.integers(0, 10**6).map("{:08d}".format),
    "numbers": st.one_of(whole.map(str), st.floats(allow_nan=False, allow_infinity=False).map(repr)),
    "decimals": st.decimals(0, 10**6, places=2).map(str),
    "powers": st.from_regex(r"[0-9]{1,4}e[0-9]{1,2}", fullmatch=True),
    "hexadecimal": st.from_regex(r"0x[0-9a-fA-F]{1,16}", fullmatch=True),
    "spaced": st.from_regex(r" ?[+-]?[0-9]{1,4}(\.[0-9]*)? ?", fullmatch=True),
    "days": st.dates(date(1700, 1, 1), date(2200, 1, 1)).map(str),
    "times": st.times().map(lambda one: f"{one:%H:%M}"),
    "moments": st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(str),  # noqa: DTZ001 - naive is meant
    "whole seconds": st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001 - likewise
        lambda one: f"{one:%Y-%m-%dT%H:%M:%SZ}"
    ),
    "text": st.text(st.characters(min_codepoint=65, max_codepoint=122), min_size=1, max_size=6).filter(
        lambda text: text.lower() not in MISSING  # it refused these as keys
    ),
}


class TestEarlierRelease:
    @given(data=st.data(), kind=st.sampled_from(sorted(KINDS)))
    def test_what_0_1_0_made_of_a_whole_file_is_among_the_forms_looked_up(self, folder, data, kind):
        ids = data.draw(st.lists(KINDS[kind], min_size=1, max_size=5))
        then, later = as_0_1_0_took(folder, ids), read(file_of(folder, [*ids, "A1"]))["id"]
        looked_up = (fingerprints(later), *possible_first_fingerprints(later))
        assert any((form[:-1] == then).all() for form in looked_up), (ids, then)

    @given(
        ids=st.lists(st.integers(-(2**63), 2**63 - 1).map(str), min_size=1),
        letters=KINDS["text"].filter(lambda text: text.lower() not in {"inf", "nan", "infinity"}),  # once numbers
    )
    def test_plain_whole_numbers_and_plain_text_keep_their_fingerprints(self, folder, ids, letters):
        for some in (ids, [*ids, letters]):
            now = fingerprints(read(file_of(folder, some))["id"])
            assert now.tolist() == as_0_1_0_took(folder, some).tolist()

    @given(data=st.data(), kind=st.sampled_from(sorted(KINDS)))
    def test_its_files_are_read_and_named_as_it_did(self, folder, data, kind):
        ids = data.draw(st.lists(KINDS[kind], min_size=1, max_size=5))
        with keys_in(FIRST_FORM):
            rows = read(file_of(folder, ids))
            assert fingerprints(rows["id"]).tolist() == as_0_1_0_took(folder, ids).tolist()
