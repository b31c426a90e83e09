"""A connection to either database, and what differs between their statements and errors."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """A database's SQL.

    Attributes:
        name: Alembic's name of it.
        mark: what stands for a value in a statement.
        table_named: a query that returns a row if there is a table of the given name.
        by_bytes: what follows a column of text to compare it by its bytes, whatever the database's language.
        errors: what the driver raises.
        taken: what it raises if a key is taken.
    """

    name: str
    mark: str
    table_named: str
    by_bytes: str
    errors: type[Exception]
    taken: type[Exception]


SQLITE = Dialect(
    name="sqlite",
    mark="?",
    table_named="SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?",
    by_bytes="",
    errors=sqlite3.Error,
    taken=sqlite3.IntegrityError,
)


class Connection:
    """A connection in a transaction; `dbapi` is the driver's own."""

    def __init__(self, dbapi: Any, dialect: Dialect) -> None:
        self.dbapi, self.dialect = dbapi, dialect

    def execute(self, statement: str, *values: object) -> Any:
        """Execute a statement; returns the driver's cursor."""
        return self.dbapi.execute(statement.replace("?", self.dialect.mark), values)

    def execute_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Execute a statement for each row of values."""
        self.dbapi.cursor().executemany(statement.replace("?", self.dialect.mark), rows)

    def value(self, statement: str, *values: object) -> Any:
        """Return the first value of the first row; None if there is no row."""
        row = self.execute(statement, *values).fetchone()
        return None if row is None else row[0]

    def has_table(self, name: str) -> bool:
        """Return whether there is a table of this name."""
        return self.value(self.dialect.table_named, name) is not None

    def commit(self) -> None:
        """Commit the transaction."""
        self.dbapi.commit()
