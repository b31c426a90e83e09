"""The ledger: entries chained by their hashes, and the state folded from them. Pure."""
