"""The narrow doors through which the outside comes in: a recipe, a model store, a ledger store, a mirror.

Each has an in-memory version in `promotion.adapters.memory` for tests, and a real one beside it.
"""

from promotion.interfaces.mirror import (
    ALIASES,
    Aliases,
    Mirror,
    MirrorDecision,
    MirrorRun,
    MirrorState,
    MirrorVersion,
    Pushed,
)
from promotion.interfaces.model_store import Claim, Digests, ModelStore, Stored, StoreMaintenance, Stray, shown
from promotion.interfaces.recipe import (
    Recall,
    Recipe,
    Split,
    Step,
    Trained,
    call,
    is_repeatable,
    read_anew,
    repeatable,
    task_of_recipe,
)
from promotion.ledger.interface import Keyring, LedgerStore, Names

__all__ = [
    "ALIASES",
    "Aliases",
    "Claim",
    "Digests",
    "Keyring",
    "LedgerStore",
    "Mirror",
    "MirrorDecision",
    "MirrorRun",
    "MirrorState",
    "MirrorVersion",
    "ModelStore",
    "Names",
    "Pushed",
    "Recall",
    "Recipe",
    "Split",
    "Step",
    "StoreMaintenance",
    "Stored",
    "Stray",
    "Trained",
    "call",
    "is_repeatable",
    "read_anew",
    "repeatable",
    "shown",
    "task_of_recipe",
]
