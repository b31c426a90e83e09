"""The ledger's tables: created once, refused if another release made them, upgraded with every entry."""

import importlib.util
import json
import sqlite3
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from promotion.adapters.sql import SqlLedger, schema, upgrade
from promotion.adapters.sql.database import Database
from promotion.canonical import canonical_json
from promotion.errors import LedgerError
from promotion.ledger.chain import chain
from promotion.ledger.entries import Override, Registration
from promotion.ledger.folding import fold

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROOT = Path(__file__).parents[4]
BODIES = [
    Registration(tag="toy:a", digest=64 * "a", stage=None, data="ü.csv"),
    Override(tag="toy:a", reason="it is the best"),
]
ENTRIES = tuple(chain("toy", None, BODIES, at=NOW, actor="os:alice"))

# Exactly as the first release created them.
FIRST_TABLES = """
CREATE TABLE entries (
    model VARCHAR(63) NOT NULL, seq INTEGER NOT NULL, kind VARCHAR(32) NOT NULL, at VARCHAR(40) NOT NULL,
    actor TEXT NOT NULL, body TEXT NOT NULL, prev_hash VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL,
    PRIMARY KEY (model, seq)
);
CREATE TABLE heads (
    model VARCHAR(63) NOT NULL, seq INTEGER NOT NULL, hash VARCHAR(64) NOT NULL, champion TEXT, mirrored INTEGER NOT NULL,
    PRIMARY KEY (model)
);
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return request.getfixturevalue("postgres_server").new_database()


@pytest.fixture
def engine(url):
    made = create_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def of_first_release(engine, url):
    """URL of a ledger with two entries, as the first release left it."""
    with engine.begin() as connection:
        for statement in FIRST_TABLES.split(";")[:2]:
            connection.execute(text(statement))
        for entry in ENTRIES:
            values = {
                name: getattr(entry, name) for name in ("model", "seq", "kind", "at", "actor", "prev_hash", "hash")
            }
            connection.execute(
                text("INSERT INTO entries VALUES (:model, :seq, :kind, :at, :actor, :body, :prev_hash, :hash)"),
                {**values, "body": canonical_json(entry.body)},
            )
        connection.execute(text("INSERT INTO heads VALUES ('toy', 2, :hash, NULL, 1)"), {"hash": ENTRIES[-1].hash})
    return url


def shape_of(engine):
    """Tables, columns and keys, whatever the order of the columns."""
    tables = inspect(engine)
    return {
        name: (
            sorted((column["name"], str(column["type"]), column["nullable"]) for column in tables.get_columns(name)),
            tables.get_pk_constraint(name)["constrained_columns"],
        )
        for name in tables.get_table_names()
    }


def content_of(engine):
    with engine.connect() as connection:
        return {name: connection.execute(text(f"SELECT * FROM {name}")).all() for name in shape_of(engine)}


def test_the_revisions_of_the_code_are_those_of_alembic():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "promotion.adapters.sql:migrations")
    revisions = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == schema.REVISIONS


def test_the_migrations_come_to_the_tables_that_a_new_ledger_is_given(engine, url, tmp_path):
    with Database(url).alone() as connection:
        schema._revise(connection, "base")
    migrated = shape_of(engine)
    assert content_of(engine)["ledger_version"] == [(schema.NEWEST,)]
    with engine.begin() as connection:
        for name in migrated:
            connection.execute(text(f"DROP TABLE {name}"))
    SqlLedger(url).make()
    assert shape_of(engine) == migrated
    assert set(migrated) == {"entries", "heads", "ledger_version"}


def test_a_ledger_of_the_first_release_is_refused_and_after_the_upgrade_it_is_whole(of_first_release, engine):
    before = content_of(engine)
    expected = (
        r"^The ledger at \S+ has revision 0001, but this release needs 0002\. Make a backup, then run "
        r"`promotion ledger upgrade`, which keeps every entry\.$"
    )
    with pytest.raises(LedgerError, match=expected):
        SqlLedger(of_first_release)
    assert content_of(engine) == before

    done = upgrade(of_first_release)
    assert (done.before, done.after) == ("0001", "0002")
    ledger = SqlLedger(of_first_release)
    assert ledger.entries("toy") == ENTRIES
    assert ledger.head("toy") == fold("toy", ENTRIES).head
    assert ledger.mirrored("toy") == 1
    more = tuple(chain("toy", ledger.head("toy"), [BODIES[1]], at=NOW, actor="os:bob", sign=str.upper))
    ledger.append(more, fold("toy", (*ENTRIES, *more)).head)
    assert ledger.entries("toy", after=2)[0].signature == more[0].hash.upper()


def test_an_upgrade_is_done_once(of_first_release, engine):
    upgrade(of_first_release)
    after = content_of(engine)
    done = upgrade(of_first_release)
    assert (done.before, done.after) == ("0002", "0002")
    assert content_of(engine) == after


def test_of_many_who_upgrade_at_once_one_does(of_first_release):
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: upgrade(of_first_release).before, range(6)))
    assert sorted(done) == ["0001", *["0002"] * 5]
    assert SqlLedger(of_first_release).entries("toy") == ENTRIES


def test_an_upgrade_that_breaks_off_leaves_what_was_there(of_first_release, engine, monkeypatch):
    before, shape = content_of(engine), shape_of(engine)
    from alembic import op

    add_column = op.add_column

    def add_and_fail(*arguments):
        add_column(*arguments)
        raise RuntimeError("killed")

    monkeypatch.setattr(op, "add_column", add_and_fail)
    with pytest.raises(RuntimeError, match="killed"):
        upgrade(of_first_release)
    monkeypatch.undo()
    assert (content_of(engine), shape_of(engine)) == (before, shape)
    assert upgrade(of_first_release).before == "0001"


def test_an_upgrade_of_an_empty_database_makes_a_ledger(url):
    assert upgrade(url).before is None
    assert SqlLedger(url).models() == ()


def test_who_only_reads_makes_no_tables(url, engine):
    """In an empty database, or one that is another program's."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (n INTEGER)"))
    ledger = SqlLedger(url)
    assert (ledger.models(), ledger.head("toy"), ledger.entries("toy"), ledger.mirrored("toy")) == ((), None, (), 0)
    assert ledger.foreign("toy") == {}
    assert inspect(engine).get_table_names() == ["theirs"]
    ledger.append(ENTRIES, fold("toy", ENTRIES).head)
    assert SqlLedger(url).entries("toy") == ledger.entries("toy") == ENTRIES


@pytest.mark.parametrize("name", ["0003", "1f2e3d", ""])
def test_a_ledger_of_a_newer_release_is_neither_opened_nor_upgraded(url, engine, name):
    SqlLedger(url).make()
    with engine.begin() as connection:
        connection.execute(text("UPDATE ledger_version SET version_num = :name"), {"name": name})
    before = content_of(engine)
    expected = (
        rf"^The ledger at \S+ has revision '{name}', but this release supports none after 0002\. Install the newer "
        r"release of registry-flows that wrote it\.$"
    )
    for work in (SqlLedger, upgrade):
        with pytest.raises(LedgerError, match=expected):
            work(url)
    assert content_of(engine) == before


def test_the_ledger_may_live_in_the_database_of_mlflow(empty_mlflow, tmp_path):
    path = tmp_path / "both.db"
    path.write_bytes(empty_mlflow.read_bytes())
    with sqlite3.connect(path) as connection:
        before = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        ledger = SqlLedger(f"sqlite:///{path}")
        ledger.append(ENTRIES, fold("toy", ENTRIES).head)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == before
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{path}", f"sqlite:///{path}")
    assert client.create_registered_model("toy").name == "toy"
    assert SqlLedger(f"sqlite:///{path}").entries("toy") == ENTRIES


def test_to_open_a_ledger_imports_no_alembic(url):
    script = (
        "import sys; from promotion.adapters.sql import SqlLedger; SqlLedger(sys.argv[1]); SqlLedger(sys.argv[1]); "
        "print([name for name in ('alembic', 'psycopg', 'mako') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ("['psycopg']" if url.startswith("postgresql") else "[]")


def test_no_statement_of_the_ledger_reads_a_whole_table(tmp_path):
    ledger = SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.make()
    said = []
    with sqlite3.connect(tmp_path / "ledger.db") as plans, ledger._database.reading() as connection:

        def explain(statement):
            if statement.strip().startswith(("SELECT", "INSERT", "UPDATE")):
                said.extend(row[3] for row in plans.execute(f"EXPLAIN QUERY PLAN {statement}"))

        connection.dbapi.set_trace_callback(explain)
    with sqlite3.connect(tmp_path / "ledger.db") as plans:
        ledger.append(ENTRIES, fold("toy", ENTRIES).head)
        more = tuple(chain("toy", ledger.head("toy"), [BODIES[1]], at=NOW, actor="os:bob"))
        ledger.append(more, fold("toy", (*ENTRIES, *more)).head)
        ledger.entries("toy", after=2)
        ledger.mark_mirrored("toy", 3)
        ledger.mirrored("toy")
    assert said
    assert [step for step in said if not step.startswith("SEARCH")] == []
    assert any("seq>?" in step for step in said)


@pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="hatchling, which builds, is not installed")
def test_the_migrations_are_in_the_wheel(tmp_path):
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    folder = "promotion/adapters/sql/migrations"
    expected = [f"{folder}/env.py", *(f"{folder}/versions/revision_{one}.py" for one in schema.REVISIONS)]
    assert [name for name in expected if name not in names] == []


def test_a_body_that_someone_wrote_over_is_one_sentence(tmp_path):
    ledger = SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.append(ENTRIES, fold("toy", ENTRIES).head)
    for body in ("{", "", "NaN", json.dumps([1]) * 2, "[" * 100_000, b"\xff"):
        with sqlite3.connect(tmp_path / "ledger.db") as other:
            other.execute("UPDATE entries SET body = ? WHERE seq = 2", (body,))
        with pytest.raises(
            LedgerError, match=r"^(Entry 2 of 'toy' in the ledger is damaged|The ledger at .* cannot be used)"
        ):
            ledger.entries("toy")
