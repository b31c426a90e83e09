"""The source files that a module runs: its own, and those of its imports that are not installed as packages."""

import ast
import importlib.util
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

INSTALLED = {"site-packages", "dist-packages"}
"""Names of the folders of installed packages."""
_OURS = "promotion"


@cache
def standard_folders() -> tuple[str, ...]:
    """Return the folders of Python's own library."""
    return tuple(sysconfig.get_path(one) for one in ("stdlib", "platstdlib"))


def is_installed(path: str) -> bool:
    """Return whether a file or folder was installed with Python or as a package."""
    return path.startswith(standard_folders()) or bool(INSTALLED & {*Path(path).parts})


def own_sources(names: Iterable[str]) -> frozenset[Path]:
    """Return the files of these modules and of what they import, also inside functions, without installed packages.

    Modules are found by name and not run, but for the packages around them. What is imported by a computed name is not
    found.
    """
    found, seen, due = set[Path](), set[str](), list(names)
    while due:
        name = due.pop()
        if name in seen:
            continue
        seen.add(name)
        spec = _own(name)
        if spec and spec.origin and spec.origin.endswith(".py"):
            found.add(Path(spec.origin))
            due += _imported(Path(spec.origin), name if spec.submodule_search_locations else name.rpartition(".")[0])
    return frozenset(found)


def _own(name: str) -> ModuleSpec | None:
    top = name.partition(".")[0]
    try:
        if top == _OURS or _is_elsewhere(importlib.util.find_spec(top)):
            return None
        return importlib.util.find_spec(name)
    except Exception:  # no such module, or a package around it fails, which the import itself will report
        return None


def _is_elsewhere(spec: ModuleSpec | None) -> bool:
    if spec is None:
        return True
    places = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else ())]
    return any(not Path(one).is_absolute() or is_installed(one) for one in places)


def _imported(file: Path, package: str) -> Iterator[str]:
    """Yield the names that may be modules among those that a file imports."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{one.name}" for one in node.names)
