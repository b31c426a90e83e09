"""Narrow protocols for everything outside the library: a recipe, a model store, a ledger store, a mirror.

Each has an in-memory implementation in `promotion.adapters.memory` for tests, and a real one beside it.
"""

from promotion.interfaces.mirror import ALIASES as ALIASES
from promotion.interfaces.mirror import Aliases as Aliases
from promotion.interfaces.mirror import Mirror as Mirror
from promotion.interfaces.mirror import MirrorDecision as MirrorDecision
from promotion.interfaces.mirror import MirrorRun as MirrorRun
from promotion.interfaces.mirror import MirrorState as MirrorState
from promotion.interfaces.mirror import MirrorVersion as MirrorVersion
from promotion.interfaces.mirror import Pushed as Pushed
from promotion.interfaces.model_store import Claim as Claim
from promotion.interfaces.model_store import Digests as Digests
from promotion.interfaces.model_store import ForeignFile as ForeignFile
from promotion.interfaces.model_store import ModelStore as ModelStore
from promotion.interfaces.model_store import Stored as Stored
from promotion.interfaces.model_store import StoreMaintenance as StoreMaintenance
from promotion.interfaces.model_store import shown as shown
from promotion.interfaces.recipe import Recall as Recall
from promotion.interfaces.recipe import Recipe as Recipe
from promotion.interfaces.recipe import Split as Split
from promotion.interfaces.recipe import Step as Step
from promotion.interfaces.recipe import Trained as Trained
from promotion.interfaces.recipe import call as call
from promotion.interfaces.recipe import is_repeatable as is_repeatable
from promotion.interfaces.recipe import read_anew as read_anew
from promotion.interfaces.recipe import repeatable as repeatable
from promotion.interfaces.recipe import task_of_recipe as task_of_recipe
from promotion.ledger.interface import Keyring as Keyring
from promotion.ledger.interface import LedgerStore as LedgerStore
from promotion.ledger.interface import Names as Names
