"""Modules under the names that release 0.1.0 gave them, so that pickles of its values can be read."""

from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_MOVED = {
    "promotion.evidence": ("promotion.comparison", "promotion.metrics"),
    "promotion.evidence.bounds": ("promotion.metrics.bounds",),
    "promotion.evidence.curves": ("promotion.comparison.curves",),
    "promotion.evidence.simplify": ("promotion.comparison.curves",),
    "promotion.evidence.slices": ("promotion.comparison.slices",),
    "promotion.evidence.values": ("promotion.comparison.values",),
    "promotion.judgement": ("promotion.policy",),
    "promotion.judgement.budget": ("promotion.policy.budget",),
    "promotion.judgement.checks": ("promotion.policy.checks",),
    "promotion.judgement.decision": ("promotion.policy.decision",),
    "promotion.judgement.limits": ("promotion.policy.limits",),
    "promotion.judgement.policy": ("promotion.policy.policy",),
    "promotion.judgement.rules": ("promotion.policy.rules",),
    "promotion.registry.entries": ("promotion.ledger.entries", "promotion.ledger.chain"),
    "promotion.registry.record": ("promotion.registry.champion",),
    "promotion.seams": ("promotion.interfaces",),
    "promotion.seams.recipe": ("promotion.interfaces.recipe",),
}
_RENAMED = {"Sketch": "HoldoutSketch"}


class EarlierModules(MetaPathFinder, Loader):
    """Finds modules by their earlier names; each attribute is that of the module of today."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module that has moved, None for any other."""
        del path, target
        return ModuleSpec(fullname, self, is_package=True) if fullname in _MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        """Give the module the attributes of those of today, looked up when they are asked for."""
        names = _MOVED[module.__name__]

        def of_today(attribute: str) -> Any:
            for name in names:
                try:
                    return getattr(import_module(name), _RENAMED.get(attribute, attribute))
                except AttributeError:
                    continue
            raise AttributeError(f"module {module.__name__!r} has no attribute {attribute!r}")

        module.__dict__["__getattr__"] = of_today
