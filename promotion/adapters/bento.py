"""The Bento model store on disk.

Labels and files are read without BentoML, which takes a second to import and whose `list` fails for every model when
one version is torn. BentoML itself saves and loads.
"""

import contextlib
import importlib
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from filelock import FileLock, Timeout

from promotion.adapters.files import replace_text, sync_folder, sync_tree, temporary_prefix
from promotion.canonical import digest
from promotion.errors import DigestMismatch, StoreError, TornVersion, UnknownName
from promotion.rows import file_digest
from promotion.seams import Stored, Stray, Trained
from promotion.vocabulary import Stage, Tag, is_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DESCRIPTION = "model.yaml"
TRAINING_ROWS = "training_rows.npy"
_PATIENCE_SECONDS = 60
_saving = threading.Lock()


class BentoStore:
    """Models under `home/models/NAME/VERSION`, as BentoML lays them out.

    Args:
        home: what BentoML calls BENTOML_HOME.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def models(self) -> tuple[str, ...]:
        """Names of all models."""
        folder = self.home / "models"
        if not folder.is_dir():
            return ()
        return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and is_name(path.name)))

    def versions(self, model: str) -> tuple[Stored, ...]:
        """Every version of a model, torn ones among them, in order of name."""
        folder = self.home / "models" / model
        if not folder.is_dir():
            return ()
        names = sorted(path.name for path in folder.iterdir() if path.is_dir() and is_name(path.name))
        return tuple(self._read(Tag(model, name)) for name in names)

    def path(self, tag: Tag) -> Path:
        """The folder of a version's files, whether it is there or not."""
        return self.home / "models" / tag.model / tag.version

    def get(self, tag: Tag) -> Stored:
        """One version.

        Raises:
            UnknownName: there is no such version.
            TornVersion: it is not whole.
        """
        if not self.path(tag).is_dir():
            known = [str(stored.tag) for stored in self.versions(tag.model)]
            kind, name, among = ("version", str(tag), known) if known else ("model", tag.model, self.models())
            raise UnknownName(kind, name, among, hint=f"The Bento store is {self.home}.")
        stored = self._read(tag)
        if stored.torn:
            raise TornVersion(stored.torn)
        return stored

    def save(
        self, model: str, trained: Trained, *, metadata: Mapping[str, str], training_rows: "NDArray[np.uint64]"
    ) -> Tag:
        """Save a candidate as `staging`: complete in a folder aside, then moved into the store by one rename.

        Raises:
            StoreError: the store cannot be written, or the model is none that BentoML's scikit-learn framework takes.
        """
        import numpy as np

        with self._aside() as folder:
            tag = _save_with_bentoml(folder, model, trained, metadata)
            version = folder / tag.model / tag.version
            np.save(version / TRAINING_ROWS, np.sort(training_rows))
            sync_tree(version)
            self._move_in(version, tag)
        return tag

    def load(self, tag: Tag, *, digest: str) -> Trained:
        """Load a version whose files have the given digest.

        Raises:
            DigestMismatch: they have not; nothing was unpickled.
        """
        stored = self.get(tag)
        found = self.digest(tag)
        if found != digest:
            raise DigestMismatch(tag, digest, found)
        return _load_with_bentoml(stored)

    def digest(self, tag: Tag) -> str:
        """SHA-256 over the version's files and description, its labels excepted."""
        stored = self.get(tag)
        description = yaml.load((stored.path / DESCRIPTION).read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 - strings only
        files = sorted(path for path in stored.path.rglob("*") if path.is_file() and not _is_description(stored, path))
        return digest(
            {
                "description": {key: value for key, value in description.items() if key != "labels"},
                "files": {str(path.relative_to(stored.path)): file_digest(path) for path in files},
            }
        )

    def training_rows(self, tag: Tag) -> "NDArray[np.uint64] | None":
        """Sorted fingerprints of the rows it was trained on; None when the version does not say."""
        import numpy as np

        path = self.get(tag).path / TRAINING_ROWS
        if not path.exists():
            return None
        try:
            rows = np.load(path, allow_pickle=False)
        except ValueError as error:
            message = f"{path} cannot be read ({error}); restore the version from a backup, or retrain."
            raise StoreError(message) from error
        return np.asarray(rows, dtype=np.uint64)

    def write_stage(self, tag: Tag, stage: Stage) -> None:
        """Rewrite the label `stage`, atomically, and nothing else.

        Raises:
            StoreError: the store cannot be written; nothing was changed.
        """
        path = self.get(tag).path / DESCRIPTION
        description = yaml.safe_load(path.read_text("utf-8"))
        labels = description.get("labels") or {}
        if labels.get("stage") == stage.value:
            return
        description["labels"] = {**labels, "stage": stage.value}
        try:
            replace_text(path, yaml.safe_dump(description, sort_keys=False))
        except OSError as error:
            raise StoreError(_unwritable(path, error)) from error

    def delete(self, tag: Tag) -> None:
        """Remove a version's files: out of the store by one rename first, so that no reader finds half of them."""
        with self._aside() as folder, contextlib.suppress(FileNotFoundError):
            self.path(tag).rename(folder / tag.version)
            sync_folder(self.path(tag).parent)

    @contextmanager
    def held(self, model: str) -> Iterator[None]:
        """Keep every other process from writing this model's labels meanwhile; ends with the process.

        Raises:
            StoreError: another one has held it for too long.
        """
        folder = self.home / "locks"
        lock = FileLock(folder / f"{model}.lock", timeout=_PATIENCE_SECONDS)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            message = (
                f"Another command has been writing the labels of '{model}' for {_PATIENCE_SECONDS} seconds. "
                "Run this one again; what is recorded stands."
            )
            raise StoreError(message) from error
        except OSError as error:
            raise StoreError(_unwritable(folder, error)) from error
        try:
            yield
        finally:
            lock.release()

    def strays(self) -> tuple[Stray, ...]:
        """What lies among the models and is none: torn versions and folders that make BentoML's own listing fail."""
        torn = (one for model in self.models() for one in self.versions(model) if one.torn)
        return tuple(Stray(path=one.path, why=one.torn or "") for one in torn)

    def quarantine(self, stray: Stray) -> Path:
        """Move it out of the store, whole; where it lies now."""
        folder = self.home / "quarantine"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(dir=folder, prefix=f"{stray.path.parent.name}-")) / stray.path.name
            stray.path.rename(place)
            sync_folder(stray.path.parent)
        except OSError as error:
            raise StoreError(_unwritable(folder, error)) from error
        return place

    def _read(self, tag: Tag) -> Stored:
        path = self.path(tag)
        try:
            description = yaml.safe_load((path / DESCRIPTION).read_text("utf-8"))
        except FileNotFoundError:
            why = "has no model.yaml: its save was cut short, and BentoML cannot list any model while it lies there"
            return _torn(tag, path, why)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            return _torn(tag, path, f"has a model.yaml that cannot be read ({str(error).splitlines()[0]})")
        if not isinstance(description, dict) or not isinstance(description.get("labels") or {}, dict):
            return _torn(tag, path, "has a model.yaml that does not describe a model")
        labels = {str(key): str(value) for key, value in (description.get("labels") or {}).items()}
        metadata = description.get("metadata") or {}
        return Stored(tag=tag, path=path, stage=labels.get("stage"), labels=labels, metadata=metadata)

    @contextmanager
    def _aside(self) -> Iterator[Path]:
        """A folder on the store's own disk, outside `models/`, where foreign folders make BentoML's list fail."""
        try:
            (self.home / "tmp").mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=self.home / "tmp", prefix="saving-"))
        except OSError as error:
            raise StoreError(_unwritable(self.home, error)) from error
        try:
            yield folder
        except OSError as error:
            raise StoreError(_unwritable(self.home, error)) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _move_in(self, version: Path, tag: Tag) -> None:
        target = self.path(tag)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            version.rename(target)
            sync_folder(target.parent)
            replace_text(target.parent / "latest", tag.version)
        except OSError as error:
            raise StoreError(_unwritable(target.parent, error)) from error


def _save_with_bentoml(folder: Path, model: str, trained: Trained, metadata: Mapping[str, str]) -> Tag:
    import bentoml
    from bentoml._internal.configuration.containers import BentoMLContainer
    from bentoml._internal.models.model import ModelStore

    with _saving:
        BentoMLContainer.model_store.set(ModelStore(folder))
        try:
            saved = bentoml.sklearn.save_model(
                model,
                trained.model,
                labels={**trained.labels, "stage": Stage.STAGING.value},
                metadata=dict(metadata),
                custom_objects=dict(trained.custom_objects),
                signatures=dict(trained.signatures),
            )
        except Exception as error:  # pickling runs the user's own code
            message = f"BentoML cannot save the model ({type(error).__name__}: {error})."
            raise StoreError(message) from error
        finally:
            BentoMLContainer.model_store.reset()
    return Tag(saved.tag.name, saved.tag.version)


def _load_with_bentoml(stored: Stored) -> Trained:
    from bentoml._internal.models.model import ModelStore

    model = ModelStore(stored.path.parent.parent).get(str(stored.tag))
    framework = model.info.module
    if not framework.startswith("bentoml."):
        message = f"{stored.tag} was saved by '{framework}', and only BentoML's own frameworks are loaded."
        raise StoreError(message)
    try:
        fitted: Any = importlib.import_module(framework).load_model(model)
        custom_objects = dict(model.custom_objects or {})
    except Exception as error:
        message = f"{stored.tag} cannot be loaded ({type(error).__name__}: {error})."
        raise StoreError(message) from error
    return Trained(model=fitted, custom_objects=custom_objects)


def _is_description(stored: Stored, path: Path) -> bool:
    """Whether it is the version's model.yaml, or one that a killed label write left unfinished; nothing reads that."""
    unfinished = temporary_prefix(stored.path / DESCRIPTION)
    return path.parent == stored.path and (path.name == DESCRIPTION or path.name.startswith(unfinished))


def _torn(tag: Tag, path: Path, why: str) -> Stored:
    message = f"{tag} {why}. Move the folder {path} out of the store."
    return Stored(tag=tag, path=path, stage=None, labels={}, metadata={}, torn=message)


def _unwritable(path: Path, error: OSError) -> str:
    return f"The Bento store cannot be written at {path} ({error.strerror or error}); nothing was changed there."
