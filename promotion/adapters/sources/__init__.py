"""Fetch rows from a URL (fsspec) or with a query (SQLAlchemy, DuckDB), and keep snapshots of them."""

from promotion.adapters.sources.snapshots import Snapshots as Snapshots
