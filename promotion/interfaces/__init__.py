"""Narrow protocols for everything outside the library: a recipe, a model store, a ledger store, a mirror.

Each has an in-memory implementation in `promotion.adapters.memory` for tests, and a real one beside it.
"""

from promotion.interfaces.mirror import (
    ALIASES,
    Aliases,
    Mirror,
    MirrorDecision,
    MirrorRun,
    MirrorState,
    MirrorVersion,
    ModelSource,
    Pushed,
    RegisteredElsewhere,
)
from promotion.interfaces.model_store import (
    Claim,
    Digests,
    ForeignFile,
    ImportsModels,
    LooksAhead,
    ModelStore,
    Stored,
    StoreMaintenance,
    shown,
)
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
