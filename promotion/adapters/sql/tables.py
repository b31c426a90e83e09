"""The tables, as of the newest migration, and the conversion of their rows."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Column, ColumnElement, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

from promotion.canonical import canonical_json, plain, restore
from promotion.errors import LedgerError
from promotion.ledger.chain import Champion, Entry, Head, hash_of

# Alembic's default name is not used: MLflow and Prefect use it, and may share the database.
VERSION_TABLE = "ledger_version"
_OTHER_TEXT = "the body is not canonical JSON"

metadata = MetaData()
entries = Table(
    "entries",
    metadata,
    Column("model", String(63), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("at", String(40), nullable=False),
    Column("actor", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("signature", Text),
)
heads = Table(
    "heads",
    metadata,
    Column("model", String(63), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("champion", Text),
    Column("mirrored", Integer, nullable=False, default=0),
)
version = Table(
    VERSION_TABLE,
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
# These tables are optional: a database without them is complete, so no release requires an upgrade for them.
_beside = MetaData()
foreign = Table(
    "foreign_aliases",
    _beside,
    Column("model", String(63), primary_key=True),
    Column("aliases", Text, nullable=False),
)
checkpoints = Table(
    "checkpoints",
    _beside,
    Column("model", String(63), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("digest", String(64), nullable=False),
)


def by_bytes(column: Column[str], dialect: str) -> ColumnElement[str]:
    """Return a column of text whose order is that of its bytes, whatever the database's language."""
    return column.collate("C") if dialect == "postgresql" else column


def row_of(entry: Entry) -> dict[str, Any]:
    """Convert an entry to a row of `entries`."""
    return {**{name: getattr(entry, name) for name in Entry.__dataclass_fields__}, "body": canonical_json(entry.body)}


def entry_of(row: Any) -> Entry:
    """Convert a row of `entries` to an entry.

    Raises:
        LedgerError: someone else changed the row.
    """
    with _damage(f"Entry {row.seq} of '{row.model}'"):
        body = from_json(row.body)  # twice as fast as `json`
        # The hash covers the value, so a different text of the same value (1E-07 for 1e-07) must be detected here.
        if not _was_hashed(row) and canonical_json(body) != row.body:
            raise ValueError(_OTHER_TEXT)
    return Entry(**{**row._mapping, "body": body})  # noqa: SLF001 - SQLAlchemy's documented name


def _was_hashed(row: Any) -> bool:
    """Return whether the hash matches the stored text; much faster than checking that the text is canonical."""
    try:
        found = hash_of(row.model, row.seq, row.kind, row.at, row.actor, row.body, row.prev_hash)
    except (TypeError, ValueError):  # rows written by hand can have any type
        return False
    return bool(found == row.hash)


def head_values(head: Head) -> dict[str, Any]:
    """Convert a head to the values of a row of `heads`."""
    champion = canonical_json(plain(head.champion)) if head.champion else None
    return {"seq": head.seq, "hash": head.hash, "champion": champion}


def head_of(row: Any) -> Head:
    """Convert a row of `heads` to a head.

    Raises:
        LedgerError: someone else changed the row.
    """
    with _damage(f"The head of '{row.model}'"):
        champion = restore(Champion, json.loads(row.champion)) if row.champion else None
    return Head(model=row.model, seq=row.seq, hash=row.hash, champion=champion)


@contextmanager
def _damage(what: str) -> Iterator[None]:
    """Report a row that someone else changed; pydantic's ValidationError and JSON's errors are ValueErrors."""
    try:
        yield
    except (ValueError, TypeError, RecursionError) as error:
        message = f"{what} in the ledger is damaged: it is not what was written. Restore the ledger from a backup."
        raise LedgerError(message) from error
