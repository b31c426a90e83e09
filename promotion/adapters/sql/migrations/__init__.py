"""How the tables came to be, one Alembic revision per change; `promotion ledger upgrade` runs them."""
