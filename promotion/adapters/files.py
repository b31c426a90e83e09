"""Atomic file writes that survive a kill or a full disk (temporary file, fsync, rename); owners and modes of files."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Replace a file's text atomically; readers see either the old or the new text.

    Raises:
        OSError: nothing was changed.
    """
    replace_bytes(path, text.encode())


def replace_bytes(path: Path, content: bytes) -> None:
    """Replace a file's bytes atomically, like `replace_text`.

    Raises:
        OSError: nothing was changed.
    """
    replace_parts(path, (content,))


def replace_parts(path: Path, parts: Iterable[bytes], *, durable: bool = True) -> None:
    """Replace a file atomically by parts that are written as they come, so that they are never all in memory.

    If it is not `durable`, the file may be empty after a loss of power.

    Raises:
        OSError: nothing was changed.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=temporary_prefix(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if path.exists():
            _dress_as(path, temporary)
        else:
            os.chmod(temporary, path.parent.stat().st_mode & 0o666)  # noqa: PTH101 - it is a name, not a Path
        os.replace(temporary, path)  # noqa: PTH105 - it is a name, not a Path
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108 - it is a name, not a Path
        raise
    if durable:
        sync_folder(path.parent)


def _dress_as(path: Path, temporary: str) -> None:
    """Copy owner, group, mode and extended attributes from another file, as far as this user may."""
    old = path.stat()
    for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
        with contextlib.suppress(PermissionError):
            os.chown(temporary, owner, group)
    os.chmod(temporary, old.st_mode & 0o7777)  # noqa: PTH101 - it is a name, not a Path
    for name in os.listxattr(path) if hasattr(os, "listxattr") else ():
        with contextlib.suppress(OSError):  # some belong to the system
            os.setxattr(temporary, name, os.getxattr(path, name))


def temporary_prefix(path: Path) -> str:
    """Return the prefix of a file's temporary files; a kill may leave one behind."""
    return f".{path.name}."


def sync_folder(folder: Path) -> None:
    """Make the folder's own entries durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def share(tree: Path, place: Path) -> None:
    """Apply this user's umask, and the group that `place` passes on, to a tree created in a private folder."""
    probe = tree / ".umask"
    probe.mkdir()
    mode, above = probe.stat().st_mode & 0o777, place.stat()
    probe.rmdir()
    handed_on = above.st_mode & stat.S_ISGID
    for path in (tree, *tree.rglob("*")):
        if handed_on:
            os.chown(path, -1, above.st_gid)
        path.chmod(mode | handed_on if path.is_dir() else mode & 0o666)


def sync_tree(folder: Path) -> None:
    """Make every file and folder below durable."""
    for path in (*folder.rglob("*"), folder):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())


def whose(place: object, right: int = os.R_OK) -> str:
    """Return owner, group and mode of a path that this user may not use, or of its nearest accessible parent."""
    for path in (Path(str(place)), *Path(str(place)).parents):
        try:
            found = path.stat()
        except OSError:
            continue
        read_only_mount = right == os.W_OK and os.statvfs(path).f_flag & os.ST_RDONLY
        if read_only_mount or os.access(path, right | (os.X_OK if path.is_dir() else 0)):
            return ""
        owner, group = _named(path.owner, found.st_uid), _named(path.group, found.st_gid)
        return f"; {path} belongs to {owner}:{group}, mode {stat.S_IMODE(found.st_mode):04o}"
    return ""


def _named(name: Callable[[], str], number: int) -> str:
    try:
        return name()
    except KeyError:  # an id without a name on this machine
        return str(number)
