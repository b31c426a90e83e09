"""Writes that a kill or a full disk cannot leave half-done (temporary file, fsync, one rename); owners and modes."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Replace a file's text; a reader sees the old one or the new one, whole.

    Raises:
        OSError: nothing was changed.
    """
    replace_bytes(path, text.encode())


def replace_bytes(path: Path, content: bytes) -> None:
    """The same for a file that is no text.

    Raises:
        OSError: nothing was changed.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=temporary_prefix(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            _dress_as(path, temporary)
        else:
            os.chmod(temporary, path.parent.stat().st_mode & 0o666)  # noqa: PTH101 - it is a name, not a Path
        os.replace(temporary, path)  # noqa: PTH105 - likewise
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108 - likewise
        raise
    sync_folder(path.parent)


def _dress_as(path: Path, temporary: str) -> None:
    """Give a file the owner, group, mode and extended attributes of another, as far as this user may."""
    old = path.stat()
    for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
        with contextlib.suppress(PermissionError):
            os.chown(temporary, owner, group)
    os.chmod(temporary, old.st_mode & 0o7777)  # noqa: PTH101 - likewise
    for name in os.listxattr(path) if hasattr(os, "listxattr") else ():
        with contextlib.suppress(OSError):  # some are the system's own
            os.setxattr(temporary, name, os.getxattr(path, name))


def temporary_prefix(path: Path) -> str:
    """What the names of a file's temporary files begin with; a kill may leave one behind."""
    return f".{path.name}."


def sync_folder(folder: Path) -> None:
    """Make the folder's own entries durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def share(tree: Path, place: Path) -> None:
    """Give what was made in a private folder the modes of this user's umask, and the group that `place` hands on.

    Args:
        tree: a folder, with all below.
        place: the folder that it is moved to; one with the setgid bit hands its group on.

    Raises:
        OSError: they cannot be given.
    """
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
    """Owner, group and mode of what this user may not use, or of the nearest folder above that it can look at.

    Args:
        place: a path.
        right: `os.R_OK` or `os.W_OK`.
    """
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
    except KeyError:  # a number that the machine has no name for
        return str(number)
