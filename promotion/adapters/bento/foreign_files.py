"""Files and folders among the models that are not versions."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from promotion.adapters.bento.description import DamagedDescription, read
from promotion.adapters.files import sync_folder
from promotion.interfaces import ForeignFile
from promotion.vocabulary import Tag, is_name

QUARANTINE = "quarantine"
LATEST = "latest"
_JUST_NOW_SECONDS = 600
_NO_NAME = "does not have a valid name for a model or version, and BentoML cannot list any model while it is there"
_LATEST_IS_A_FOLDER = "is a folder, but must be a file, in which BentoML keeps the name of the latest version"


def folder_names(folder: Path) -> list[str]:
    """Return the names of the models in a store, or of the versions of a model, in order."""
    return [name for name in _names(folder) if is_name(name) and name != LATEST]


def foreign_files(
    models: Path, known_whole: Callable[[Path], bool] = lambda _: False, model: str | None = None
) -> Iterator[ForeignFile]:
    """Yield torn versions, of one model or of all, and folders that break BentoML's own listing.

    Skips versions that BentoML may list, even if this library does not read them, and versions that this user may not
    read or the disk fails to read.
    """
    for name in _names(models, lambda name: model is None or not is_name(name) or name == model):
        folder = models / name
        if not is_name(name):
            yield ForeignFile(path=folder, why=_NO_NAME)
            continue
        try:
            versions = [folder / version for version in _names(folder)]
        except OSError:
            continue
        for version in versions:
            why = None if known_whole(version) else _why(version)
            if why:
                yield ForeignFile(path=version, why=why, model=folder.name)


def quarantine(foreign: Path, home: Path) -> Path | None:
    """Move it out of the store by one rename, into a folder of its own; return None if it is already gone.

    Raises:
        OSError: it cannot be moved; nothing was changed.
    """
    (home / QUARANTINE).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=home / QUARANTINE, prefix=f"{foreign.parent.name}-"))
    try:
        foreign.rename(folder / foreign.name)
    except OSError as error:
        folder.rmdir()
        if isinstance(error, FileNotFoundError):
            return None
        raise
    for changed in (folder, folder.parent, foreign.parent):
        sync_folder(changed)
    return folder / foreign.name


def _names(folder: Path, concerned: Callable[[str], bool] = lambda _: True) -> list[str]:
    """Return the names of what BentoML considers a model or a version: every folder, including links to folders."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as found:
        return sorted(one.name for one in found if concerned(one.name) and one.is_dir())


def _why(version: Path) -> str:
    if version.name == LATEST:
        return _LATEST_IS_A_FOLDER
    if not is_name(version.name):
        return _NO_NAME
    try:
        read(version, Tag(version.parent.name, version.name))
    except DamagedDescription as damage:
        return f"{damage}{_age(version)}" if version.exists() and not damage.listed else ""
    except OSError:
        return ""
    return ""


def _age(version: Path) -> str:
    """Return a warning if BentoML itself may still be saving this version: it writes in place."""
    seconds = time.time() - version.stat().st_mtime
    if not 0 <= seconds < _JUST_NOW_SECONDS:
        return ""
    return f" (last written {seconds:.0f} s ago: check that no save is running)"
