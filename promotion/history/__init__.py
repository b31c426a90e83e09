"""Queries on past ledger entries: lineage, metric history, and replay under another policy. Pure."""
