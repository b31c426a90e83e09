"""The `ModelStore` in memory."""

import hashlib
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from promotion.canonical import digest as digest_of
from promotion.errors import DigestMismatch, StoreError, TornVersion, UnknownName
from promotion.interfaces import Claim, Digests, Stored, Trained
from promotion.row_keys import KnownRows
from promotion.vocabulary import Stage, Tag


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One version in memory.

    Attributes:
        files: content by name; without `MODEL` the version is torn.
        labels: its labels, including the stage.
        metadata: the metadata it was saved with.
    """

    files: Mapping[str, bytes]
    labels: Mapping[str, str]
    metadata: Mapping[str, str]


MODEL, _ROWS, _GROUPS = "model.pkl", "training_rows", "training_groups."
"""Names of a version's files: the pickled model, and fingerprints as bytes."""


class MemoryStore:
    """A `ModelStore` without persistence; threads may share it.

    Args:
        patience: maximum seconds to wait for another writer of the same labels.

    Attributes:
        kept: the versions by tag; change it to simulate someone else who changes, tears or removes
            them.
    """

    name, delete_command = "memory store", "registry.store.delete(promotion.Tag.parse('{tag}'))"

    def __init__(self, *, patience: float = 60) -> None:
        self.kept: dict[Tag, Kept] = {}
        self.patience = patience
        self._claims: dict[str, Claim] = {}
        self._locks: dict[str, Lock] = {}

    def models(self) -> tuple[str, ...]:
        """Return the names of all models."""
        return tuple(sorted({tag.model for tag in list(self.kept)}))

    def versions(
        self, model: str, *, stage: Stage | None = None, metadata: Mapping[str, str] | None = None
    ) -> tuple[Stored, ...]:
        """Return all versions of a model ordered by name, or those that `Stored.fits`."""
        found = sorted((tag.version, tag, kept) for tag, kept in list(self.kept.items()) if tag.model == model)
        return tuple(one for _, tag, kept in found if (one := self._stored(tag, kept)).fits(stage, metadata))

    def get(self, tag: Tag) -> Stored:
        """Return one version, if it exists and is not torn."""
        return self._stored(tag, self._whole(tag))

    def path(self, tag: Tag) -> Path:
        """Return a name, since there is no folder."""
        return Path("memory", tag.model, tag.version)

    def size(self, tag: Tag) -> int:
        """Return the size of its files in bytes."""
        return sum(map(len, self._whole(tag).files.values()))

    def digests(self, tag: Tag) -> Digests:
        """Return digests over files and metadata, and over the files alone."""
        return _digests(self._whole(tag))

    def save(
        self,
        model: str,
        trained: Trained,
        *,
        metadata: Mapping[str, str],
        training_rows: NDArray[np.uint64],
        training_groups: Mapping[str, NDArray[np.uint64]] | None = None,
    ) -> Tag:
        """Pickle a candidate, so that later changes to the object have no effect here."""
        tag = Tag.parse(model if ":" in model else f"{model}:{uuid4().hex[:16]}")
        try:
            files = {MODEL: pickle.dumps((trained.model, dict(trained.custom_objects)))}
        except Exception as error:  # pickling runs the user's own code
            raise StoreError(f"The {self.name} cannot pickle the model ({type(error).__name__}: {error}).") from error
        files[_ROWS] = np.sort(training_rows).astype(np.uint64).tobytes()
        for by, groups in (training_groups or {}).items():
            files[f"{_GROUPS}{by}"] = np.unique(groups).astype(np.uint64).tobytes()
        labels = {**trained.labels, "stage": Stage.STAGING.value}
        new = Kept(files=files, labels=labels, metadata=dict(metadata))
        if self.kept.setdefault(tag, new) is not new:
            message = f"{tag} is already in the {self.name} and was not changed. Save under another version name."
            raise StoreError(message, tag=tag)
        return tag

    def load(self, tag: Tag, *, digest: str) -> Trained:
        """Unpickle a version that has the given digest."""
        kept = self._whole(tag)
        found = _digests(kept).whole
        if found != digest:
            raise DigestMismatch(tag, digest, found)
        try:
            fitted, custom_objects = pickle.loads(kept.files[MODEL])
        except Exception as error:
            raise StoreError(f"{tag} cannot be loaded ({type(error).__name__}: {error}).", tag=tag) from error
        return Trained(model=fitted, custom_objects=custom_objects)

    def training_rows(self, tag: Tag, *, by: str | None = None) -> KnownRows | None:
        """Return fingerprints of its training rows, and of their groups by a name."""
        files = self._whole(tag).files
        rows = _array(files.get(_ROWS))
        return None if rows is None else KnownRows(rows, groups=_array(files.get(f"{_GROUPS}{by}")))

    def write_stage(self, tag: Tag, stage: Stage) -> None:
        """Replace the version by one with another label."""
        kept = self._whole(tag)
        self.kept[tag] = replace(kept, labels={**kept.labels, "stage": stage.value})

    def delete(self, tag: Tag) -> None:
        """Delete the version."""
        self.kept.pop(tag, None)

    def claim(self, model: str) -> Claim | None:
        """Return the ledger that the model belongs to."""
        return self._claims.get(model)

    def write_claim(self, model: str, claim: Claim) -> None:
        """Replace the claim on the model."""
        self._claims[model] = claim

    @contextmanager
    def held(self, model: str) -> Iterator[None]:
        """Lock this model's labels against other threads within the context."""
        lock = self._locks.setdefault(model, Lock())
        if not lock.acquire(timeout=self.patience):
            raise StoreError(
                f"Another command has been writing the labels of '{model}' for {self.patience:g} seconds. Run this "
                "command again when it has finished. What is recorded stands."
            )
        try:
            yield
        finally:
            lock.release()

    def _whole(self, tag: Tag) -> Kept:
        kept = self.kept.get(tag)
        if kept is None:
            known = [str(one.tag) for one in self.versions(tag.model)]
            kind, name, among = ("version", str(tag), known) if known else ("version of", tag.model, self.models())
            raise UnknownName(kind, name, among)
        if why := self._stored(tag, kept).torn:
            raise TornVersion(why, tag=tag)
        return kept

    def _stored(self, tag: Tag, kept: Kept) -> Stored:
        torn = None if MODEL in kept.files else f"{tag} has no {MODEL}. Delete it, and save the model again."
        labels = {} if torn else kept.labels
        metadata = {} if torn else kept.metadata
        return Stored(
            tag=tag, path=self.path(tag), stage=labels.get("stage"), labels=labels, metadata=metadata, torn=torn
        )


def _digests(kept: Kept) -> Digests:
    files = {name: hashlib.sha256(content).hexdigest() for name, content in kept.files.items()}
    model = {name: one for name, one in files.items() if not name.startswith(_GROUPS)}
    return Digests(whole=digest_of({"metadata": kept.metadata, "files": files}), files=digest_of(model))


def _array(content: bytes | None) -> NDArray[np.uint64] | None:
    return None if content is None else np.frombuffer(content, dtype=np.uint64)
