"""The `ModelStore` on BentoML's folders."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.adapters.bento import claims, foreign_files, framework, locks, staging_dir
from promotion.adapters.bento.description import (
    DESCRIPTION,
    LINKED,
    DamagedDescription,
    mentions,
    read,
    strings,
    text_of,
    torn_sentence,
    with_stage,
)
from promotion.adapters.bento.faults import reading, writing
from promotion.adapters.bento.files import digests
from promotion.adapters.bento.training_rows import GROUPS, read_training_rows, write_rows
from promotion.adapters.files import replace_text, sync_folder, temporary_prefix, whose
from promotion.canonical import digest
from promotion.errors import DigestMismatch, StoreError, TornVersion, UnknownName
from promotion.interfaces import Claim, Digests, ForeignFile, ModelStore, Stored, Trained
from promotion.row_keys import KnownRows
from promotion.vocabulary import Stage, Tag, is_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def without_labels(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a description that its digest covers."""
    return {key: value for key, value in description.items() if key != "labels"}


_UNFINISHED = shutil.ignore_patterns(f"{temporary_prefix(Path(DESCRIPTION))}*")


class BentoStore:
    """Models under `home/models/NAME/VERSION`, in BentoML's layout.

    `ModelStore` and `StoreMaintenance` document the errors of each method.

    Args:
        home: the folder that BentoML calls BENTOML_HOME.
        patience: maximum seconds to wait for another writer of the same labels.
    """

    name, delete_command = "model store", "bentoml models delete {tag}"

    def __init__(self, home: Path, *, patience: float = 60) -> None:
        self.home, self.patience = home, patience

    def models(self) -> tuple[str, ...]:
        """Return the names of all models."""
        with reading(self._models):
            return tuple(foreign_files.folder_names(self._models))

    def versions(
        self, model: str, *, stage: Stage | None = None, metadata: Mapping[str, str] | None = None
    ) -> tuple[Stored, ...]:
        """Return all versions of a model, including torn ones, ordered by name.

        With a stage or metadata, skips parsing descriptions that do not mention them.
        """
        words = (*(() if stage is None else (stage.value,)), *(metadata or {}).values())
        tags = (Tag(model, name) for name in self._names(model))
        found = (self._look(tag) for tag in tags if all(mentions(self.path(tag), word) for word in words))
        return tuple(one for one in found if one is not None and one.fits(stage, metadata))

    def path(self, tag: Tag) -> Path:
        """Return the folder of a version's files, whether it exists or not."""
        return self._models / tag.model / tag.version

    def size(self, tag: Tag) -> int:
        """Return the size of its files in bytes, without the description, which changes with the label."""
        folder = self.get(tag).path
        with reading(folder):
            files = (file for file in folder.rglob("*") if file.is_file() and file != folder / DESCRIPTION)
            return sum(file.stat().st_size for file in files)

    def get(self, tag: Tag) -> Stored:
        """Return one version."""
        if not self._holds(tag):
            known = [str(Tag(tag.model, name)) for name in self._names(tag.model)]
            kind, name, among = ("version", str(tag), known) if known else ("version of", tag.model, self.models())
            raise UnknownName(kind, name, among, hint=f"The model store is {self.home}.")
        with reading(self.path(tag)), self._undamaged(tag):
            return self._read(tag)

    def save(
        self,
        model: str,
        trained: Trained,
        *,
        metadata: Mapping[str, str],
        training_rows: "NDArray[np.uint64]",
        training_groups: "Mapping[str, NDArray[np.uint64]] | None" = None,
    ) -> Tag:
        """Save a candidate as `staging`: complete in a separate folder, then moved into the store by one rename.

        Raises:
            StoreError: the store cannot be written, or has that version, or BentoML cannot save the
                model; nothing was saved.
        """
        with writing(self.home), staging_dir.made(self.home) as folder:
            tag = framework.save(folder, model, trained, metadata)
            version = folder / tag.model / tag.version
            write_rows(version, training_rows, training_groups or {})
            staging_dir.move_in(version, self.path(tag), tag)
        return tag

    @contextmanager
    def prepared(self, tag: Tag, folder: Path, *, metadata: Mapping[str, str]) -> Iterator["ModelStore"]:
        """Prepare a version in `staging` from a folder in MLflow's format, in a store of its own; moves the folder."""
        with contextlib.ExitStack() as opened:
            with writing(self.home):
                apart = BentoStore(opened.enter_context(staging_dir.made(self.home)))
                framework.import_mlflow(apart.home / "models", tag, folder, metadata)
            yield apart

    def take_in(self, tag: Tag, prepared: ModelStore) -> None:
        """Move a version from the store that `prepared` made into this one, atomically like `save`."""
        with writing(self.home):
            staging_dir.move_in(prepared.path(tag), self.path(tag), tag)

    def load(self, tag: Tag, *, digest: str) -> Trained:
        """Load a version whose files have the given digest, from a private copy that nobody can change after the check.

        Raises:
            DigestMismatch: the files have a different digest; nothing was unpickled.
        """
        with staging_dir.private_home() as home:
            copy = BentoStore(home)
            self._copy_to(copy, tag)
            found = copy.digest(tag)
            if found != digest:
                raise DigestMismatch(tag, digest, found)
            return framework.load(copy.get(tag))

    def digest(self, tag: Tag) -> str:
        """Return the digest that a version is registered and loaded by: `digests(tag).whole`."""
        return self.digests(tag).whole

    def digests(self, tag: Tag) -> Digests:
        """Return SHA-256 over the version's files and description, except for its labels, and over its files alone.

        Each file is read once.

        Raises:
            StoreError: a file cannot be read, or is a link or a pipe, which cannot be verified.
        """
        self.get(tag)
        return self._hashed(tag)

    def _hashed(self, tag: Tag, described: Any = None) -> Digests:
        """Compute the digests of a version that was already checked; `described` is its description, if just read."""
        folder = self.path(tag)
        with reading(folder), self._undamaged(tag):
            described = described or without_labels(strings(folder))
            files = digests(folder)
            whole = digest({"description": described, "files": files})
            trained = {name: one for name, one in files.items() if not name.startswith(GROUPS)}
            return Digests(whole=whole, files=digest(trained) if trained else None)

    def training_rows(self, tag: Tag, *, by: str | None = None) -> KnownRows | None:
        """Return fingerprints of its training rows, and of their groups `by`; None if the version has none."""
        return read_training_rows(self.get(tag).path, by)

    def write_stage(self, tag: Tag, stage: Stage) -> None:
        """Replace the label `stage`, atomically, and nothing else."""
        stored = self.get(tag)
        if stored.stage == stage.value:
            return
        path = stored.path / DESCRIPTION
        with writing(path), self._undamaged(tag):
            replace_text(path, with_stage(text_of(stored.path), stage))
            for unfinished in path.parent.glob(f"{temporary_prefix(path)}*"):  # left by a writer that was killed
                unfinished.unlink(missing_ok=True)

    def delete(self, tag: Tag) -> None:
        """Delete a version's files; one rename first moves them out, so that readers never find half of them."""
        with writing(self.path(tag)), staging_dir.made(self.home) as folder, contextlib.suppress(FileNotFoundError):
            self.path(tag).rename(folder / tag.version)
            sync_folder(self.path(tag).parent)

    def claim(self, model: str) -> Claim | None:
        """Return the ledger that the model belongs to; None if the store does not record one."""
        return claims.read(self.home, model)

    def write_claim(self, model: str, claim: Claim) -> None:
        """Replace the claim on the model; only while the model is held."""
        claims.write(self.home, model, claim)

    def held(self, model: str) -> AbstractContextManager[None]:
        """Lock this model's labels against other processes within the context; released when the process ends."""
        return locks.held(self.home / "locks", model, self.patience)

    def foreign_files(self, model: str | None = None) -> tuple[ForeignFile, ...]:
        """Return entries that are not versions: torn versions, and folders that break BentoML's own listing."""
        with reading(self._models):
            return tuple(foreign_files.foreign_files(self._models, self._known_whole, model))

    def quarantine(self, foreign: ForeignFile) -> Path | None:
        """Move it out of the store, intact; return its new location, or None if it was gone."""
        with writing(foreign.path):
            return foreign_files.quarantine(foreign.path, self.home)

    def leftovers(self) -> tuple[ForeignFile, ...]:
        """Return the leftovers of killed saves and deletions beside the models."""
        with reading(self.home):
            return tuple(staging_dir.leftovers(self.home))

    def remove(self, leftover: ForeignFile) -> None:
        """Delete a leftover of a killed save or deletion."""
        with writing(leftover.path):
            staging_dir.remove(leftover.path)

    @property
    def _models(self) -> Path:
        return self.home / "models"

    def _names(self, model: str) -> list[str]:
        if not is_name(model):
            return []
        with reading(self._models / model):
            return foreign_files.folder_names(self._models / model)

    def _holds(self, tag: Tag) -> bool:
        named = is_name(tag.model) and is_name(tag.version) and tag.version != foreign_files.LATEST
        with reading(self._models / tag.model):
            return named and self.path(tag).is_dir()

    def _known_whole(self, folder: Path) -> bool:  # noqa: ARG002 - this store has no cache
        return False

    def _look(self, tag: Tag) -> Stored | None:
        """Return the version, torn or not; None if it disappeared since its name was read."""
        path = self.path(tag)
        try:
            return self._read(tag)
        except DamagedDescription as damage:
            why = torn_sentence(tag, damage, self.path(tag))
        except OSError as error:
            found = f"{error.strerror or error}{whose(error.filename or path)}"
            why = f"{tag} cannot be read ({found}). Check that this user can read {path}."
        return Stored(tag=tag, path=path, stage=None, labels={}, metadata={}, torn=why) if path.exists() else None

    def _described(self, path: Path, tag: Tag) -> Mapping[str, Any]:
        return read(path, tag)

    def _read(self, tag: Tag) -> Stored:
        path = self.path(tag)
        description = self._described(path, tag)
        if path.is_symlink() or path.parent.is_symlink():
            raise DamagedDescription(LINKED)
        labels = {str(key): str(value) for key, value in description["labels"].items()}
        return Stored(
            tag=tag, path=path, stage=labels.get("stage"), labels=labels, metadata=dict(description["metadata"])
        )

    def _copy_to(self, other: "BentoStore", tag: Tag) -> None:
        folder = self.get(tag).path
        try:
            shutil.copytree(folder, other.path(tag), symlinks=True, ignore=_UNFINISHED)  # these are temporary
        except OSError as error:
            self.digest(tag)  # raises an error that names the file that cannot be verified
            why = error.args[0][0][2] if isinstance(error, shutil.Error) else error  # the first of several files
            message = (
                f"The files of {tag} cannot be copied to {other.home} to be verified and loaded ({why}). Set "
                "TMPDIR to another folder."
            )
            raise StoreError(message, tag=tag) from error

    @contextmanager
    def _undamaged(self, tag: Tag) -> Iterator[None]:
        try:
            yield
        except DamagedDescription as damage:
            raise TornVersion(torn_sentence(tag, damage, self.path(tag)), tag=tag) from damage
