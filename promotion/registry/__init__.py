"""The registry: works out, applies and records stage changes, and keeps labels and mirror in line with the ledger."""
