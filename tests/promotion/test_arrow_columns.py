"""The same values give the same ids, slices and times, whether CSV, Parquet or a DataFrame holds them."""

import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from promotion.comparison.slices import divide, read_slicings
from promotion.metrics.groups import factorised
from promotion.row_keys import fingerprints, key_texts
from promotion.rows import read_rows, split_by_time

UUIDS = [uuid.UUID(int=2**126 + 2**70 * i) for i in range(3)]
BIG = [2**60, 2**60 + 1]
COLUMNS = {
    "uuid": (pa.array([*(one.bytes for one in UUIDS), None], pa.uuid()), [*map(str, UUIDS), None]),
    "bool8": (pa.array([1, 0, 1, None], pa.int8()).cast(pa.bool8()), ["True", "False", "True", None]),
    "json": (pa.array(['{"a": 1}', "2", "3", None], pa.json_()), ['{"a": 1}', "2", "3", None]),
    "binary": (pa.array([b"K\xf6ln", b"K\xe4ln", b"a\x00b", None]), ["4bf66c6e", "4be46c6e", "610062", None]),
    "fixed": (
        pa.array([b"\xfe" * 16, b"\xff" * 16, b"a" * 16, None], pa.binary(16)),
        ["fe" * 16, "ff" * 16, "a" * 16, None],
    ),
    "int64": (pa.array([*BIG, -5, None]), [*map(str, BIG), "-5", None]),
    "uint64": (pa.array([2**64 - 1, 2**64 - 2, 1, None], pa.uint64()), [str(2**64 - 1), str(2**64 - 2), "1", None]),
    "int8": (pa.array([1, 2, 3, None], pa.int8()), ["1", "2", "3", None]),
    "decimal": (pa.array([*BIG, 3, None], pa.decimal128(30, 0)), [*map(str, BIG), "3", None]),
}


@pytest.fixture(params=["a file", "Arrow in pandas"])
def held(request, tmp_path):
    """The columns, read from Parquet as keys and as texts, or in a DataFrame of Arrow types."""
    table = pa.table({name: column for name, (column, _) in COLUMNS.items()})
    if request.param == "Arrow in pandas":
        return (table.to_pandas(types_mapper=pd.ArrowDtype),)
    pq.write_table(table, tmp_path / "r.parquet")
    return tuple(read_rows(tmp_path / "r.parquet", dict.fromkeys(COLUMNS, kind)) for kind in ("key", "text"))


@pytest.mark.parametrize("name", COLUMNS)
def test_ids_slices_and_groups_are_the_texts_that_csv_would_hold(held, name):
    expected = COLUMNS[name][1]
    for rows in held:
        assert key_texts(rows[name]).to_pylist() == expected
        (slicing,), columns = read_slicings(name, rows, len(rows))
        parts = divide(slicing, columns, np.ones(len(rows)))
        assert {part.name: part.rows.tolist() for part in parts} == {
            text or "(missing)": [row for row, each in enumerate(expected) if each == text] for text in expected
        }
        assert len(set(factorised(columns[name]).tolist())) == len(set(expected))


def test_a_uuid_is_one_id_in_every_file_and_frame(tmp_path):
    frame = pd.DataFrame({"id": UUIDS})
    frame.to_parquet(tmp_path / "r.parquet")
    frame.to_csv(tmp_path / "r.csv", index=False)
    pq.write_table(pa.table({"id": COLUMNS["uuid"][0][1:3]}), tmp_path / "part.parquet")
    of_parquet, of_csv, part = (
        fingerprints(read_rows(tmp_path / name, {"id": "key"})["id"]) for name in ("r.parquet", "r.csv", "part.parquet")
    )
    assert of_parquet.tolist() == of_csv.tolist() == fingerprints(frame["id"]).tolist()
    assert part.tolist() == of_csv[1:].tolist()


def test_bytes_are_the_text_they_hold_unless_it_has_control_characters():
    given = [b"abc", "é".encode(), b"a\tb\n", b"a\x1bb", b"\x7f", "\x85".encode(), b"\xff\x00"]
    assert key_texts(pd.Series(given)).to_pylist() == ["abc", "é", "a\tb\n", "611b62", "7f", "c285", "ff00"]


def test_text_that_is_no_unicode_makes_slices_of_its_own():
    (slicing,), columns = read_slicings("x", {"x": ["\ud800", "?", "\udcff", "\udcfe"]}, 4)
    names = [part.name for part in divide(slicing, columns, np.ones(4))]
    assert names == ["?", r"\ud800", r"\udcfe", r"\udcff"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_times_of_nanoseconds_keep_their_order_beside_a_missing_one(tmp_path, suffix):
    start = 1_700_000_000_000_000_000
    table = pa.table({"t": pa.array([*range(start, start + 40), None])})
    path = tmp_path / f"r.{suffix}"
    table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get).to_csv(path, index=False)
    if suffix == "parquet":
        pq.write_table(table, path)
    rows = read_rows(path, {"t": "time"})
    assert rows["t"].tolist()[:-1] == list(range(start, start + 40))
    assert pd.isna(rows["t"].iloc[40])
    late = split_by_time(rows[rows["t"].notna()], time="t", holdout=0.25).holdout["t"]
    assert late.tolist() == list(range(start + 30, start + 40))


def test_whole_numbers_with_gaps_that_doubles_hold_are_doubles_as_ever(tmp_path):
    pq.write_table(pa.table({"id": [1, None], "kind": [7, None], "t": [5, None]}), tmp_path / "r.parquet")
    rows = read_rows(tmp_path / "r.parquet", {"id": "key", "kind": "text", "t": "time"})
    assert [rows["id"].dtype, rows["t"].dtype, rows["kind"].cat.categories.dtype] == [np.float64] * 3
