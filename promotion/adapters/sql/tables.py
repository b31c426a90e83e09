"""The tables, as of the newest migration, and the conversion of their rows."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic_core import from_json

from promotion.canonical import canonical_json, plain, restore
from promotion.errors import LedgerError
from promotion.ledger.chain import Champion, Entry, Head, hash_of

# Alembic's default name is not used: MLflow and Prefect use it, and may share the database.
VERSION_TABLE = "ledger_version"
_OTHER_TEXT = "the body is not canonical JSON"

TABLES = {
    "entries": """CREATE TABLE entries (
        model VARCHAR(63) NOT NULL, seq INTEGER NOT NULL, kind VARCHAR(32) NOT NULL, at VARCHAR(40) NOT NULL,
        actor TEXT NOT NULL, body TEXT NOT NULL, prev_hash VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL,
        signature TEXT, PRIMARY KEY (model, seq))""",
    "heads": """CREATE TABLE heads (
        model VARCHAR(63) NOT NULL, seq INTEGER NOT NULL, hash VARCHAR(64) NOT NULL, champion TEXT,
        mirrored INTEGER NOT NULL, PRIMARY KEY (model))""",
    VERSION_TABLE: f"""CREATE TABLE {VERSION_TABLE} (
        version_num VARCHAR(32) NOT NULL, CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))""",
}
"""The statements that make the tables, by name."""
BESIDE = {
    "foreign_aliases": """CREATE TABLE IF NOT EXISTS foreign_aliases (
        model VARCHAR(63) NOT NULL, aliases TEXT NOT NULL, PRIMARY KEY (model))""",
    "checkpoints": """CREATE TABLE IF NOT EXISTS checkpoints (
        model VARCHAR(63) NOT NULL, seq INTEGER NOT NULL, hash VARCHAR(64) NOT NULL, text TEXT NOT NULL,
        digest VARCHAR(64) NOT NULL, PRIMARY KEY (model))""",
}
"""These tables are optional: a database without them is complete, so no release requires an upgrade for them."""
ENTRY = tuple(Entry.__dataclass_fields__)
"""The columns of `entries`."""


def row_of(entry: Entry) -> tuple[object, ...]:
    """Convert an entry to a row of `entries`."""
    return tuple(canonical_json(entry.body) if name == "body" else getattr(entry, name) for name in ENTRY)


def entry_of(row: Sequence[Any]) -> Entry:
    """Convert a row of `entries` to an entry.

    Raises:
        LedgerError: someone else changed the row.
    """
    found = dict(zip(ENTRY, row, strict=True))
    with _damage(f"Entry {found['seq']} of '{found['model']}'"):
        body = from_json(found["body"])  # twice as fast as `json`
        # The hash covers the value, so a different text of the same value (1E-07 for 1e-07) must be detected here.
        verified = _was_hashed(**found)
        if not verified and canonical_json(body) != found["body"]:
            raise ValueError(_OTHER_TEXT)
    entry = Entry(**{**found, "body": body})
    return entry.verified_on(found["body"]) if verified else entry


def _was_hashed(*, hash: Any, signature: Any, **hashed: Any) -> bool:  # noqa: A002, ARG001 - as the columns are named
    """Return whether the hash matches the stored text; much faster than checking that the text is canonical."""
    try:
        found = hash_of(**hashed)
    except (TypeError, ValueError):  # rows written by hand can have any type
        return False
    return bool(found == hash)


def head_values(head: Head) -> tuple[int, str, str | None]:
    """Convert a head to the values of the columns `seq`, `hash` and `champion`."""
    return head.seq, head.hash, canonical_json(plain(head.champion)) if head.champion else None


def head_of(model: str, row: Sequence[Any]) -> Head:
    """Convert the values of the columns `seq`, `hash` and `champion` to a head.

    Raises:
        LedgerError: someone else changed the row.
    """
    seq, last, text = row
    with _damage(f"The head of '{model}'"):
        champion = restore(Champion, json.loads(text)) if text else None
    return Head(model=model, seq=seq, hash=last, champion=champion)


@contextmanager
def _damage(what: str) -> Iterator[None]:
    """Report a row that someone else changed; pydantic's ValidationError and JSON's errors are ValueErrors."""
    try:
        yield
    except (ValueError, TypeError, RecursionError) as error:
        message = f"{what} in the ledger is damaged: it is not what was written. Restore the ledger from a backup."
        raise LedgerError(message) from error
