"""The schema revision of a database: created if new, rejected if different, upgraded on request."""

import io
from dataclasses import dataclass

from promotion.adapters.sql.connection import Connection
from promotion.adapters.sql.database import Database
from promotion.adapters.sql.tables import TABLES, VERSION_TABLE
from promotion.errors import LedgerError

# As in `migrations`, oldest first; repeated here because importing Alembic takes half a second.
REVISIONS = ("0001", "0002")
NEWEST = REVISIONS[-1]


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """The result of an upgrade.

    Attributes:
        place: URL of the ledger, without passwords.
        before: the previous revision; None for a database without a ledger.
        after: the current revision.
    """

    place: str
    before: str | None
    after: str


def is_made(database: Database) -> bool:
    """Return whether the database has tables; check that they are of this release."""
    if database.is_yet_to_be_made:
        return False
    with database.reading() as connection:
        found = _revision(connection)
    if found is not None:
        _refuse_other(database, found)
    return found is not None


def prepare(database: Database) -> None:
    """Ensure that the tables are of this release; create them in an empty database, and the file if missing."""
    if not is_made(database):
        with database.alone() as connection:
            found = _made(connection)
        _refuse_other(database, found)


def _refuse_other(database: Database, found: str) -> None:
    if found in REVISIONS[:-1]:
        raise LedgerError(
            f"The ledger at {database.place} has revision {found}, but this release needs {NEWEST}. Make a backup, "
            "then run `promotion ledger upgrade`, which keeps every entry."
        )
    _refuse_newer(database, found)


def upgrade(url: str) -> Upgrade:
    """Upgrade the tables to the revision of this release, in one transaction; does nothing if they have it already.

    Raises:
        LedgerError: the ledger is of a newer release, or cannot be written; it is unchanged.
    """
    database = Database(url)
    with database.alone() as connection:
        before = _revision(connection)
        if before is None:
            _made(connection)
        elif before in REVISIONS[:-1]:
            _migrate(connection, before)
    if before is not None:
        _refuse_newer(database, before)
    return Upgrade(place=database.place, before=before, after=NEWEST)


def _refuse_newer(database: Database, found: str) -> None:
    if found not in REVISIONS:
        raise LedgerError(
            f"The ledger at {database.place} has revision '{found}', but this release supports none after {NEWEST}. "
            "Install the newer release of registry-flows that wrote it."
        )


def _revision(connection: Connection) -> str | None:
    """Return the revision of the tables; None without tables. The first release did not record its revision."""
    # The order matters: another process may create all tables, in one transaction, between the two checks.
    if not connection.has_table("entries"):
        return None
    if not connection.has_table(VERSION_TABLE):
        return REVISIONS[0]
    return connection.value("SELECT version_num FROM ledger_version") or ""


def _made(connection: Connection) -> str:
    """Create the tables, unless another process has done so meanwhile; return their revision."""
    found = _revision(connection)
    if found is None:
        for table in TABLES.values():
            connection.execute(table)
        _record(connection, NEWEST)
    return found or NEWEST


def _record(connection: Connection, revision: str) -> None:
    connection.execute("INSERT INTO ledger_version (version_num) VALUES (?)", revision)


def _migrate(connection: Connection, before: str) -> None:
    if not connection.has_table(VERSION_TABLE):
        connection.execute(TABLES[VERSION_TABLE])
        _record(connection, before)
    _revise(connection, before)


def _revise(connection: Connection, before: str) -> None:
    """Execute the statements of Alembic's revisions after `before` in this transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config(output_buffer=_Statements(connection), attributes={"dialect": connection.dialect.name})
    config.set_main_option("script_location", "promotion.adapters.sql:migrations")
    command.upgrade(config, f"{before}:{NEWEST}", sql=True)


class _Statements(io.StringIO):
    """Executes the statements that Alembic writes to it, each in one piece."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def write(self, text: str) -> int:
        """Execute a statement; comments have no effect."""
        self._connection.dbapi.execute(text)
        return len(text)
