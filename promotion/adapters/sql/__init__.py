"""The ledger in a SQL database: an SQLite file by default, or PostgreSQL."""

from promotion.adapters.sql.ledger import SqlLedger as SqlLedger
from promotion.adapters.sql.schema import Upgrade as Upgrade
from promotion.adapters.sql.schema import upgrade as upgrade
