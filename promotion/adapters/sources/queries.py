"""Write the rows of a query to a Parquet file, batch by batch: with DuckDB, or any database that SQLAlchemy opens."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.data_sources import Query, shown_url
from promotion.errors import DataError
from promotion.secrets import without_password

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_ROWS = 50_000
"""Number of rows in memory at a time."""
_DUCKDB = "duckdb"
_DRIVER = "Install the database's driver for SQLAlchemy, which has the module '{}'."
_POSTGRESQL = {"postgres", "postgresql"}
_READING = {"stream_results": True, "postgresql_readonly": True, "no_parameters": True}
"""How SQLAlchemy runs a query: in batches, without writing, and as it is written (`:name` and `%` are text)."""
_SELECT = "SELECT"
_BEFORE = {"SET", "LOAD", "CREATE", "ATTACH"}
"""DuckDB's statements that may come before the query."""
_READ_ONLY = re.compile(r"\bread_only\s*[,)]", re.IGNORECASE)
_OF_THE_STATEMENT = re.compile(r"syntax error|read-?only|data-modifying|multiple commands|one statement at a time")
_EXTRAS = {"psycopg": "postgresql", _DUCKDB: "duckdb"}


def write_query(query: Query, root: Path, target: Path) -> None:
    """Write the rows to a Parquet file. The transaction is read-only where the database can do so, and rolled back.

    Args:
        query: the query.
        root: folder that relative paths start from.
        target: the file.

    Raises:
        DataError: the database cannot be used, the package for it is missing, the query is wrong,
            or it returns no row.
    """
    with _as_sentence(query):
        rows = _by_duckdb(query, root) if _is_duckdb(query) else _by_sqlalchemy(query, root)
        count = _write(rows, target)
    if not count:
        raise DataError(f"The query returned no row ({query}). Check its conditions.")


def require_driver(query: Query) -> None:
    """Check that the package for the database is installed, and that its URL has a valid form.

    Raises:
        DataError: one of these is not so.
    """
    with _as_sentence(query):
        if _is_duckdb(query):
            import duckdb  # noqa: F401 - only whether it is there
        else:
            from sqlalchemy import create_engine

            create_engine(_url(query)).dispose()


def _no_query(query: Query) -> DataError:
    return DataError(f"The statement is no query, so it returns no rows ({query}). Write a `select` in `sql`.")


def _is_duckdb(query: Query) -> bool:
    return query.url is None or query.url.get_secret_value().startswith(f"{_DUCKDB}:")


def _by_duckdb(query: Query, root: Path) -> "Iterator[pa.RecordBatch]":
    import duckdb

    named = query.url.get_secret_value().partition(":///")[2] if query.url else ""
    file = root / named
    if named and not file.is_file():
        raise DataError(f"There is no DuckDB database at {file}. Check the path in `url`.")
    with duckdb.connect(str(file) if named else ":memory:", read_only=bool(named)) as connection:
        connection.execute("SET file_search_path = ?", [str(root)])
        _require_reading(query, connection.extract_statements(query.sql))
        found: Any = connection.sql(query.sql)
        yield from found.to_arrow_reader(_ROWS)


def _require_reading(query: Query, statements: "Sequence[duckdb.Statement]") -> None:
    """Check that the last statement alone is a query, and that those before it write nowhere but to memory."""
    kinds = [one.type.name for one in statements]
    if kinds[-1:] != [_SELECT]:
        raise _no_query(query)
    if kinds.count(_SELECT) > 1:
        message = f"`sql` holds {kinds.count(_SELECT)} queries, but must hold one ({query}). Leave out the others."
        raise DataError(message)
    for kind, one in zip(kinds, statements[:-1], strict=False):
        if kind not in _BEFORE or (kind == "ATTACH" and not _READ_ONLY.search(one.query)):
            allowed = "`set`, `load`, `create` and `attach … (read_only)`"
            raise DataError(f"A statement before the query may write ({query}). Write only {allowed} there.")


def _by_sqlalchemy(query: Query, root: Path) -> "Iterator[pa.RecordBatch]":
    from sqlalchemy import create_engine

    url = _url(query)
    if url.get_backend_name() == "sqlite" and url.database:
        file = root / url.database
        if not file.is_file():
            raise DataError(f"There is no SQLite database at {file}. Check the path in `url`.")
        url = url.set(database=str(file))
    engine = create_engine(url)
    try:
        with engine.connect().execution_options(**_READING) as connection:
            if url.get_backend_name() == "sqlite":  # whose driver commits `drop table` at once
                connection.exec_driver_sql("pragma query_only = on")
            found = connection.exec_driver_sql(query.sql)
            if not found.returns_rows:
                raise _no_query(query)
            names = list(found.keys())
            for rows in found.partitions(_ROWS):
                yield _batch(names, rows)
    finally:
        engine.dispose()


def _url(query: Query) -> Any:
    from sqlalchemy.engine import make_url

    assert query.url is not None  # noqa: S101 - without one, DuckDB is asked
    url = make_url(query.url.get_secret_value())
    return url.set(drivername="postgresql+psycopg") if url.drivername in _POSTGRESQL else url


def _batch(names: Sequence[str], rows: Sequence[Any]) -> "pa.RecordBatch":
    import pyarrow as pa

    from promotion.arrow_columns import without_extension_types

    columns = []
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        try:
            columns.append(without_extension_types(pa.array(values, from_pandas=False)))
        except pa.ArrowException as error:
            message = (
                f"Column '{name}' of the query holds values that a Parquet file cannot ({error}). Cast it in `sql`."
            )
            raise DataError(message, column=name) from error
    return pa.RecordBatch.from_arrays(columns, names=list(names))


def _write(batches: "Iterator[pa.RecordBatch]", target: Path) -> int:
    """Write to one file per run of batches with the same types, then join these; returns the number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts: list[tuple[Path, pa.Schema]] = []
    writer, count = None, 0
    try:
        for batch in batches:
            if writer is None or batch.schema != parts[-1][1]:
                if writer is not None:
                    writer.close()
                parts.append((target.with_name(f"{target.stem}-{len(parts)}"), batch.schema))
                writer = pq.ParquetWriter(*parts[-1])
            writer.write_batch(batch)
            count += len(batch)
    finally:
        if writer is not None:
            writer.close()
    if parts:
        _join(parts, target)
    return count


def _join(parts: "Sequence[tuple[Path, pa.Schema]]", target: Path) -> None:
    """Join the files; a database without types (SQLite) may give a column of integers a fraction only later."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if len(parts) == 1:
        parts[0][0].rename(target)
        return
    schema = pa.unify_schemas([schema for _, schema in parts], promote_options="permissive")
    with pq.ParquetWriter(target, schema) as writer:
        for path, _ in parts:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_ROWS):
                    writer.write_batch(batch.cast(schema))
            path.unlink()


@contextmanager
def _as_sentence(query: Query) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except ImportError as error:
        name = error.name or ""
        way_out = f'Run `pip install "registry-flows[{_EXTRAS[name]}]"`.' if name in _EXTRAS else _DRIVER.format(name)
        raise DataError(f"The database of the query needs a package that is not installed. {way_out}") from error
    except Exception as error:  # each driver has errors of its own
        said = _said(error, query)
        way_out = " Write one `select`, which only reads." if _OF_THE_STATEMENT.search(said) else ""
        message = f"The query failed ({said}). It is {query}.{way_out}"
        raise DataError(message) from error


def _said(error: Exception, query: Query) -> str:
    """Return the driver's message in one line, without passwords."""
    original = getattr(error, "orig", None) or error
    said = " ".join((getattr(getattr(original, "diag", None), "message_primary", None) or str(original)).split())
    if query.url:
        url = query.url.get_secret_value()
        said = said.replace(url, shown_url(url))
        said = said.replace(_password(url), "***") if _password(url) else said
    return without_password(said)[:300].rstrip(".")


def _password(url: str) -> str:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).password or ""
    except ArgumentError:
        return ""
