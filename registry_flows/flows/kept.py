"""Trained models that could not be logged or saved: kept in a file, from which the next command goes on."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promotion.config import Config
from promotion.errors import DataError, PromotionError
from promotion.interfaces import Trained
from promotion.visible import visible


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A trained model in a file.

    Attributes:
        model: its name in the configuration.
        version: the trainer's own name for it.
        data: the file that it was trained on.
        data_digest: SHA-256 of the bytes of that file.
        source: the URL or query that the file is a snapshot of, without passwords; None for any
            other file.
        options: the options of the recipe, in addition to the configured ones.
        trained: the model.
    """

    model: str
    version: str
    data: str | None
    data_digest: str
    options: Mapping[str, Any]
    trained: Trained
    source: str | None = None


@contextmanager
def kept_on_failure(config: Config, kept: Kept, notice: Callable[[str], None]) -> Iterator[None]:
    """Keep the model in a file if the block fails; the error and a notice name the file and how to go on."""
    try:
        yield
    except Exception as error:
        sentence = _keep(config, kept)
        notice(sentence)
        if isinstance(error, PromotionError):
            error.args = (f"{error} {visible(sentence)}",)
        raise


def read_kept(path: Path, model: str) -> Kept:
    """Read a kept model, which unpickles it.

    Raises:
        DataError: it cannot be read, or is of another model.
    """
    import cloudpickle

    try:
        found = cloudpickle.loads(path.read_bytes())
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise DataError(
            f"The trained model in {path} cannot be read ({why}). Check the path, or train again."
        ) from error
    if not isinstance(found, Kept):
        raise DataError(f"{path} does not contain a model that a training kept. Check the path, or train again.")
    if found.model != model:
        raise DataError(f"{path} contains a model of '{found.model}', not of '{model}'. Check the path.")
    return found


def check_same_data(kept: Kept, digest: str) -> None:
    """Check that the file is the one that the model was trained on.

    Raises:
        DataError: it has changed.
    """
    if kept.data_digest != digest:
        raise DataError(
            f"{kept.data or 'The data file'} has changed since the model was trained (expected digest "
            f"{kept.data_digest[:12]}, found {digest[:12]}), so its training rows are unknown. Restore the file, or "
            "train again."
        )


def _keep(config: Config, kept: Kept) -> str:
    """Write the file, and return a sentence that says where it is and how to go on."""
    lost = [name for name, value in kept.trained.custom_objects.items() if not _can_be_pickled(value)]
    rest = {name: value for name, value in kept.trained.custom_objects.items() if name not in lost}
    try:
        path = _write(config.unsaved, replace(kept, trained=replace(kept.trained, custom_objects=rest)))
    except Exception as error:  # pickling runs the user's own code
        return (
            f"The trained model could not be kept in a file ({type(error).__name__}: {error}). Leave what cannot be "
            "pickled out of the model, with `__getstate__` for example, then train again."
        )
    if lost:
        return (
            f"The trained model is kept in {path}, but without {', '.join(lost)} of its custom objects, which cannot "
            "be pickled. Change the recipe so that they can be, then train again."
        )
    return (
        f"The trained model is kept in {path}. When the cause is mended, run `promotion retrain {kept.model} --trained "
        f"{path}` to go on without training again."
    )


def _can_be_pickled(value: object) -> bool:
    import cloudpickle

    try:
        cloudpickle.dumps(value)
    except Exception:
        return False
    return True


def _write(folder: Path, kept: Kept) -> Path:
    """Write to a new file in the folder, or in the folder for temporary files if that one cannot be written."""
    import cloudpickle

    content = cloudpickle.dumps(kept)
    prefix = re.sub(r"[^\w.-]", "_", f"{kept.model}-{kept.version}-")[:100]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write_in(folder, prefix, content)
    except OSError:
        return _write_in(Path(tempfile.gettempdir()), prefix, content)


def _write_in(folder: Path, prefix: str, content: bytes) -> Path:
    handle, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=".pkl")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
