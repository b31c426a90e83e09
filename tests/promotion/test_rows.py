import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recipes import ToyRecipe, synthetic_rows
from situation import settings_at

from promotion.data_files import file_digest
from promotion.errors import DataError
from promotion.registry.file_digests import FileDigests
from promotion.registry.loaded import Source, load_rows
from promotion.rows import check_rows, fingerprints, read_rows, split_by_hash, split_by_time
from promotion.vocabulary import Task

COLUMNS = {"id": "key", "y": "number", "kind": "text"}
HEAD = "id,y,kind,unused\n"


@pytest.fixture
def written(tmp_path):
    def write(content, name="rows.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


class TestReading:
    def test_reads_only_the_columns_needed_in_the_order_asked_for(self, written):
        rows = read_rows(written(HEAD + "a7,1,x,9\nb8,,,9\n"), {"y": "number", "id": "key", "kind": "text"})
        assert list(rows) == ["y", "id", "kind"]
        assert rows["y"].dtype == np.float64
        assert isinstance(rows["kind"].dtype, pd.CategoricalDtype)
        assert rows["id"].tolist() == ["a7", "b8"]
        assert rows["y"].isna().tolist() == rows["kind"].isna().tolist() == [False, True]

    def test_parquet_gives_the_same_rows(self, tmp_path, written):
        csv = read_rows(written(HEAD + "7,1,x,9\n8,,,9\n"), COLUMNS)
        pd.DataFrame({"id": ["7", "8"], "y": [1, None], "kind": ["x", None], "unused": 9}).to_parquet(
            tmp_path / "r.parquet"
        )
        pd.testing.assert_frame_equal(read_rows(tmp_path / "r.parquet", COLUMNS), csv)

    def test_a_byte_order_mark_and_windows_line_ends_are_fine(self, written):
        rows = read_rows(written(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode() + b"7,1,x,9\r\n"), COLUMNS)
        assert rows["id"].tolist() == ["7"]

    @pytest.mark.parametrize(
        ("rows", "sentence"),
        [
            ("1,0,x,9,8,7\n2,1,z,9\n", "Row 1 of rows.csv has 6 fields, but the header has 4. Fix the row."),
            ("1,0,x,9\n2,1,z,9,5\n3,1,z,9\n", "Row 2 of rows.csv has 5 fields, but the header has 4. Fix the row."),
            ("1,0,x,9\n2,1,z\n3,1,z,9\n", "Row 2 of rows.csv has 3 fields, but the header has 4. Fix the row."),
        ],
    )
    def test_a_row_with_too_many_or_too_few_fields_is_refused(self, written, rows, sentence):
        path = written(HEAD + rows)
        with pytest.raises(DataError) as refused:
            read_rows(path, COLUMNS)
        assert str(refused.value).replace(str(path), "rows.csv") == sentence

    @pytest.mark.parametrize("name", ["y", "id", "kind"])
    def test_two_columns_of_one_name_are_refused_where_they_are_asked_for(self, tmp_path, written, name):
        header = [*HEAD.strip().split(","), name, "unused"]
        csv = written(",".join(header) + "\n7,1,x,9,1,9\n8,0,z,9,1,9\n")
        table = pa.Table.from_arrays([pa.array(["7", "8"]), *[pa.array([0, 1])] * 5], names=header)
        pq.write_table(table, tmp_path / "rows.parquet")
        place = header.index(name) + 1
        for path in (csv, tmp_path / "rows.parquet"):
            with pytest.raises(DataError) as refused:
                read_rows(path, COLUMNS)
            assert str(refused.value) == (
                f"{path} has 2 columns named '{name}' (columns {place} and 5), so it is not clear which one is meant. "
                "Rename or remove all but one of them."
            )
            others = {one: kind for one, kind in COLUMNS.items() if one != name}
            assert list(read_rows(path, others)) == list(others)  # neither column is used

    def test_keys_that_are_numbers_at_first_and_words_later_stay_as_they_are(self, written, monkeypatch):
        monkeypatch.setattr("promotion.parsing._BLOCK_BYTES", 64)
        keys = [str(1000 + n) for n in range(20)] + ["A7", "B8"]
        rows = read_rows(written(HEAD + "".join(f"{key},1,x,9\n" for key in keys)), COLUMNS)
        assert rows["id"].tolist() == keys

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("", "rows.csv is empty; its first line should name the columns."),
            (
                "id,label,kind\n1,0,x\n",
                "rows.csv has no column 'y', which the recipe needs. Available: id, label, kind.",
            ),
            (
                "id,y,kindd\n1,0,x\n",
                "rows.csv has no column 'kind', which the recipe needs. Did you mean 'kindd'?",
            ),
            (HEAD + "1,0,x,9\n2,yes,x,9\n", "Column 'y' of rows.csv must hold numbers, but row 2 holds 'yes'."),
            (
                HEAD + "1,0,x,9\n2,1",
                "rows.csv seems cut short: its last row has 2 of 4 fields. "
                "Copy the file again, or end its last line if the file is complete.",
            ),
            (
                HEAD + "1,0,x,9\n2,1,x,9",
                "The last row of rows.csv has no line end, so the file may be cut short. Copy it again, or end the line if the file is complete.",
            ),
            (
                "idé,y\n1,0\n".encode("latin-1"),
                "rows.csv is not a CSV file in UTF-8 ('utf-8' codec can't decode byte 0xe9 in position 2: invalid "
                "continuation byte). Export it as CSV in UTF-8, or give a .parquet file.",
            ),
            (b"PK\x03\x04\xff\xfe", "rows.csv seems cut short or damaged (File is not a zip file)."),
            (
                (HEAD + 5000 * "1,0,x,9\n" + "2,1,é,9\n").encode("latin-1"),
                "rows.csv is not a CSV file in UTF-8. Export it as CSV in UTF-8",
            ),
            (
                HEAD + "1,0,x,9\n2,1,x,9,8\n",
                "Row 2 of rows.csv has 5 fields, but the header has 4. Fix the row.",
            ),
        ],
    )
    def test_a_file_that_cannot_be_used_is_one_sentence(self, written, content, sentence):
        path = written(content)
        with pytest.raises(DataError) as raised:
            read_rows(path, COLUMNS)
        assert str(raised.value).replace(str(path), "rows.csv").startswith(sentence)

    def test_a_file_that_is_not_there_or_an_empty_folder_is_one_sentence(self, tmp_path):
        way_out = r"Put the file there, or name another with --data\.$"
        absent, folder = tmp_path / "absent.csv", tmp_path
        with pytest.raises(DataError, match=rf"^There is no data file at {re.escape(str(absent))}\. {way_out}"):
            read_rows(absent, COLUMNS)
        nothing = r"contains no Parquet or CSV file\. Put the files there, or name another folder\.$"
        with pytest.raises(DataError, match=rf"^The folder {re.escape(str(folder))} {nothing}"):
            read_rows(folder, COLUMNS)

    @pytest.mark.parametrize(
        ("frame", "sentence"),
        [
            ({"id": [1]}, "has no column 'y', which the recipe needs."),
            ({"id": [1], "y": ["yes"], "kind": ["x"]}, "must hold numbers, but row 1 holds 'yes'."),
            (
                {"id": [1], "y": [pd.Timestamp("2024-01-01")], "kind": ["x"]},
                "must hold numbers, but row 1 holds '2024-01-01 00:00:00'.",
            ),
        ],
    )
    def test_parquet_that_does_not_fit_is_one_sentence(self, tmp_path, frame, sentence):
        pd.DataFrame(frame).to_parquet(tmp_path / "rows.parquet")
        with pytest.raises(DataError, match=re.escape(sentence)):
            read_rows(tmp_path / "rows.parquet", COLUMNS)

    def test_parquet_that_was_cut_is_one_sentence(self, tmp_path, written):
        pd.DataFrame({"id": [1], "y": [1], "kind": ["x"]}).to_parquet(tmp_path / "whole.parquet")
        cut = written((tmp_path / "whole.parquet").read_bytes()[:-9], "cut.parquet")
        with pytest.raises(DataError, match=r"cut\.parquet cannot be read as Parquet \(.*\)\. Write the file again\.$"):
            read_rows(cut, COLUMNS)


class TestChecking:
    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (lambda rows: rows.drop(columns="y"), "rows.csv has no column 'y', which the recipe needs."),
            (
                lambda rows: pd.concat([rows, rows["y"]], axis=1),
                "rows.csv has 2 columns named 'y' (columns 2 and 6), so it is not clear which one is meant.",
            ),
            (
                lambda rows: rows.astype({"id": object}).assign(id=lambda one: one.id.replace({1007: "1003"})),
                "Column 'id' identifies the rows of rows.csv and must be unique, but 1 of its values repeat an earlier one, first 1003 in row 8.",
            ),
            (
                lambda rows: rows.astype({"id": str}).assign(id=lambda one: one.id.replace({"1007": ""})),
                "Column 'id' identifies the rows of rows.csv and must not be empty, but row 8 is.",
            ),
            (lambda rows: rows[:1], "rows.csv holds 1 row; training and evaluation need at least two."),
            (lambda rows: rows[:0], "rows.csv holds 0 rows; training and evaluation need at least two."),
            (
                lambda rows: rows.assign(y=0.0),
                "rows.csv holds no positive rows (column 'y' is 0 in all 30 rows); training needs both.",
            ),
            (lambda rows: rows.assign(y=1.0), "rows.csv holds only positive rows (column 'y' is 1 in all 30 rows)"),
            (
                lambda rows: rows.assign(y=rows.y.where(rows.index != 4)),
                "Column 'y' of rows.csv must hold 0 or 1, but row 5 is empty.",
            ),
            (
                lambda rows: rows.assign(y=rows.y.where(rows.index != 4, 2)),
                "Column 'y' of rows.csv must hold 0 or 1, but row 5 holds 2",
            ),
            (
                lambda rows: rows.assign(id=rows.id.replace(1007, 1003)),
                "Column 'id' identifies the rows of rows.csv and must be unique, but 1 of its values repeat an earlier one, first 1003 in row 8. "
                "Remove the repeated rows.",
            ),
            (
                lambda rows: rows.assign(id=rows.id.where(rows.index != 2)),
                "Column 'id' identifies the rows of rows.csv and must not be empty, but row 3 is.",
            ),
        ],
    )
    def test_rows_that_cannot_judge_are_one_sentence(self, change, sentence):
        with pytest.raises(DataError) as raised:
            check_rows(change(synthetic_rows(30)), key="id", label="y", what="rows.csv")
        assert str(raised.value).startswith(sentence)

    @pytest.mark.parametrize(
        ("task", "label", "sentence"),
        [
            (
                "multiclass",
                1.5,
                "Column 'y' of rows.csv must hold a class as a whole number from 0 up, but row 3 holds 1.5.",
            ),
            (
                "multiclass",
                -1.0,
                "Column 'y' of rows.csv must hold a class as a whole number from 0 up, but row 3 holds -1.0.",
            ),
            (
                "multiclass",
                None,
                "Column 'y' of rows.csv must hold a class as a whole number from 0 up, but row 3 is empty.",
            ),
            ("regression", np.inf, "Column 'y' of rows.csv must hold finite numbers, but row 3 holds inf."),
            ("regression", None, "Column 'y' of rows.csv must hold finite numbers, but row 3 is empty."),
            ("binary", 2.0, "Column 'y' of rows.csv must hold 0 or 1, but row 3 holds 2.0."),
        ],
    )
    def test_labels_are_what_the_task_has(self, task, label, sentence):
        rows = synthetic_rows(30).astype({"y": float})
        rows.loc[2, "y"] = label
        with pytest.raises(DataError) as raised:
            check_rows(rows, key="id", label="y", what="rows.csv", task=Task(task))
        assert str(raised.value) == sentence

    @pytest.mark.parametrize(
        ("labels", "shown"),
        [
            (pd.to_datetime([0, 1, 0]), "1970-01-01 00:00:00"),
            (pd.to_timedelta([0, 1, 0]), "0 days 00:00:00"),
            ([0j, 1 + 0j, 0j], "0j"),
            ([[0], [1], [0]], "[0]"),
            (["x" * 1000, "0", "1"], "x" * 60),
        ],
    )
    @pytest.mark.parametrize("task", list(Task))
    def test_labels_that_judging_refuses_are_refused_before_training(self, labels, shown, task):
        rows = pd.DataFrame({"id": ["a", "b", "c"]}).assign(y=pd.Series(labels))
        with pytest.raises(
            DataError, match=rf"^Column 'y' of r\.csv must hold .*, but row 1 holds {re.escape(shown)}\.$"
        ):
            check_rows(rows, key="id", label="y", what="r.csv", task=task)

    @pytest.mark.parametrize("columns", [[0, 1], pd.MultiIndex.from_tuples([("id", ""), ("y", "")])])
    def test_columns_that_are_not_named_by_text_are_one_sentence(self, columns):
        rows = pd.DataFrame([[1, 0], [2, 1]], columns=columns)
        named = re.escape(
            f"Its column names must be text, but one is of type {type(columns[0]).__name__}: {columns[0]!r}."
        )
        with pytest.raises(
            DataError, match=rf"^r\.csv has no column 'id', which the recipe needs\. {named} Rename them"
        ):
            check_rows(rows, key="id", label="y", what="r.csv")
        with pytest.raises(
            DataError, match=rf"^The data has no column 'id', by which its rows are divided\. {named} Rename them"
        ):
            split_by_hash(rows, key="id", holdout=0.5)

    def test_several_classes_are_more_than_one_and_numbers_may_be_all_alike(self):
        rows = synthetic_rows(30).assign(y=3.0)
        with pytest.raises(DataError, match=r"^rows\.csv holds one class of rows \(column 'y' is 3 in all 30 rows\)"):
            check_rows(rows, key="id", label="y", what="rows.csv", task=Task.MULTICLASS)
        check_rows(rows, key="id", label="y", what="rows.csv", task=Task.REGRESSION)

    def test_good_rows_pass_with_the_digest_of_their_file(self, tmp_path):
        synthetic_rows(30).to_csv(tmp_path / "rows.csv", index=False)
        settings = settings_at(tmp_path).model("toy")
        path = tmp_path / "rows.csv"
        taken, stamp = FileDigests().take(path)
        found = Source(recipe=ToyRecipe(), made_with={}, path=path, digest=taken, stamp=stamp)
        data = load_rows(found, "rows.csv", settings)
        assert (len(data.rows), data.name, data.digest) == (30, "rows.csv", file_digest(path))


class TestLargeNumbers:
    @pytest.fixture(params=["csv", "parquet"])
    def read(self, request, tmp_path):
        def made(column, kind):
            path = tmp_path / f"r.{request.param}"
            frame = pd.DataFrame({"y": column})
            frame.to_csv(path, index=False) if request.param == "csv" else frame.to_parquet(path)
            return read_rows(path, {"y": kind})["y"].tolist()

        return made

    @pytest.mark.parametrize("column", [[1, 2**53 + 1], [2**53 + 1, None], [2**64 - 1, 0]])
    def test_a_whole_number_is_exact_or_an_error_where_it_counts(self, read, column):
        given = pd.Series(column, dtype="UInt64")
        row = 1 + column.index(max(filter(None, column)))
        with pytest.raises(DataError, match=rf"holds {column[row - 1]} in row {row}, which double precision cannot"):
            read(given, "exact")
        assert read(given, "number")[row - 1] == float(column[row - 1])
        assert read(pd.Series([2**53 + 2, -(2**60)]), "exact") == [2.0**53 + 2, -(2.0**60)]

    @pytest.mark.parametrize("kind", ["number", "exact"])
    def test_a_number_beyond_all_doubles_is_not_infinite(self, read, kind):
        with pytest.raises(DataError, match=r"^Column 'y' of .* holds -1e400 in row 2, which double precision cannot"):
            read(pd.Series(["1", "-1e400"]), kind)
        assert read(pd.Series([1.0, float("inf")]), kind) == [1.0, float("inf")]


class TestFingerprints:
    @given(st.lists(st.integers(1 - 2**53, 2**53 - 1), min_size=1))
    def test_a_key_counts_alike_as_number_and_as_text_from_any_file(self, keys):
        as_numbers = fingerprints(pd.Series(keys))
        for series in (
            pd.Series([str(key) for key in keys]),
            pd.Series([str(key) for key in keys], dtype=object),
            pd.Series(keys, dtype="Int64"),
            pd.Series(keys, dtype="float64"),
            pd.Series(keys).astype("category"),
        ):
            assert fingerprints(series).tolist() == as_numbers.tolist()
        assert as_numbers.dtype == np.uint64

    def test_two_keys_differ_and_are_the_same_tomorrow(self):
        assert len(set(fingerprints(pd.Series(range(100_000))).tolist())) == 100_000
        assert fingerprints(pd.Series([2987000, "a", 0.5], dtype=object)).tolist() == [
            11090306641791861113,
            13950350942979735504,
            2182018183344284507,
        ]


class TestSplitting:
    @given(
        st.lists(st.integers(0, 20), min_size=2, max_size=60).filter(lambda times: len(set(times)) > 1),
        st.floats(0.05, 0.95),
    )
    def test_by_time_the_holdout_is_later_and_rows_of_one_moment_stay_together(self, times, share):
        rows = pd.DataFrame({"t": times})
        try:
            split = split_by_time(rows, time="t", holdout=share)
        except DataError as error:
            assert "too many of them have the same time" in str(error)  # noqa: PT017 - some draws allow no split
            return
        assert split.training["t"].max() < split.holdout["t"].min()
        assert len(split.training) + len(split.holdout) == len(rows)
        assert len(split.holdout) >= len(rows) - int(len(rows) * (1 - share)) > 0

    def test_by_time_the_share_is_kept_where_times_differ(self):
        split = split_by_time(synthetic_rows(1000), time="t", holdout=0.25)
        assert (len(split.training), len(split.holdout)) == (750, 250)

    @pytest.mark.parametrize(
        ("times", "sentence"),
        [
            ([1, 1, 1], r"^The rows cannot be split by 't': too many of them have the same time \(1\)\.$"),
            ([1, None, 3], r"^Column 't' orders the rows in time and must not be empty, but row 2 is\.$"),
        ],
    )
    def test_by_time_what_has_no_order_is_one_sentence(self, times, sentence):
        with pytest.raises(DataError, match=sentence):
            split_by_time(pd.DataFrame({"t": times}), time="t", holdout=0.5)

    def test_by_hash_a_row_keeps_its_side_whatever_else_is_in_the_file(self):
        rows, more = synthetic_rows(2000), synthetic_rows(4000)
        first, later = (
            split_by_hash(each, key="id", holdout=0.3) for each in (rows, more.sample(frac=1, random_state=1))
        )
        assert set(first.holdout["id"]) == set(later.holdout["id"]) & set(rows["id"])
        assert len(later.holdout) / 4000 == pytest.approx(0.3, abs=0.03)
        wider = split_by_hash(rows, key="id", holdout=0.5)
        assert set(first.holdout["id"]) < set(wider.holdout["id"])

    @pytest.mark.parametrize(
        ("rows", "sentence"),
        [
            (
                pd.DataFrame([[1, 2]] * 3, columns=["id", "id"]),
                r"^The data has 2 columns named 'id' \(columns 1 and 2\)",
            ),
            (
                pd.DataFrame({"idd": [1]}),
                r"^The data has no column 'id', by which its rows are divided\. Did you mean 'idd'\?$",
            ),
        ],
    )
    def test_a_key_that_is_not_one_column_is_one_sentence(self, rows, sentence):
        with pytest.raises(DataError, match=sentence):
            split_by_hash(rows, key="id", holdout=0.5)

    @pytest.mark.parametrize("share", [0, 1, -0.1, float("nan"), "0.25", None, True])
    def test_a_share_that_is_none_is_one_sentence(self, share):
        for split in (
            lambda: split_by_time(synthetic_rows(9), time="t", holdout=share),
            lambda: split_by_hash(synthetic_rows(9), key="id", holdout=share),
        ):
            with pytest.raises(DataError, match=r"^The holdout's share must be a number above 0 and below 1, but is "):
                split()
