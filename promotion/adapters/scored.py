"""The marks of versions that scored rows in this environment, so that a change by hand need not load them again.

A model's marks hold as long as everything that scored looks the same: the interpreter, the installed packages, the
source files that are not installed, such as a recipe's, and the folders in which Python finds all these. They are not
evidence: a decision never rests on them, and the digest of a version's files is verified each time.
"""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from importlib.machinery import all_suffixes
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from promotion.adapters.files import replace_parts
from promotion.modules import BEGUN
from promotion.own_sources import INSTALLED, is_installed, standard_folders

_FOLDER, _MOST = "scored", 500
_DESCRIBING = (".dist-info", ".egg-info", ".egg-link", ".pth")
_Stamp: TypeAlias = list[str | int]


def mark_scored(cache_folder: Path, model: str, versions: Iterable[str]) -> None:
    """Keep that these versions scored in this process, if the folder can be written to.

    Keeps nothing if source files or packages changed since the process began: it may have scored with what they were
    before. Of the earlier marks, those stay that hold, up to 500 of a model. `versions` are digests of all
    that scoring depends on besides the environment.
    """
    path = _path(cache_folder, model)
    earlier = _read(path) or {"code": [], "names": [], "versions": []}
    with contextlib.suppress(OSError):
        code = _stamps(sorted({*_loaded(), *(name for name, *_ in earlier["code"])}))
        if max(_installed_at(), *(int(one[-1]) for one in code if len(one) > 1)) > BEGUN:
            return
        names = sorted({*(name.partition(".")[0] for name in tuple(sys.modules)), *earlier["names"]})
        marks = [*dict.fromkeys((*versions, *earlier["versions"]))][:_MOST]
        text = json.dumps({"environment": _environment(names), "code": code, "names": names, "versions": marks})
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_parts(path, (text.encode(),), durable=False)


def scored_here(cache_folder: Path, model: str, version: str) -> bool:
    """Return whether the version scored in an environment that looks like the present one."""
    kept = _read(_path(cache_folder, model))
    return kept is not None and version in kept["versions"]


def _read(path: Path) -> dict[str, Any] | None:
    """Return the marks; None if they cannot be read, or something has changed since."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        stands = kept["environment"] == _environment(kept["names"])
        stands = stands and kept["code"] == _stamps(name for name, *_ in kept["code"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return kept if stands and isinstance(kept["versions"], list) else None


def _environment(names: Collection[str]) -> str:
    """Return the digest of the interpreter, of what is installed, and of where else Python finds these modules."""
    parts = [sys.version, sys.executable, sys.flags.optimize, _installed(), _elsewhere(set(names))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _installed() -> list[list[tuple[str, int]]]:
    """Return the name and time of each installed package, by place."""
    places = dict.fromkeys(place for place in sys.path if Path(place).name in INSTALLED)
    return [
        sorted((one.name, one.stat().st_mtime_ns) for one in os.scandir(place) if one.name.endswith(_DESCRIBING))
        for place in places
        if Path(place).is_dir()
    ]


def _installed_at() -> int:
    """Return when a package was last installed, in nanoseconds."""
    return max((time for place in _installed() for _, time in place), default=0)


def _elsewhere(names: set[str]) -> dict[str, list[str]]:
    """Return which of these modules are found in folders that are not installed, and there under which paths.

    The working folder counts: recipes are found in it.
    """
    found: dict[str, list[str]] = {}
    for place in dict.fromkeys(str(Path(one).absolute()) for one in (*sys.path, ".")):
        if place.startswith(standard_folders()) or Path(place).name in INSTALLED:
            continue
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for one in sorted(os.scandir(place), key=lambda one: one.name):
                name = one.name.partition(".")[0]
                if name in names and (one.name.endswith(tuple(all_suffixes())) or one.is_dir()):
                    found.setdefault(name, []).append(one.path)
    return found


def _loaded() -> Iterator[str]:
    """Yield the source files of this process that were not installed with Python or as packages."""
    files = {getattr(module, "__file__", None) for module in tuple(sys.modules.values())} - {None}
    for file in (str(Path(str(one)).absolute()) for one in files):
        if not is_installed(file):
            yield file


def _stamps(files: Iterable[str]) -> list[_Stamp]:
    """Return each file with its size and time; without them if there is no such file."""
    return [[name, *_stamp(Path(name))] for name in files]


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        state = file.stat()
    except OSError:
        return ()
    return state.st_size, state.st_mtime_ns


def _path(cache_folder: Path, model: str) -> Path:
    return cache_folder / _FOLDER / f"{quote(model, safe='')}.json"
