"""Snapshots of URLs and queries: whole or not there at all, without secrets, kept as long as a record needs them."""

import os
import re
import sys
import time

import pandas as pd
import pyarrow.parquet as pq
import pytest
from fsspec.registry import _registry
from pydantic import SecretStr
from recipes import synthetic_rows
from situation import settings_at, toy
from sources import Lies, gcs, s3, setting, web, write_table

from promotion.adapters.sources import Snapshots, queries
from promotion.config import load_config
from promotion.data_sources import Query, is_url, shown_source
from promotion.errors import ConfigError, DataError
from promotion.registry.register import Origin
from promotion.secrets import without_password

__all__ = ["gcs", "s3", "web"]
pytestmark = pytest.mark.integration
DAYS = 3 * 86_400


@pytest.fixture
def snapshots(tmp_path):
    return Snapshots(tmp_path / "snapshots", tmp_path)


def query(sql, url=None):
    return Query(sql=sql, url=SecretStr(url) if url else None)


def why(snapshots, where):
    """The sentence of a source that cannot be read, of which nothing is kept."""
    with pytest.raises(DataError) as raised:
        snapshots.take(where)
    assert list(snapshots.folder.iterdir()) == []
    assert "s3cret" not in str(raised.value)
    return str(raised.value)


class TestWhole:
    def test_the_same_bytes_are_kept_once_and_replace_a_damaged_snapshot(self, snapshots, web):
        synthetic_rows(50).to_csv(web.folder / "rows.csv.gz", index=False)
        kept = snapshots.take(f"{web.url}/rows.csv.gz?token=1")
        assert re.fullmatch(r"[0-9a-f]{32}\.csv\.gz", kept.name)
        before = kept.read_bytes()
        kept.write_bytes(b"damaged")
        assert snapshots.take(f"{web.url}/rows.csv.gz?token=2") == kept
        assert kept.read_bytes() == before
        assert [one.name for one in snapshots.folder.iterdir()] == [kept.name]

    @pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.parquet"])
    def test_of_an_answer_that_breaks_off_nothing_is_kept(self, snapshots, web, name):
        rows, path = synthetic_rows(50_000), web.folder / name
        rows.to_parquet(path) if name == "rows.parquet" else rows.to_csv(path, index=False)
        web.breaks_after = 100_000
        assert why(snapshots, f"{web.url.replace('://', '://me:s3cret@')}/{name}") == (
            f"{web.url.replace('://', '://***@')}/{name} could not be read (100,000 bytes arrived, but the server "
            f"announced {path.stat().st_size:,}). Nothing of it was kept. Run the command again."
        )

    def test_a_server_that_stops_answering_is_told_in_words(self, snapshots, web, monkeypatch):
        (web.folder / "rows.csv").write_text("id\n" * 1000)
        monkeypatch.setattr("promotion.adapters.sources.urls._QUIET_SECONDS", 0.2)
        monkeypatch.setattr("sources._Handler.copyfile", lambda *_: time.sleep(1))
        assert "rows.csv could not be read (the server stopped answering). Nothing of it" in why(
            snapshots, f"{web.url}/rows.csv"
        )

    def test_of_a_query_whose_connection_breaks_off_nothing_is_kept(self, snapshots, postgres_server):
        url, sql = postgres_server.new_database(), "select generate_series(1, 200000) as id"
        assert pq.read_metadata(snapshots.take(query(sql, url))).num_rows == 200_000
        next(snapshots.folder.iterdir()).unlink()
        ending = f"select id, case id when 150000 then pg_terminate_backend(pg_backend_pid()) end from ({sql}) as x"
        assert "The query failed (" in why(snapshots, query(ending, url))

    def test_a_full_disk_is_one_sentence(self, snapshots, web, monkeypatch):
        (web.folder / "rows.csv").write_text("id\n1\n")

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("promotion.adapters.sources.snapshots.sync_tree", full)
        assert "cannot be written to" in why(snapshots, f"{web.url}/rows.csv")

    def test_a_folder_that_must_not_be_written_is_one_sentence(self, snapshots, web, monkeypatch):
        (web.folder / "rows.csv").write_text("id\n1\n")
        snapshots.folder.mkdir()

        def refused(**given):
            raise PermissionError(13, "Permission denied", str(given["dir"]))

        monkeypatch.setattr("tempfile.mkdtemp", refused)
        assert why(snapshots, f"{web.url}/rows.csv") == (
            f"A snapshot of the data cannot be written to {snapshots.folder} (Permission denied), so nothing was kept. "
            "Make the folder writable, or free some space."
        )


class TestMistakes:
    def test_a_url_that_names_nothing(self, snapshots, s3, web):
        assert why(snapshots, "s3://absent/rows.csv").startswith("There is no data at s3://absent/rows.csv. Check")
        assert why(snapshots, "s3://rows/absent.csv").startswith("There is no data at s3://rows/absent.csv. Check")
        assert why(snapshots, "s3://rows/*.csv") == "No file matches s3://rows/*.csv. Correct the URL."
        assert why(snapshots, f"{web.url}/absent?key=s3cret").startswith(f"There is no data at {web.url}/absent?***.")
        s3.put_object(Bucket="rows", Key="notes/readme.txt", Body=b"nothing")
        assert why(snapshots, "s3://rows/notes") == "s3://rows/notes names no Parquet or CSV file. Correct the URL."

    def test_a_url_that_names_nothing_in_google_storage(self, snapshots, gcs, capfd):
        assert why(snapshots, "gs://absent/rows.csv").startswith("There is no data at gs://absent/rows.csv. Check")
        assert why(snapshots, "gs://rows/absent.csv").startswith("There is no data at gs://rows/absent.csv. Check")
        assert why(snapshots, "gs://rows/*.csv") == "No file matches gs://rows/*.csv. Correct the URL."
        assert "gcsfs" not in capfd.readouterr().err

    def test_a_server_that_does_not_answer(self, snapshots):
        told = why(snapshots, "http://me:s3cret@127.0.0.1:9/rows.csv")
        assert told.startswith("http://***@127.0.0.1:9/rows.csv could not be read (Cannot connect to host 127.0.0.1:9")

    def test_a_query_that_is_wrong(self, snapshots, postgres_server, tmp_path):
        write_table(synthetic_rows(20), f"sqlite:///{tmp_path / 'rows.db'}")
        url = postgres_server.new_database().replace(postgres_server.password, "s3cret")
        assert "password authentication failed" in why(snapshots, query("select 1", url))
        url = postgres_server.new_database()
        told = why(snapshots, query("select id\nfrom nowhere", url))
        assert told.startswith('The query failed (relation "nowhere" does not exist')
        assert re.search(r"It is postgresql\+psycopg://\*\*\*@/\w+\?\*\*\*: select id from nowhere\.$", told)
        assert "no such table: nowhere" in why(snapshots, query("select * from nowhere", "sqlite:///rows.db"))
        assert why(snapshots, query("select * from rows where id < 0", "sqlite:///rows.db")) == (
            "The query returned no row (sqlite:///rows.db: select * from rows where id < 0). Check its conditions."
        )
        assert why(snapshots, query("select 1", "sqlite:///absent.db")).startswith("There is no SQLite database at /")
        assert why(snapshots, query("select 1", "duckdb:///absent.db")).startswith("There is no DuckDB database at /")
        assert "No files found" in why(snapshots, query("select * from 'absent/*.parquet'"))

    def test_a_url_without_scheme_shows_nothing_of_itself(self, snapshots):
        told = why(snapshots, query("select 1", "me:s3cret@host/db"))
        assert told == "The query failed (Could not parse SQLAlchemy URL from given URL string). It is ***: select 1."

    @pytest.mark.parametrize(
        ("status", "told"), [(401, "You may not read"), (403, "You may not"), (404, "There is no")]
    )
    def test_a_server_that_refuses_is_not_asked_again(self, snapshots, web, monkeypatch, status, told):
        monkeypatch.setattr("http.server.SimpleHTTPRequestHandler.send_head", lambda self: self.send_error(status))
        assert why(snapshots, f"{web.url}/rows.csv?sig=s3cret").startswith(f"{told}")

    @pytest.mark.parametrize(
        ("status", "told"),
        [
            (
                500,
                "could not be read (the server answers 500, Internal Server Error). Nothing of it was kept. Run the ",
            ),
            (429, "could not be read (the server answers 429, Too Many Requests). Nothing of it was kept. Run the "),
            (302, "could not be read (the server redirects again and again). Nothing of it was kept. Correct the URL."),
        ],
    )
    def test_a_server_that_fails_is_told_in_words(self, snapshots, web, monkeypatch, status, told):
        def answer(handler):
            handler.send_response(status)
            handler.send_header("Location", handler.path)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        monkeypatch.setattr("http.server.SimpleHTTPRequestHandler.send_head", answer)
        said = why(snapshots, f"{web.url}/rows.csv")
        assert f"{web.url}/rows.csv {told}" in said
        assert said.endswith("Correct the URL." if status == 302 else "Run the command again later.")

    def test_a_page_or_a_cut_file_is_told_from_the_file_that_the_url_names(self, snapshots, web):
        page, cut = b"\n<!DOCTYPE html><html>Sign in</html>", b"PAR1, and no end"
        for name, content, told in (
            ("rows.parquet", page, "gave a web page instead of a Parquet file. Name the address of the file itself"),
            ("rows.csv", page, "gave a web page instead of a CSV file. Name the address of the file itself, and check"),
            ("cut.parquet", cut, "gave no complete Parquet file: it is cut short there, or of another kind. Replace"),
        ):
            (web.folder / name).write_bytes(content)
            assert why(snapshots, f"{web.url}/{name}").startswith(f"{web.url}/{name} {told}")

    def test_of_two_queries_neither_is_taken(self, snapshots):
        assert snapshots.take(query("set threads = 1; select 1 as id")).unlink() is None
        told = why(snapshots, query("select 1 as id; select 2 as id"))
        assert told.startswith("`sql` holds 2 queries, but must hold one (DuckDB: select 1 as id; select 2 as id).")

    @pytest.mark.parametrize("kind", ["sqlite", "postgresql", "duckdb"])
    @pytest.mark.parametrize(
        "sql",
        [
            "drop table rows",
            "delete from rows returning *",
            "create table x as select 1 as id",
            "",
            "select id from rows; drop table rows",
            "select 1 as id; commit; drop table rows",
            "commit; drop table rows; select 1 as id",
            "with x as (delete from rows returning *) select * from x",
        ],
    )
    def test_a_statement_that_writes_is_refused_and_changes_nothing(self, snapshots, request, tmp_path, kind, sql):
        url = f"sqlite:///{tmp_path / 'rows.db'}"
        if kind == "postgresql":
            url = request.getfixturevalue("postgres_server").new_database()
        write_table(synthetic_rows(20), url)
        told = why(snapshots, query(sql, None if kind == "duckdb" else url))
        assert re.search(r"is no query|may write|rows does not exist|Write one `select`, which only reads\.$", told)
        assert pq.read_metadata(snapshots.take(query("select * from rows", url))).num_rows == 20

    def test_a_function_that_writes_and_a_second_statement_change_nothing_in_postgresql(
        self, snapshots, postgres_server
    ):
        url = postgres_server.new_database()
        write_table(synthetic_rows(20), url)
        name = re.search(r"/(t\d+)\?", url)[1]
        emptied = "begin delete from rows; return 1; end"
        postgres_server.sql(f"create function emptied() returns int as $$ {emptied} $$ language plpgsql", name)
        for sql, said in {
            "select emptied() as id": "cannot execute DELETE in a read-only transaction",
            "select id from rows; select id from rows": "cannot insert multiple commands into a prepared statement",
        }.items():
            told = why(snapshots, query(sql, url))
            assert re.fullmatch(
                rf"The query failed \({said}\)\. It is .*: {re.escape(sql)}\. Write one `select`, which .*", told
            )
        assert postgres_server.sql("select count(*) from rows", name) == [(20,)]

    @pytest.mark.parametrize(
        "before",
        [
            "copy (select 1) to 'out.csv'",
            "export database 'out'",
            "attach 'kept.db' as k; delete from k.rows",
            "attach 'out.db' as o",
            "attach 'kept.db' as k; with x as (delete from k.rows returning *) select * from x",
        ],
    )
    def test_a_statement_before_a_query_of_duckdb_writes_nothing(self, snapshots, tmp_path, before):
        import duckdb

        with duckdb.connect(str(tmp_path / "kept.db")) as database:
            database.execute("create table rows as select range as id from range(20)")
        told = why(snapshots, query(f"{before}; select 1 as id"))
        assert re.search(
            r"may write .* Write only `set`, `load`, `create` and `attach … \(read_only\)` there|2 queries", told
        )
        assert {one.name for one in tmp_path.iterdir()} == {"kept.db", "snapshots"}
        reads = "attach 'kept.db' as k (read_only); create macro twice(x) as 2 * x; select twice(id) as id from k.rows"
        assert pq.read_metadata(snapshots.take(query(reads))).num_rows == 20

    def test_colons_and_percents_in_a_query_are_text(self, snapshots, postgres_server, tmp_path):
        write_table(synthetic_rows(20), f"sqlite:///{tmp_path / 'rows.db'}")
        for url in (f"sqlite:///{tmp_path / 'rows.db'}", postgres_server.new_database()):
            path = snapshots.take(query("select ':x' as a, '100 %' as b, '%s' as c", url))
            assert pq.read_table(path).to_pylist() == [{"a": ":x", "b": "100 %", "c": "%s"}]

    def test_a_package_that_is_missing_is_named_before_anything_is_asked(self, snapshots, monkeypatch):
        for used in ("s3", "gs"):
            monkeypatch.delitem(_registry, used, raising=False)
        for name in ("s3fs", "gcsfs", "duckdb", "psycopg", "pymssql"):
            monkeypatch.setitem(sys.modules, name, None)
        for where, way_out in {
            "s3://rows/rows.csv": 'for s3:// is missing. Run `pip install "registry-flows[s3]"`.',
            "gs://rows/rows.csv": 'for gs:// is missing. Run `pip install "registry-flows[gcs]"`.',
            "abfs://rows/rows.csv": "for abfs:// is missing. Run `pip install adlfs`.",
            "teleport://rows.csv": "(Protocol not known: teleport). Nothing of it was kept. Correct the URL.",
            query("select 1"): 'not installed. Run `pip install "registry-flows[duckdb]"`.',
            query("select 1", "postgresql://me:s3cret@host/db"): 'Run `pip install "registry-flows[postgresql]"`.',
            query("select 1", "mssql+pymssql://me:s3cret@host/db"): "for SQLAlchemy, which has the module 'pymssql'.",
            query("select 1", "nosuch://me:s3cret@host/db"): "Can't load plugin: sqlalchemy.dialects:nosuch",
        }.items():
            with pytest.raises(DataError) as raised:
                snapshots.foresee(where)
            assert way_out in str(raised.value)
            assert "s3cret" not in str(raised.value)


class TestTypes:
    def test_a_column_whose_types_differ_between_batches_keeps_its_values(self, snapshots, tmp_path, monkeypatch):
        monkeypatch.setattr(queries, "_ROWS", 2)
        url = f"sqlite:///{tmp_path / 'rows.db'}"
        write_table(pd.DataFrame({"id": range(6)}), url)
        sql = "select id, case when id < 2 then null when id < 4 then id else id + 0.5 end as x from rows order by id"
        rows = pq.read_table(snapshots.take(query(sql, url))).to_pandas()
        assert rows["id"].tolist() == [0, 1, 2, 3, 4, 5]
        assert rows["x"].tolist()[2:] == [2, 3, 4.5, 5.5]
        assert rows["x"].isna().sum() == 2

    def test_values_of_postgresql_are_read_as_from_a_parquet_file(self, snapshots, postgres_server):
        sql = (
            "select gen_random_uuid() as id, 1.50::numeric as n, true as y, timestamptz '2026-01-01 12:00+02' as t, "
            "date '2026-01-01' as d, 'x' as c"
        )
        from promotion import read_rows

        path = snapshots.take(query(sql, postgres_server.new_database()))
        rows = read_rows(path, {"id": "key", "n": "number", "y": "number", "t": "time", "d": "time", "c": "text"})
        assert len(rows["id"][0]) == 36
        assert (rows["n"][0], rows["y"][0], rows["c"][0]) == (1.5, 1.0, "x")
        assert str(rows["t"][0]) == "2026-01-01 10:00:00+00:00"


class TestSettings:
    def test_a_query_and_its_url_come_from_file_and_environment_and_stay_secret(self, tmp_path, monkeypatch):
        text = '[models.toy]\nrecipe = "recipes:ToyRecipe"\ndata = {{ {} }}\n[models.toy.policy]\nprimary = {{ metric = "roc_auc" }}\n'
        path = tmp_path / "promotion.toml"
        path.write_text(text.format('sql = "select 1"'))
        monkeypatch.setenv("PROMOTION_MODELS__TOY__DATA__URL", "postgresql://me:s3cret@host/db?sslkey=s3cret")
        data = load_config(path).models["toy"].data
        assert data.url.get_secret_value() == "postgresql://me:s3cret@host/db?sslkey=s3cret"
        assert shown_source(data) == "postgresql://***@host/db?***: select 1"
        assert "s3cret" not in repr(load_config(path)) + load_config(path).model_dump_json()
        path.write_text(text.format('sgl = "select 1", url = "postgresql://me:s3cret@host/db"'))
        monkeypatch.delenv("PROMOTION_MODELS__TOY__DATA__URL")
        with pytest.raises(ConfigError) as raised:
            load_config(path)
        assert str(raised.value) == (
            f"{path}, 'data' in [models.toy]: Input should be text, or a table, {{ sql = \"select …\", url = "
            '"postgresql://user@host/database" }, found a value that is not shown.'
        )

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("s3://b/x", True),
            ("simplecache::s3://b/x", True),
            ("C:/rows.csv", False),
            ("rows.csv", False),
            ("a/*", False),
        ],
    )
    def test_a_url_is_told_from_a_path(self, text, expected):
        assert is_url(text) is expected


class TestErrors:
    def test_an_error_in_the_rows_names_what_the_snapshot_is_one_of(self, opened, tmp_path):
        write_table(synthetic_rows(20)[["id"]], f"sqlite:///{tmp_path / 'rows.db'}")
        where = {"sql": "select id from rows", "url": "sqlite:///rows.db"}
        with pytest.raises(DataError, match=r"\(a snapshot of sqlite:///rows\.db: select id from rows\) has no column"):
            opened(config=settings_at(tmp_path, data=where)).reader.load("toy")


class TestRetention:
    @pytest.fixture
    def lies(self, tmp_path, request, rows_file):
        lies = Lies("sqlite", tmp_path, request)
        lies.put(synthetic_rows())
        return lies

    def test_gc_keeps_what_judged_and_what_trained_and_deletes_the_rest_after_a_day(self, lies, opened, tmp_path):
        registry = opened(config=settings_at(tmp_path, data=lies.where))
        folder = tmp_path / ".promotion" / "snapshots"
        registry.register(toy("weak"), Origin(data=registry.reader.load("toy")[1]))
        registry.gate(toy("weak"))
        judged = {one.name for one in folder.iterdir()}
        lies.put(synthetic_rows(seed=2))
        registry.register(toy("noisy"), Origin(data=registry.reader.load("toy")[1]))
        trained = {one.name for one in folder.iterdir()} - judged
        lies.put(synthetic_rows(seed=3))
        registry.reader.load("toy")
        (folder / ".unfinished-x").mkdir()
        (folder / "notes.txt").touch()
        old = time.time() - DAYS
        unneeded = {one.name for one in folder.iterdir()} - judged - trained - {"notes.txt"}
        registry.gc("toy", keep=3, reason="cleaning")
        assert unneeded <= {one.name for one in folder.iterdir()}  # younger than a day
        for one in folder.iterdir():
            os.utime(one, (old, old))
        registry.gc("toy", keep=3, reason="cleaning")
        assert {one.name for one in folder.iterdir()} == judged | trained | {"notes.txt"}
        assert len(judged) == len(trained) == 1

    def test_an_empty_ledger_deletes_nothing(self, lies, opened, tmp_path):
        registry = opened(config=settings_at(tmp_path, data=lies.where))
        registry.ledger.make()
        registry.reader.load("toy")
        for one in (tmp_path / ".promotion" / "snapshots").iterdir():
            os.utime(one, (0, 0))
        assert registry.gc("toy", keep=3, reason="cleaning") is None
        assert len(list((tmp_path / ".promotion" / "snapshots").iterdir())) == 1

    def test_one_run_fetches_once_and_the_next_run_again(self, lies, opened, tmp_path):
        reader = opened(config=settings_at(tmp_path, data=lies.where)).reader
        with reader.one_run():
            first = reader.load("toy")[1]
            lies.put(synthetic_rows(seed=2))
            with reader.one_run():
                assert reader.load("toy")[1].digest == first.digest
            assert reader.load("toy")[1].digest == first.digest
        assert reader.load("toy")[1].digest != first.digest
        assert setting(lies.where) == Query(sql=lies.where["sql"], url=lies.where["url"])


def test_signatures_of_urls_are_secrets_in_every_output():
    url = "https://bucket.s3.amazonaws.com/x?X-Amz-Credential=me%2F1&X-Amz-Signature=s3cret&part=2 or ?sv=1&sig=s3cret"
    assert without_password(url) == (
        "https://bucket.s3.amazonaws.com/x?X-Amz-Credential=***&X-Amz-Signature=***&part=2 or ?sv=1&sig=***"
    )
