"""Which revision of the tables a database holds: made when new, refused when it is another one, upgraded when asked."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, inspect, select

from promotion.adapters.sql.database import Database
from promotion.adapters.sql.tables import VERSION_TABLE, entries, metadata, version
from promotion.errors import LedgerError

# As in `migrations`, oldest first; written here too, since Alembic takes half a second to import.
REVISIONS = ("0001", "0002")
NEWEST = REVISIONS[-1]


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """What an upgrade did.

    Attributes:
        place: URL of the ledger, without passwords.
        before: the revision that was found; None for a database without a ledger.
        after: the revision that it has now.
    """

    place: str
    before: str | None
    after: str


def is_made(database: Database) -> bool:
    """Whether the database has tables, which must be of this release.

    Raises:
        LedgerError: they are of another release.
    """
    if database.is_yet_to_be_made:
        return False
    with database.reading() as connection:
        found = _revision(connection)
    if found is not None:
        _refuse_other(database, found)
    return found is not None


def prepare(database: Database) -> None:
    """See that the tables are of this release; make them in an empty database, and the file where it is not there.

    Raises:
        LedgerError: they are of another release.
    """
    if not is_made(database):
        with database.alone() as connection:
            found = _made(connection)
        _refuse_other(database, found)


def _refuse_other(database: Database, found: str) -> None:
    if found in REVISIONS[:-1]:
        raise LedgerError(
            f"The ledger at {database.place} is of revision {found}, and this release needs {NEWEST}. Make a backup, "
            "then run `promotion ledger upgrade`: it keeps every entry."
        )
    _refuse_newer(database, found)


def upgrade(url: str) -> Upgrade:
    """Bring the tables to the revision of this release, in one transaction; a ledger that has it is left as it is.

    Raises:
        LedgerError: it is of a newer release, or cannot be written; it is left as it was.
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
            f"The ledger at {database.place} is of revision '{found}', and this release knows no later one than "
            f"{NEWEST}. Install the newer release of registry-flows that wrote it."
        )


def _revision(connection: Connection) -> str | None:
    """The revision of the tables; None where there are none. The first release had tables and did not name it."""
    tables = inspect(connection)
    # In this order: another process may make all of them, in one transaction, between the two looks.
    if not tables.has_table(entries.name):
        return None
    if not tables.has_table(VERSION_TABLE):
        return REVISIONS[0]
    return connection.scalar(select(version.c.version_num)) or ""


def _made(connection: Connection) -> str:
    """Make the tables, unless another process has done so meanwhile; gives the revision that they are of."""
    found = _revision(connection)
    if found is None:
        metadata.create_all(connection, checkfirst=False)
        connection.execute(insert(version).values(version_num=NEWEST))
    return found or NEWEST


def _migrate(connection: Connection, before: str) -> None:
    from alembic import command
    from alembic.config import Config

    if not inspect(connection).has_table(VERSION_TABLE):
        version.create(connection)
        connection.execute(insert(version).values(version_num=before))
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "promotion.adapters.sql:migrations")
    command.upgrade(config, NEWEST)
