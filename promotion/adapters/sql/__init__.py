"""The ledger in a SQL database: an SQLite file by default, or PostgreSQL."""

from promotion.adapters.sql.ledger import SqlLedger
from promotion.adapters.sql.schema import upgrade
