"""Real servers that hold rows: S3 (moto), Google Storage and HTTP; and the same rows laid down in every kind of source."""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from servers import free_port

from promotion.data_sources import Query

KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_DEFAULT_REGION": "us-east-1"}
SQL = "select id, t, y, a, b from rows order by t"


@pytest.fixture
def s3(monkeypatch):
    """A bucket `rows` on an S3 server of its own, which s3fs finds through AWS's own variables."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": address}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=address)
    client.create_bucket(Bucket="rows")
    yield client
    server.stop()


@pytest.fixture
def gcs(monkeypatch):
    """Puts bytes into the bucket `rows` of a Google Storage server of its own, which gcsfs finds by Google's variable."""
    from gcp_storage_emulator.server import create_server

    port = free_port()
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    monkeypatch.setattr(HTTPServer, "handle_error", lambda *_: None)  # it prints connections that a client dropped

    def put(name, body):
        place = f"{address}/upload/storage/v1/b/rows/o?uploadType=media&name={quote(name, safe='')}"
        with urlopen(Request(place, data=body, headers={"Content-Type": "application/octet-stream"})) as answer:
            assert answer.status == 200

    with create_server("127.0.0.1", port, in_memory=True, default_bucket="rows"):
        yield put


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *given, server_of, **more):
        self.of = server_of
        super().__init__(*given, **more)

    def do_GET(self):
        self.of.asked.append((self.path, self.headers.get("Authorization")))
        self.path = self.path.partition("?")[0]
        super().do_GET()

    def copyfile(self, source, outputfile):
        if self.of.breaks_after is None:
            super().copyfile(source, outputfile)
            return
        outputfile.write(source.read(self.of.breaks_after))
        outputfile.flush()
        self.connection.close()

    def log_message(self, *_):
        """Say nothing."""


class Web:
    """A web server of the files of a folder.

    Attributes:
        url: its address.
        asked: path and `Authorization` of every GET.
        breaks_after: number of bytes after which it breaks off each answer; None for never.
    """

    def __init__(self, folder):
        self.asked, self.breaks_after = [], None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, server_of=self, directory=folder))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def web_of(folder):
    web = Web(folder)
    thread = threading.Thread(target=web.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield web
    finally:
        web.server.shutdown()
        thread.join()
        web.server.server_close()


@pytest.fixture
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    with web_of(folder) as web:
        web.folder = folder
        yield web


def halves(rows):
    return rows.iloc[: len(rows) // 3], rows.iloc[len(rows) // 3 :]


def write_folder(rows, folder, kind="parquet"):
    """Write the rows to two files in a new folder."""
    folder.mkdir(parents=True)
    for number, part in enumerate(halves(rows)):
        path = folder / f"part-{number}.{kind}"
        part.to_parquet(path, index=False) if kind == "parquet" else part.to_csv(path, index=False)
    return folder


def write_table(rows, url):
    """Write the rows to the table `rows` of a database, in place of any that was there."""
    from sqlalchemy import create_engine

    engine = create_engine(url)
    rows.to_sql("rows", engine, if_exists="replace", index=False)
    engine.dispose()


class Lies:
    """Lays rows where a setting of one kind names them; `where` is the setting."""

    def __init__(self, kind, root, request):
        self.kind, self.root = kind, root
        if kind.startswith("s3"):
            self.client = request.getfixturevalue("s3")
        elif kind.startswith("gs"):
            self.put_bytes = request.getfixturevalue("gcs")
        elif kind.startswith("https"):
            self.web = request.getfixturevalue("web")
        elif kind == "postgresql":
            self.url = request.getfixturevalue("postgres_server").new_database()

    def put(self, rows):
        getattr(self, f"_put_{self.kind.replace(' ', '_')}")(rows)

    @property
    def where(self):
        return {
            "csv": "rows.csv",
            "parquet": "rows.parquet",
            "folder": "parts",
            "pattern": "parts/**/*.csv",
            "s3": "s3://rows/day/rows.parquet",
            "s3 folder": "s3://rows/parts",
            "s3 pattern": "s3://rows/parts/*.parquet",
            "gs": "gs://rows/day/rows.parquet",
            "gs folder": "gs://rows/parts",
            "gs pattern": "gs://rows/parts/*.parquet",
        }.get(self.kind) or self._elsewhere()

    def _elsewhere(self):
        if self.kind == "https":
            return self.web.url.replace("://", "://reader:s3cret@") + "/rows.csv?signature=s3cret"
        if self.kind == "duckdb":
            return {"sql": "select id, t, y, a, b from 'parts/*.parquet' order by t"}
        url = self.url if self.kind == "postgresql" else "sqlite:///rows.db"
        return {"sql": SQL, "url": url}

    def _put_csv(self, rows):
        rows.to_csv(self.root / "rows.csv", index=False)

    def _put_parquet(self, rows):
        rows.to_parquet(self.root / "rows.parquet", index=False)

    def _put_folder(self, rows, kind="parquet"):
        for old in (self.root / "parts").glob("*"):
            old.unlink()
        (self.root / "parts").rmdir() if (self.root / "parts").exists() else None
        write_folder(rows, self.root / "parts", kind)

    def _put_pattern(self, rows):
        self._put_folder(rows, "csv")

    _put_duckdb = _put_folder

    def _put_s3(self, rows):
        self.client.put_object(Bucket="rows", Key="day/rows.parquet", Body=rows.to_parquet(index=False))

    def _put_s3_folder(self, rows):
        for number, part in enumerate(halves(rows)):
            self.client.put_object(Bucket="rows", Key=f"parts/{number}.parquet", Body=part.to_parquet(index=False))

    _put_s3_pattern = _put_s3_folder

    def _put_gs(self, rows):
        self.put_bytes("day/rows.parquet", rows.to_parquet(index=False))

    def _put_gs_folder(self, rows):
        for number, part in enumerate(halves(rows)):
            self.put_bytes(f"parts/{number}.parquet", part.to_parquet(index=False))

    _put_gs_pattern = _put_gs_folder

    def _put_https(self, rows):
        rows.to_csv(self.web.folder / "rows.csv", index=False)

    def _put_postgresql(self, rows):
        write_table(rows, self.url)

    def _put_sqlite(self, rows):
        write_table(rows, f"sqlite:///{self.root / 'rows.db'}")


LOCAL = ("csv", "parquet", "folder", "pattern")
ELSEWHERE = (
    "s3",
    "s3 folder",
    "s3 pattern",
    "gs",
    "gs folder",
    "gs pattern",
    "https",
    "postgresql",
    "sqlite",
    "duckdb",
)


def setting(where):
    return Query(**where) if isinstance(where, dict) else where
