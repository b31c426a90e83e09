"""Ledger, mirror and model store in memory: for tests and notebooks, with the same contracts as the real ones."""

from promotion.adapters.memory.ledger import MemoryLedger as MemoryLedger
from promotion.adapters.memory.mirror import MemoryMirror as MemoryMirror
from promotion.adapters.memory.store import MODEL as MODEL
from promotion.adapters.memory.store import Kept as Kept
from promotion.adapters.memory.store import MemoryStore as MemoryStore
