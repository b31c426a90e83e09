"""Functions on rows that are imported when they are first called, so that a policy can be read without NumPy."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Later:
    """A function or class of a module of this package.

    Attributes:
        module: name of the module, e.g. `ranking`.
        name: name in it, e.g. `roc_auc`.
    """

    module: str
    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102 - documented by the class
        return getattr(import_module(f"promotion.metrics.{self.module}"), self.name)(*args, **kwargs)


class Functions:
    """Stands for a module of this package: its attributes are the module's functions, each as a `Later`."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Later:
        return Later(self._module, name)
