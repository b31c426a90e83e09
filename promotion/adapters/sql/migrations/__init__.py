"""Alembic migrations of the tables, one revision per change; `promotion ledger upgrade` runs them."""
