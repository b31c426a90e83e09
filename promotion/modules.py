"""Import of users' recipes and metrics by `package.module:attribute`, and the packages that define an object."""

import ast
import importlib
import importlib.util
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

BEGUN = time.time_ns()
"""A moment before this process imported a recipe. If a file has changed since, the process may run an earlier state."""


def import_module(name: str) -> ModuleType:
    """Import the module; modules in the working folder are found too."""
    _find_in_working_folder()
    return importlib.import_module(name)


def why_missing(module: str, attribute: str) -> str:
    """Return why `module:attribute` cannot be imported, as far as its file shows; empty if unknown.

    Neither the module nor its imports are run, so a missing library is reported at once, however heavy the others are.
    """
    _find_in_working_folder()
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError as error:
        return f"there is no module '{error.name}' here"
    except Exception:  # a parent package fails, which the import itself will report
        return ""
    if found is None:
        return f"there is no module '{module}' here"
    if not (found.origin or "").endswith(".py") or module in sys.modules:
        return ""
    return _why_incomplete(Path(str(found.origin)), module, attribute)


def absent_members(module: str, kind: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the names that the class `module:kind` lacks, as far as its file shows; empty if unknown."""
    text = _text_of_class(module, kind)
    said = set(re.findall(r"\w+", text or ""))
    return () if text is None else tuple(name for name in names if name not in said)


def stated_text(module: str, kind: str, name: str, default: str) -> str:
    """Return the text that the class `module:kind` assigns to an attribute, as far as its file shows; empty if unknown.

    `default` is for a class that does not name the attribute.
    """
    text = _text_of_class(module, kind)
    if text is None:
        return ""
    stated = re.findall(rf"^    {name}(?:: [^=\n]+)? = [\"'](\w+)[\"']$", text, re.MULTILINE)
    named = len(re.findall(rf"\b{name}\b", text))
    return stated[0] if len(stated) == named == 1 else "" if named else default


def _text_of_class(module: str, kind: str) -> str | None:
    """Return the text of a class and its bases, without running it.

    None if it is unknown: a base from elsewhere, a decorator or an assignment may add members.
    """
    if module in sys.modules:
        return None
    try:
        found = importlib.util.find_spec(module)
        text = Path(str(found and found.origin)).read_text("utf-8")
        tree = ast.parse(text)
    except Exception:  # the import itself will report it
        return None
    classes = [one for one in ast.walk(tree) if isinstance(one, ast.ClassDef)]
    imports = [one for one in ast.walk(tree) if isinstance(one, ast.Import | ast.ImportFrom)]
    foreign = {name.asname or name.name for one in imports for name in one.names}
    parts: list[str] = []
    wanted, seen = [kind], {kind}
    while wanted:
        name = wanted.pop()
        ours = [one for one in classes if one.name == name]
        if (
            len(ours) != 1
            or name in foreign
            or not _is_plain(ours[0])
            or re.search(rf"setattr\(|\b{re.escape(name)}\.", text)
        ):
            return None
        parts.append(ast.get_source_segment(text, ours[0]) or "")
        bases = {ast.unparse(one) for one in ours[0].bases} - seen
        wanted, seen = [*wanted, *bases], seen | bases
    return "\n".join(parts)


def _is_plain(one: ast.ClassDef) -> bool:
    """Whether a class has the members in its body and its bases, and no others."""
    decorators = {ast.unparse(each).partition("(")[0] for each in one.decorator_list}
    return not one.keywords and decorators <= {"dataclass", "dataclasses.dataclass"}


def packages_of(value: object) -> tuple[str, ...]:
    """Return the top-level packages of an object's class and of its bases, nearest first: `("lightgbm", "sklearn")`."""
    named = (one.__module__.partition(".")[0] for one in type(value).__mro__)
    return tuple(dict.fromkeys(name for name in named if name != "builtins"))


def _why_incomplete(path: Path, module: str, attribute: str) -> str:
    try:
        text = path.read_text("utf-8")
        tree = ast.parse(text)
    except SyntaxError as error:
        return f"line {error.lineno} of {path} is not valid Python ({error.msg})"
    except (OSError, ValueError, RecursionError):
        return ""
    absent = next((name for name in _imported(tree) if not _is_there(name)), "")
    if absent:
        return f"'{module}' imports '{absent}', which is not installed here"
    made_otherwise = re.search(r"import \*|__getattr__|globals\(|setattr\(", text)
    if not made_otherwise and not re.search(rf"\b{re.escape(attribute)}\b", text):
        return f"module '{module}' has no attribute '{attribute}'"
    return ""


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the packages that a module imports unconditionally; imports in `try` or `if` may be optional."""
    for one in tree.body:
        if isinstance(one, ast.Import):
            yield from (name.name.partition(".")[0] for name in one.names)
        elif isinstance(one, ast.ImportFrom) and one.module and not one.level:
            yield one.module.partition(".")[0]


def _is_there(package: str) -> bool:
    try:
        return package in sys.modules or importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # provided by some other import mechanism
        return True


def _find_in_working_folder() -> None:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
