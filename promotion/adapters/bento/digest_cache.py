"""The audit's cache of a version's content, valid until one of its files looks different.

Only audits use it; whatever is loaded, scored or promoted is hashed again.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from promotion.adapters.bento.ahead import Ahead, pays
from promotion.adapters.bento.description import read_twice
from promotion.adapters.bento.store import BentoStore, without_labels
from promotion.canonical import canonical_json
from promotion.interfaces import Digests, Stored
from promotion.vocabulary import Stage, Tag

FILE = "digests.db"
SETTLED_SECONDS = 2.0
"""A file written more recently than this may change again within the same tick of its disk's clock."""

_TABLE = "CREATE TABLE IF NOT EXISTS seen (path TEXT PRIMARY KEY, stamp TEXT, stored TEXT, digest TEXT)"
_SeenRow = tuple[str, str | None, str | None]


@contextmanager
def digest_cached(home: Path, cache: Path, *, full: bool = False) -> Iterator["_CachingStore"]:
    """Return a store that reads and hashes only files that look different from those of an earlier audit.

    With `full`, hashes everything again and updates the cache. Without a usable `cache` folder, there is no cache.
    """
    cached = _DigestCache(cache, full=full)
    store = _CachingStore(home, cached, partial(Ahead, home, cache, full=full))
    try:
        yield store
    finally:
        store.close()
        cached.close()


class _CachingStore(BentoStore):
    def __init__(self, home: Path, cached: "_DigestCache", begin: Callable[[str], Ahead]) -> None:
        super().__init__(home)
        self._cache, self._begin = cached, begin
        self._ahead: Ahead | None = None
        self._found: dict[Tag, Digests] = {}
        self._whole: set[Path] = set()
        self._digests: dict[Path, str] = {}
        self._strings: dict[Path, str] = {}
        self._texts: dict[Path, tuple[str, str]] = {}

    def look_ahead(self, model: str) -> None:
        """Begin to look at all versions in a second process, if there are many."""
        self.close()
        if pays(len(self._names(model))):
            with contextlib.suppress(OSError):
                self._ahead = self._begin(model)

    def close(self) -> None:
        """End the second process."""
        if self._ahead:
            self._ahead.close()
        self._ahead = None

    def versions(
        self, model: str, *, stage: Stage | None = None, metadata: Mapping[str, str] | None = None
    ) -> tuple[Stored, ...]:
        """Return all versions; those that the second process looked at with their digests."""
        unlimited = stage is None and metadata is None
        seen = self._ahead.result() if self._ahead and self._ahead.model == model and unlimited else None
        if seen is None:
            return super().versions(model, stage=stage, metadata=metadata)
        self._whole.update(one.path for one, _ in seen if not one.torn)
        self._found = {one.tag: digests for one, digests in seen if digests}
        return tuple(one for one, _ in seen)

    def each(self, model: str) -> Iterator[Stored]:
        """Yield the versions of `versions`, one by one."""
        yield from filter(None, (self._look(Tag(model, name)) for name in self._names(model)))

    def digests(self, tag: Tag) -> Digests:
        """Return the digests; if the version was just read, for its files as they looked then."""
        if found := self._found.pop(tag, None):
            return found
        path = self.path(tag)
        just_seen = _digests(self._digests.pop(path, None))
        if just_seen:
            return just_seen
        stamp = _stamp(path)
        seen = self._cache.get(path, stamp)
        if seen and (digests := _digests(seen[2])):
            return digests
        looked, text = self._texts.pop(path, ("", ""))
        described = json.loads(text) if stamp and looked == stamp.text else None
        found = self._hashed(tag, described) if path in self._whole else super().digests(tag)
        self._cache.put(path, stamp, digest=f"{found.whole} {found.files or ''}")
        return found

    def _look(self, tag: Tag) -> Stored | None:
        path = self.path(tag)
        stamp = _stamp(path)
        seen = self._cache.get(path, stamp)
        found = _restored(tag, path, seen[1]) if seen and seen[1] else None
        if found is None:
            found = super()._look(tag)
            if found and not found.torn:
                if stamp and (text := self._strings.pop(path, "")):
                    self._texts[path] = stamp.text, text
                self._cache.put(path, stamp, stored=_written(found))
        if found and not found.torn:
            self._whole.add(path)
        if seen and seen[2]:
            self._digests[path] = seen[2]
        return found

    def _described(self, path: Path, tag: Tag) -> Mapping[str, Any]:
        found, texts = read_twice(path, tag)
        self._strings[path] = canonical_json(without_labels(texts))
        return found

    def _known_whole(self, folder: Path) -> bool:
        return folder in self._whole


class _DigestCache:
    """One SQLite file; after the first error with it, caching stops."""

    def __init__(self, cache: Path, *, full: bool) -> None:
        self._full = full
        self._fresh: set[str] = set()
        self._open: sqlite3.Connection | None = None
        with contextlib.suppress(OSError, sqlite3.Error):
            with contextlib.suppress(OSError):
                cache.mkdir(parents=True, exist_ok=True)
            self._open = _opened(cache / FILE)

    def get(self, path: Path, stamp: "_Stamp | None") -> _SeenRow | None:
        if self._open is None or stamp is None or (self._full and str(path) not in self._fresh):
            return None
        try:
            query = "SELECT stamp, stored, digest FROM seen WHERE path = ? AND stamp = ?"
            row: _SeenRow | None = self._open.execute(query, (str(path), stamp.text)).fetchone()
        except (sqlite3.Error, UnicodeError):
            return None
        else:
            return row if row and all(one is None or isinstance(one, str) for one in row) else None

    def put(self, path: Path, stamp: "_Stamp | None", *, stored: str | None = None, digest: str | None = None) -> None:
        if self._open is None or stamp is None or not stamp.settled:
            return
        before = self.get(path, stamp) or (stamp.text, None, None)
        row = (str(path), stamp.text, stored or before[1], digest or before[2])
        with contextlib.suppress(sqlite3.Error, UnicodeError):
            self._open.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", row)
            self._fresh |= {str(path)} if self._full else set()

    def close(self) -> None:
        if self._open is not None:
            with contextlib.suppress(sqlite3.Error):
                self._open.commit()
            self._open.close()


def _opened(file: Path) -> sqlite3.Connection:
    """Open the file, recreating an invalid database; raise sqlite3.OperationalError if it cannot be used."""
    for _ in range(2):
        connection = sqlite3.connect(file, timeout=0)
        try:
            connection.execute("PRAGMA synchronous = OFF")
            with contextlib.suppress(sqlite3.OperationalError):  # it may be read-only, and have the table
                connection.execute(_TABLE)
            connection.execute("SELECT path, stamp, stored, digest FROM seen LIMIT 1").fetchone()
        except sqlite3.DatabaseError as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise
            file.unlink()
        else:
            return connection
    raise sqlite3.OperationalError(f"{file} cannot be used")


@dataclass(frozen=True)
class _Stamp:
    """What a version's files look like without reading them.

    Attributes:
        text: a digest of path, kind, size, times and inode of every file.
        newest: time of the last change, in seconds since 1970.
    """

    text: str
    newest: float

    @property
    def settled(self) -> bool:
        return self.newest <= time.time() - SETTLED_SECONDS


def _stamp(folder: Path) -> _Stamp | None:
    """Return the stamp of everything below; None if it cannot be inspected."""
    try:
        found = list(_looks(str(folder)))
        text = json.dumps([folder.lstat().st_ino, folder.parent.is_symlink(), *(look for look, _ in found)])
        return _Stamp(hashlib.sha256(text.encode("utf-8")).hexdigest(), max(changed for _, changed in found))
    except (OSError, ValueError):  # ValueError: a name that is not valid text, or no file at all
        return None


def _looks(folder: str) -> Iterator[tuple[tuple[int | str, ...], float]]:
    """Yield the look of each file below with the time of its last change; for a link, those of the link itself."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.is_dir(follow_symlinks=False):
                yield from _looks(entry.path)
                continue
            one = entry.stat(follow_symlinks=False)
            look = (entry.path, one.st_mode, one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino)
            yield look, one.st_ctime


def _digests(text: str | None) -> Digests | None:
    """Return both digests as stored; None for an entry of an earlier release, which stored only the first."""
    whole, both, files = (text or "").partition(" ")
    return Digests(whole=whole, files=files or None) if both else None


def _written(found: Stored) -> str | None:
    """Serialise a version as JSON; None if JSON cannot represent its metadata."""
    try:
        text = json.dumps([found.stage, dict(found.labels), dict(found.metadata)])
    except (TypeError, ValueError):
        return None
    return text if json.loads(text) == [found.stage, found.labels, found.metadata] else None


def _restored(tag: Tag, path: Path, text: str) -> Stored | None:
    try:
        stage, labels, metadata = json.loads(text)
        return Stored(tag=tag, path=path, stage=stage, labels=dict(labels), metadata=dict(metadata))
    except (TypeError, ValueError):
        return None
