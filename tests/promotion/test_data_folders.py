"""Folders and patterns of data files, read as one file; frames and tables in memory, read as their Parquet file."""

import os
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from promotion import read_rows
from promotion.data_folders import columns_in_all, data_digest, digests_so_far, files_of
from promotion.errors import AmbiguousColumn, DataError

COLUMNS = {"id": "key", "y": "number", "kind": "text", "at": "time"}


def rows(start=0, stop=6):
    numbers = range(start, stop)
    return pd.DataFrame(
        {
            "id": numbers,
            "y": [number % 2 for number in numbers],
            "kind": [["x", "z", None][number % 3] for number in numbers],
            "at": pd.date_range("2026-01-01", periods=20, tz="UTC")[start:stop],
            "other": 1,
        }
    )


@pytest.fixture
def parts(tmp_path):
    """A folder with two Parquet files, one of them in a folder below, and files that are no data."""
    folder = tmp_path / "parts"
    (folder / "b").mkdir(parents=True)
    rows(0, 4).to_parquet(folder / "a.parquet", index=False)
    rows(4, 6).to_parquet(folder / "b" / "c.parquet", index=False)
    for name in ("_SUCCESS", ".hidden.parquet", "notes.txt", "old.csv"):
        (folder / name).write_text("no data")
    return folder


class TestSeveralFiles:
    def test_a_folder_and_a_pattern_give_the_rows_of_one_file(self, parts, tmp_path):
        rows().to_parquet(tmp_path / "all.parquet", index=False)
        whole = read_rows(tmp_path / "all.parquet", COLUMNS)
        assert [one.name for one in files_of(parts)] == ["a.parquet", "c.parquet"]
        pd.testing.assert_frame_equal(read_rows(parts, COLUMNS), whole)
        pd.testing.assert_frame_equal(read_rows(str(parts / "**" / "*.parquet"), COLUMNS), whole)
        assert len(read_rows(parts / "*.parquet", COLUMNS)) == 4

    def test_brackets_in_the_name_of_a_folder_that_exists_are_no_pattern(self, parts, tmp_path, monkeypatch):
        project = tmp_path / "backup [2]"
        project.mkdir()
        (project / "parts").symlink_to(parts)
        for pattern in (project / "parts" / "*.parquet", project / "parts" / "**" / "[ac].parquet"):
            assert data_digest(pattern) == data_digest(parts / pattern.relative_to(project / "parts"))
        monkeypatch.chdir(project)
        assert len(read_rows("parts/*.parquet", COLUMNS)) == 4
        with pytest.raises(DataError, match=r"There is no data file at .*backup \[2\]/absent\.csv"):
            read_rows(project / "absent.csv", COLUMNS)

    def test_csv_files_and_a_mixture_give_them_too(self, parts, tmp_path):
        csv = tmp_path / "csv"
        csv.mkdir()
        rows(0, 4).to_csv(csv / "a.csv", index=False)
        rows(4, 6).to_csv(csv / "b.csv.gz", index=False)
        texts = read_rows(csv, COLUMNS)
        rows().to_csv(tmp_path / "all.csv", index=False)
        pd.testing.assert_frame_equal(texts, read_rows(tmp_path / "all.csv", COLUMNS))
        without_key = {name: kind for name, kind in COLUMNS.items() if name != "id"}
        mixed = tmp_path / "mixed"
        mixed.mkdir()
        os.link(csv / "a.csv", mixed / "a.csv")
        os.link(parts / "b" / "c.parquet", mixed / "b.parquet")
        read = read_rows(mixed / "*", without_key)
        assert read["kind"].tolist()[:2] == ["x", "z"]
        assert list(read["y"]) == list(rows()["y"])

    def test_the_digest_is_over_names_and_bytes_and_not_over_times(self, parts):
        before = data_digest(parts)
        os.utime(parts / "a.parquet", (0, 0))
        (parts / "notes.txt").write_text("more")
        assert data_digest(parts) == before
        (parts / "b" / "c.parquet").rename(parts / "b" / "d.parquet")
        assert data_digest(parts) != before
        (parts / "b" / "d.parquet").rename(parts / "b" / "c.parquet")
        rows(6, 8).to_parquet(parts / "d.parquet", index=False)
        assert data_digest(parts) != before
        assert before in list(digests_so_far(parts, files_of(parts)))

    def test_a_column_that_one_file_lacks_is_named_with_the_file(self, parts):
        rows(6, 8).drop(columns="y").to_parquet(parts / "d.parquet", index=False)
        with pytest.raises(DataError, match=r"/d\.parquet has no column 'y', which the recipe needs\."):
            read_rows(parts, COLUMNS)
        assert columns_in_all(parts) == ("id", "kind", "at", "other")

    def test_a_column_with_other_types_is_named_with_both_files(self, parts):
        rows(6, 8).assign(id=["a", "b"]).to_parquet(parts / "d.parquet", index=False)
        with pytest.raises(DataError, match=r"^Column 'id' holds int64 in .*/a\.parquet, but str in .*/d\.parquet\. W"):
            read_rows(parts, COLUMNS)

    def test_times_with_and_without_a_zone_are_not_mixed(self, parts):
        naive = rows(6, 8).assign(at=lambda those: those["at"].dt.tz_localize(None))
        naive.to_parquet(parts / "d.parquet", index=False)
        with pytest.raises(DataError, match=r"^Column 'at' holds datetime64\[.*, UTC\] in .*, but datetime64\[..\] in"):
            read_rows(parts, COLUMNS)

    def test_a_part_without_any_value_does_not_change_the_type(self, parts):
        rows(6, 8).assign(kind=None, at=pd.NaT).to_parquet(parts / "d.parquet", index=False)
        read = read_rows(parts, COLUMNS)
        assert read["kind"].isna().tolist() == [False, False, True, False, False, True, True, True]
        assert set(read["kind"].cat.categories) == {"x", "z"}


class TestInMemory:
    @pytest.mark.parametrize("kind", ["frame", "table", "index"])
    def test_a_frame_and_a_table_give_the_rows_of_their_file(self, tmp_path, kind):
        frame = rows().assign(id=[uuid.UUID(int=number) for number in range(6)])
        frame = frame.set_index("id") if kind == "index" else frame
        frame.to_parquet(tmp_path / "rows.parquet")
        given = pa.Table.from_pandas(frame) if kind == "table" else frame
        pd.testing.assert_frame_equal(read_rows(given, COLUMNS), read_rows(tmp_path / "rows.parquet", COLUMNS))

    def test_a_frame_is_not_changed_and_its_labels_do_not_matter(self):
        frame = rows().set_index(np.arange(6)[::-1])
        before = frame.copy()
        assert read_rows(frame, COLUMNS)["id"].tolist() == list(range(6))
        pd.testing.assert_frame_equal(frame, before)

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            (rows().drop(columns="y"), "the DataFrame has no column 'y', which the recipe needs."),
            (rows().assign(y="yes"), "Column 'y' of the DataFrame must hold numbers, but row 1 holds 'yes'."),
            (pa.table({"id": [1]}), "the Table has no column 'y', which the recipe needs."),
            (rows().assign(kind=[1, "x", None, (), 2, 3]), "the DataFrame holds values that a Parquet file cannot ("),
            ([1], "Rows must be a path, a pandas DataFrame or a pyarrow Table, but are of type list."),
            (None, "Rows must be a path, a pandas DataFrame or a pyarrow Table, but are of type NoneType."),
            ("", "Rows must be a path, a pandas DataFrame or a pyarrow Table, but are an empty text."),
            (
                "s3://me:s3cret@b/x",
                "Rows must be a path, a pandas DataFrame or a pyarrow Table, but are a URL, which only",
            ),
        ],
    )
    def test_a_mistake_is_one_sentence(self, given, sentence):
        with pytest.raises(DataError) as raised:
            read_rows(given, COLUMNS)
        assert str(raised.value).startswith(sentence)
        assert raised.value.path is None

    @pytest.mark.parametrize(
        ("columns", "sentence"),
        [
            (["id"], 'The columns must be a dict such as {"id": "key"}, but are of type list.'),
            ({"id": "int"}, "Column 'id' must be read as one of number, exact, text, key, time, but 'int' is given."),
        ],
    )
    def test_columns_of_no_kind_are_one_sentence(self, columns, sentence):
        with pytest.raises(DataError) as raised:
            read_rows(rows(), columns)
        assert str(raised.value) == sentence

    def test_two_columns_of_a_name_are_ambiguous(self):
        twice = pd.concat([rows(), rows()[["y"]]], axis=1)
        with pytest.raises(AmbiguousColumn, match="the DataFrame"):
            read_rows(twice, COLUMNS)
