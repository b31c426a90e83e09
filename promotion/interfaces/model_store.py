"""Protocols of the model store: versions with their files and labels, and optional maintenance."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from promotion.interfaces.recipe import Trained
from promotion.row_keys import KnownRows
from promotion.vocabulary import Stage, Tag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ForeignFile:
    """Something in or beside the store that is not a version: a foreign or torn folder, or a leftover.

    Attributes:
        path: its location.
        why: why it causes problems there.
        model: the model whose folder contains it; None if none does.
    """

    path: Path
    why: str
    model: str | None = None

    def __str__(self) -> str:
        return shown(self.path)


def shown(path: Path) -> str:
    """Return a path quoted for a shell and printable on any terminal."""
    return quote(str(path)) if str(path).isprintable() else ascii(str(path))


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One version in the store; `stage` is its label, or None; `torn` describes what is wrong with it."""

    tag: Tag
    path: Path
    stage: str | None
    labels: Mapping[str, str]
    metadata: Mapping[str, Any]
    torn: str | None = None

    @property
    def known_stage(self) -> Stage | None:
        """The stage, if the label is a known one."""
        return Stage(self.stage) if self.stage in set(Stage) else None

    def fits(self, stage: Stage | None, metadata: Mapping[str, str] | None) -> bool:
        """Return whether its label and metadata match; arguments that are None match everything.

        A torn version has neither label nor metadata.
        """
        if stage is not None and self.stage != stage.value:
            return False
        return all(self.metadata.get(name) == value for name, value in (metadata or {}).items())


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The ledger that a model in the store belongs to.

    Attributes:
        ledger: hash of that ledger's first entry of the model: the same in every copy of it, and in
            no other ledger.
        place: its location when it last wrote here, e.g. `sqlite:////srv/fraud/ledger.db`; never
            with a password.
        seq, hash: the last entry from which it wrote labels; its last entry if it has written none
            yet.
        since, by: when and by whom the model was assigned to that ledger.
    """

    ledger: str
    place: str
    seq: int
    hash: str
    since: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Digests:
    """Digests of one version, computed in one pass.

    Attributes:
        whole: SHA-256 over its files and description, except for the labels.
        files: SHA-256 over its files alone, by path; equal for two versions with the same files.
            None without files. Excludes fingerprints of groups, which say nothing about the model.
    """

    whole: str
    files: str | None


class ModelStore(Protocol):
    """Versions of models with their files and labels: all that registering, judging and moving versions requires.

    `promotion.adapters.memory.MemoryStore` is the smallest example, `promotion.adapters.bento.BentoStore` the real one.
    Every method raises `StoreError` if the store cannot be read or written; in that case nothing was changed.
    """

    @property
    def name(self) -> str:
        """Name of the store in messages, after an article: `model store`."""

    @property
    def delete_command(self) -> str:
        """The command that deletes a version by hand; `{tag}` stands for its tag."""

    def models(self) -> tuple[str, ...]:
        """Return the names of all models."""

    def versions(
        self, model: str, *, stage: Stage | None = None, metadata: Mapping[str, str] | None = None
    ) -> tuple[Stored, ...]:
        """Return all versions of a model, including torn ones, ordered by name; or those that `Stored.fits`."""

    def get(self, tag: Tag) -> Stored:
        """Return one version.

        Raises:
            UnknownName: there is no such version.
            TornVersion: the version is incomplete.
        """

    def path(self, tag: Tag) -> Path:
        """Return the folder of a version's files, even if missing; a name for it if the store has no folders."""

    def size(self, tag: Tag) -> int:
        """Return the size of its files in bytes; it does not depend on the stage."""

    def digests(self, tag: Tag) -> Digests:
        """Return SHA-256 over the version's files and description, except for its labels, and over its files alone."""

    def save(
        self,
        model: str,
        trained: Trained,
        *,
        metadata: Mapping[str, str],
        training_rows: "NDArray[np.uint64]",
        training_groups: "Mapping[str, NDArray[np.uint64]] | None" = None,
    ) -> Tag:
        """Save a candidate as `staging`, with the fingerprints of its training rows and of their groups, atomically.

        Args:
            model: its name, to generate a version name; or `NAME:VERSION`.
            trained: the candidate.
            metadata: stored with it and covered by its digest.
            training_rows: fingerprints, shape (n_training_rows,), in any order.
            training_groups: fingerprints by the name of the groups, each of shape (n_groups,), in
                any order.
        """

    def load(self, tag: Tag, *, digest: str) -> Trained:
        """Load a version whose files have the given digest (`Digests.whole`).

        Raises:
            DigestMismatch: the files have a different digest; nothing was unpickled.
        """

    def training_rows(self, tag: Tag, *, by: str | None = None) -> KnownRows | None:
        """Return the sorted fingerprints of its training rows; None if the version does not record them.

        With `by`, includes those of their groups, if the version records them.
        """

    def write_stage(self, tag: Tag, stage: Stage) -> None:
        """Replace the label `stage`, atomically, and nothing else.

        Raises:
            UnknownName: there is no such version.
            TornVersion: the version is incomplete.
        """

    def delete(self, tag: Tag) -> None:
        """Delete a version's files; does nothing if they are already gone."""

    def claim(self, model: str) -> Claim | None:
        """Return the ledger that the model belongs to; None if the store does not record one."""

    def write_claim(self, model: str, claim: Claim) -> None:
        """Replace the claim on the model; only while the model is held."""

    def held(self, model: str) -> AbstractContextManager[None]:
        """Lock this model's labels against other processes within the context; released when the process ends.

        Raises:
            StoreError: another process has held the lock for too long.
        """


@runtime_checkable
class ImportsModels(Protocol):
    """Optional: takes in models in MLflow's format. Without it, `adopt --from-mlflow` is refused."""

    def prepared(self, tag: Tag, folder: Path, *, metadata: Mapping[str, str]) -> AbstractContextManager["ModelStore"]:
        """Prepare a version in `staging` from a folder in MLflow's format, whose flavors are kept; moves the folder.

        Returns:
            A store with this version alone, to check it in. It ends with the context.

        Raises:
            StoreError: it cannot be prepared, or has no generic function to score with.
        """

    def take_in(self, tag: Tag, prepared: ModelStore) -> None:
        """Move a version from the store that `prepared` made into this one, atomically.

        Raises:
            StoreError: this store already has that version, or cannot be written; nothing was
                changed.
        """


@runtime_checkable
class LooksAhead(Protocol):
    """Optional: reads and hashes versions beside what an audit does first."""

    def look_ahead(self, model: str) -> None:
        """Begin to look at all versions of a model, which `versions` and `digests` return later."""


@runtime_checkable
class StoreMaintenance(Protocol):
    """Optional maintenance for stores in which people or killed processes can leave files: `repair` cleans them up.

    Without it, `repair` fixes labels only, and says so, and an audit does not look for such files.
    """

    def foreign_files(self, model: str | None = None) -> tuple[ForeignFile, ...]:
        """Return entries that are not versions: torn versions, and folders that break other readers of the store.

        With a model, only its own and those of no model, without reading the versions of other models.
        """

    def quarantine(self, foreign: ForeignFile) -> Path | None:
        """Move it out of the store, intact; return its new location, or None if it was gone.

        Raises:
            StoreError: it cannot be moved; nothing was changed.
        """

    def leftovers(self) -> tuple[ForeignFile, ...]:
        """Return the leftovers of killed saves and deletions beside the models."""

    def remove(self, leftover: ForeignFile) -> None:
        """Delete a leftover of a killed save or deletion.

        Raises:
            StoreError: it cannot be deleted.
        """
