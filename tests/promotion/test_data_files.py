"""Files as other programs write them: either the intended rows are read, or an error says what is wrong."""

import bz2
import gzip
import io
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promotion.errors import DataError
from promotion.rows import read_rows

COLUMNS = {"id": "key", "y": "number", "kind": "text"}
FRAME = pd.DataFrame({"id": ["7", "08", "9"], "y": [0.5, 1.25, -3.0], "kind": ["x", 'two\r\n"lines"', "é;,\t|"]})


def as_csv(frame=FRAME, *, end="\n", sep=",", decimal=".", encoding="utf-8", quoting=0):
    text = frame.to_csv(index=False, sep=sep, decimal=decimal, lineterminator="\n", quoting=quoting)
    return text.replace("\n", end).encode(encoding) if end != "\n" else text.encode(encoding)


def zipped(*names, data=None):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, as_csv() if data is None else data)
    return made.getvalue()


@pytest.fixture
def read(tmp_path):
    def read(data, name="rows.csv", columns=COLUMNS):
        path = tmp_path / name
        path.write_bytes(data)
        try:
            return read_rows(path, columns)
        except DataError as error:
            return str(error).replace(str(path), name)

    return read


def same(rows, frame=FRAME):
    assert not isinstance(rows, str), rows
    pd.testing.assert_frame_equal(rows.astype(object), frame[list(rows)].astype(object), check_column_type=False)
    return True


PLAIN = FRAME.assign(kind=["x", "y", "z"])


class TestTheRowsThatWereMeant:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("sep", list(",;\t|"))
    def test_line_ends_and_delimiters(self, read, end, sep):
        assert same(read(as_csv(PLAIN, end=end, sep=sep)), PLAIN)

    @pytest.mark.parametrize("sep", list(";\t|"))
    def test_decimal_commas(self, read, sep):
        assert same(read(as_csv(sep=sep, decimal=",")))

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
    def test_encodings_with_a_byte_order_mark(self, read, encoding):
        assert same(read(as_csv(encoding=encoding)))
        assert same(read(b"\xfe\xff" + as_csv(encoding="utf-16-be")))
        assert same(read(as_csv(encoding=encoding, quoting=1)))  # a quoted name right after the byte order mark

    @pytest.mark.parametrize("codec", ["gzip", "bz2", "zstd", "lz4"])
    def test_packed_whatever_their_name(self, read, tmp_path, codec):
        with pa.output_stream(tmp_path / "packed", compression=codec) as out:
            out.write(as_csv())
        data = (tmp_path / "packed").read_bytes()
        assert data != as_csv()
        assert same(read(data))
        assert same(read(data, f"rows.csv.{codec}"))

    def test_a_zip_archive_of_one_file(self, read):
        assert same(read(zipped("train.csv"), "train.csv.zip"))
        assert same(read(zipped("folder/", "folder/train.csv", "__MACOSX/._train.csv")))
        assert same(read(zipped("t.csv", data=as_csv(encoding="utf-16", sep=";", decimal=","))))

    def test_a_last_field_with_line_breaks_or_very_long(self, read):
        for kind in ("two\nlines", "ends\n", "\n", "x" * 140_000, '"', 'say "no', ",", "a\rb"):
            frame = FRAME.assign(kind=["x", "y", kind])
            assert same(read(as_csv(frame, quoting=1)), frame)

    def test_a_quote_within_a_field_is_a_letter(self, read):
        assert same(
            read(b'id,y,kind\n7,1,5" pipe\n8,2,x\n'),
            pd.DataFrame({"id": ["7", "8"], "y": [1.0, 2.0], "kind": ['5" pipe', "x"]}),
        )

    def test_empty_lines_before_and_after(self, read):
        assert same(read(b"\n\n" + as_csv(PLAIN) + b"\n\n"), PLAIN)

    def test_a_name_with_another_delimiter_in_it(self, read):
        for header in ('id,"y;a;b",kind,y\n', "id,y,kind,a;b;c;d;e;f\n"):
            rows = read(header.encode() + b"7,1,x,1\n")
            assert rows["id"].tolist() == ["7"]

    @given(
        st.lists(
            st.tuples(
                st.text(st.characters(codec="utf-8", exclude_characters="\0")),
                st.floats(allow_nan=False, allow_infinity=False),
            ),
            min_size=1,
        )
    )
    @settings(deadline=None, max_examples=60)
    def test_whatever_the_texts_are(self, tmp_path_factory, rows):
        """Quoted as RFC 4180 says, in small blocks, so that rows lie across them."""
        frame = pd.DataFrame(
            {"id": [f"k{n}" for n in range(len(rows))], "y": [y for _, y in rows], "kind": [text for text, _ in rows]}
        )
        path = tmp_path_factory.mktemp("any") / "rows.csv"
        for encoding, sep in (("utf-8", ","), ("utf-16", ";")):
            path.write_bytes(as_csv(frame, sep=sep, encoding=encoding, quoting=1))
            found = read_rows(path, COLUMNS)
            assert found["id"].tolist() == frame["id"].tolist()
            assert found["y"].tolist() == frame["y"].tolist()
            assert found["kind"].astype(object).fillna("").tolist() == frame["kind"].tolist()


class TestParquet:
    @pytest.mark.parametrize("name", ["rows.parquet", "rows.PARQUET", "rows.pq", "rows.parq", "rows", "rows.csv"])
    def test_by_name_or_by_its_first_bytes(self, tmp_path, name):
        FRAME.to_parquet(tmp_path / name)
        assert same(read_rows(tmp_path / name, COLUMNS))

    @pytest.mark.parametrize("index", [["id"], ["y"], ["kind"], ["id", "y"], ["id", "y", "kind"]])
    def test_columns_that_are_the_index(self, tmp_path, index):
        FRAME.assign(other=1).set_index(index).to_parquet(tmp_path / "rows.parquet")
        rows = read_rows(tmp_path / "rows.parquet", COLUMNS)
        assert same(rows)
        assert list(rows.index) == [0, 1, 2]

    @pytest.mark.parametrize("start", [0, 5])
    def test_an_index_that_is_described_and_not_stored(self, tmp_path, start):
        FRAME[["y"]].set_index(pd.RangeIndex(start, start + 6, 2, name="id")).to_parquet(tmp_path / "rows.parquet")
        rows = read_rows(tmp_path / "rows.parquet", {"id": "key", "y": "number"})
        assert rows["id"].tolist() == [start, start + 2, start + 4]
        assert rows["y"].tolist() == FRAME["y"].tolist()

    def test_an_index_without_a_name_goes(self, tmp_path):
        FRAME.set_index(pd.Index(["c", "b", "a"])).to_parquet(tmp_path / "rows.parquet")
        assert same(read_rows(tmp_path / "rows.parquet", COLUMNS))

    def test_types_of_pandas_stay(self, tmp_path):
        ids = pd.array([2**60 + 1, None, 2**60 + 3], dtype="Int64")
        FRAME.assign(id=ids).set_index("id").to_parquet(tmp_path / "rows.parquet")
        keys = read_rows(tmp_path / "rows.parquet", COLUMNS)["id"]
        assert keys.dropna().tolist() == [2**60 + 1, 2**60 + 3]


class TestSentences:
    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            (b"id,y,kind\n7,1,x\n8,1", "rows.csv seems cut short: its last row has 2 of 3 fields."),
            (b'id,y,kind\n7,1,x\n8,"1\n', "rows.csv seems cut short: its last row has 2 of 3 fields."),
            (b"id,y,kind\n7,1,x\n(1 row)\n", "Row 2 of rows.csv has 1 fields, but the header has 3. Fix the row."),
            (b"id,y,kind\n7,1,x\n8,1\n9,1", "Row 2 of rows.csv has 2 fields, but the header has 3. Fix the row."),
            (b'id,y,kind\n7,1,x\n8,1,"x\n9,1,y\n', "Row 2 of rows.csv opens a quote that is not closed"),
            (b'id,y,kind\n7,1,"x\n8,1,x', "Row 1 of rows.csv opens a quote that is not closed"),
            (b"id,y,kind\n7,1,x\n8,1,x", "The last row of rows.csv has no line end, so the file may be cut short"),
            (gzip.compress(as_csv() * 500, mtime=0)[:-30], "rows.csv seems cut short or damaged ("),
            (bz2.compress(as_csv())[:-9], "rows.csv seems cut short or damaged ("),
            (
                zipped("t.csv")[:-30],
                "rows.csv seems cut short or damaged (File is not a zip file). Copy the file again.",
            ),
            (zipped("a.csv", "b.csv"), "rows.csv is a zip archive of 2 files. Unpack it, and name the file to read."),
            (
                zipped("[Content_Types].xml", "xl/workbook.xml"),
                "rows.csv is an Excel workbook, which is not supported.",
            ),
            (
                as_csv(PLAIN, encoding="utf-16-le"),
                "rows.csv is not a CSV file in UTF-8 (its header contains NUL characters",
            ),
            (b"\x89HDF\r\n", "rows.csv is an HDF5 file, which is not supported. Export it as CSV in UTF-8"),
            (b'{"id": 1, "y": 0}\n', "rows.csv is JSON, which is not supported. Export it as CSV in UTF-8"),
            (b"version https://git-lfs.github.com/spec/v1\n", "rows.csv is a pointer of Git LFS (`git lfs pull`"),
            (
                gzip.compress(b"PAR1....", mtime=0),
                "rows.csv contains Parquet, which cannot be read in compressed form. Unpack it",
            ),
            (
                gzip.compress(zipped("a.csv"), mtime=0),
                "rows.csv contains a zip archive, which cannot be read in compressed form.",
            ),
            (b"\xef\xbb\xbf", "rows.csv is empty; its first line should name the columns."),
            (gzip.compress(b"", mtime=0), "rows.csv is empty; its first line should name the columns."),
            (
                b"sep=;\r\nid;y\r\n1;0\r\n",
                "rows.csv begins with the line 'sep=…', which only Excel understands. Delete that line.",
            ),
            (
                b"sep=,\nid,y\n",
                "rows.csv begins with the line 'sep=…', which only Excel understands. Delete that line.",
            ),
            (
                b'id,y,kind\n7,"0,5",x\n',
                "Column 'y' of rows.csv must hold numbers, but row 1 holds '0,5'. Write numbers with a decimal point",
            ),
            (
                b"id;y;kind\n7;12;x\n8;1,234;x\n",
                "Column 'y' of rows.csv holds numbers like 1,234, and it is unclear whether the comma separates",
            ),
            (b"id;y;kind\n7;0,5;x\n8;1.5;x\n", "Column 'y' of rows.csv must hold numbers, but row 2 holds '1.5'."),
            (
                b"id;y\n7;1\n",
                "rows.csv has no column 'kind', which the recipe needs. Did you mean 'id'?",
            ),
        ],
    )
    def test_what_is_wrong(self, read, data, sentence):
        told = read(data)
        assert isinstance(told, str)
        assert told.startswith(sentence)

    def test_a_feather_file(self, read, tmp_path):
        pyarrow.feather.write_feather(FRAME, tmp_path / "f")
        assert read((tmp_path / "f").read_bytes()).startswith(
            "rows.csv is an Arrow (Feather) file, which is not supported."
        )

    def test_a_quote_that_swallows_more_than_a_block(self, read):
        told = read(b'id,y,kind\n7,1,x\n8,1,"x\n' + b"9,1,y\n" * 2_000_000)
        assert told.startswith("rows.csv has a row of more than 8 MiB, perhaps because a quote is not closed.")

    @pytest.mark.parametrize("place", [0, 1, 20_000])
    def test_a_row_that_is_longer_than_a_short_block(self, read, place):
        rows = [b"%d,1,x" % number for number in range(20_000)]
        rows.insert(place, b"k,1,%b" % (b"x" * (6 << 20)))
        found = read(b"id,y,kind\n" + b"\n".join(rows) + b"\n")
        assert found["id"].tolist() == [row.partition(b",")[0].decode() for row in rows]
        assert found["kind"].str.len().tolist() == [len(row) - row.rindex(b",") - 1 for row in rows]

    def test_a_cut_at_any_byte_is_never_read_as_whole(self, read):
        """But for cuts between two rows, which no file shows."""
        frame = pd.DataFrame({"id": ["7", "8", "9"], "y": [0.5, 1.25, -3.0], "kind": ["xx", "a,\nb", 'c"d']})
        whole = as_csv(frame)
        ends = [len(as_csv(frame.head(n))) for n in range(1, 4)]
        for cut in range(len(b"id,y,kind\n") + 1, len(whole)):
            found = read(whole[:cut])
            assert isinstance(found, str) is (cut not in ends), whole[:cut]
