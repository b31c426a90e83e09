"""Ledger, mirror and model store in memory: for tests and notebooks, with the same contracts as the real ones."""

from promotion.adapters.memory.ledger import MemoryLedger
from promotion.adapters.memory.mirror import MemoryMirror
from promotion.adapters.memory.store import MODEL, MemoryStore
