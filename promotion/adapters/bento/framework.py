"""Saving and loading of fitted models, the only operations that need BentoML."""

import importlib
import importlib.util
import logging
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from promotion.adapters.bento import staging_dir
from promotion.errors import StoreError
from promotion.interfaces import Stored, Trained
from promotion.modules import packages_of
from promotion.vocabulary import Stage, Tag

_saving = threading.Lock()
_SKLEARN, _PICKLE, _MLFLOW = "sklearn", "picklable_model", "mlflow"
_RENAMED = {"torch": "pytorch"}  # the package, and BentoML's module for it
_PREDICT = {"predict": {"batchable": True, "batch_dim": 0}}


def save(folder: Path, model: str, trained: Trained, metadata: Mapping[str, str]) -> Tag:
    """Save a model as `staging`, as `folder/MODEL/VERSION`, with the first module of BentoML that can save and load it.

    Raises:
        StoreError: BentoML cannot save the model, not even as a pickle.
    """
    failures = list[Exception]()
    with _writing_into(folder) as store:
        for name in _modules_for(trained.model):
            try:
                return _save(store, name, model, trained, metadata)
            except Exception as error:  # pickling runs the user's own code
                failures.append(error)
    first = failures[0]
    raise StoreError(f"BentoML cannot save the model ({type(first).__name__}: {first}).") from first


def as_loaded(trained: Trained) -> Trained:
    """Return the model as the store will load it: BentoML loads an ONNX model as a session, for example.

    An estimator of scikit-learn is returned unchanged; other models are saved in a temporary folder.

    Raises:
        StoreError: BentoML cannot save the model.
    """
    if next(_modules_for(trained.model)) == _SKLEARN:
        return trained
    with staging_dir.private_home() as home:
        tag = save(home, "model", trained, {})
        return replace(_loaded(home, tag), custom_objects=trained.custom_objects)


def import_mlflow(folder: Path, tag: Tag, files: Path, metadata: Mapping[str, str]) -> None:
    """Save a model in MLflow's format as `staging`, as `folder/MODEL/VERSION`; moves its files.

    Raises:
        StoreError: BentoML cannot save it.
    """
    labels = {"stage": Stage.STAGING.value}
    folder.mkdir(exist_ok=True)
    with _writing_into(folder):
        try:
            _module(_MLFLOW).import_model(str(tag), str(files), labels=labels, metadata=dict(metadata))
        except Exception as error:
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            message = f"BentoML cannot import the files from MLflow for {tag} ({why}). Check the model in MLflow."
            raise StoreError(message, tag=tag) from error


def load(stored: Stored) -> Trained:
    """Load a version; its files must be verified before."""
    try:
        return _loaded(stored.path.parent.parent, stored.tag)
    except StoreError:
        raise
    except (Exception, SystemExit) as error:  # loading runs the code of others
        way_out = "Loading needs the packages and modules that it was saved with."
        message = f"{stored.tag} cannot be loaded ({type(error).__name__}: {error}). {way_out}"
        raise StoreError(message, tag=stored.tag) from error


def _modules_for(fitted: object) -> Iterator[str]:
    """Yield the names of BentoML's modules for a model: scikit-learn's for its estimators, its library's, the pickle's.

    An estimator that another library defines keeps its scikit-learn interface, such as `predict_proba`.
    """
    packages = packages_of(fitted)
    for package in sorted(packages, key=lambda one: one != _SKLEARN):
        name = _RENAMED.get(package, package)
        if any(map(_is_there, (f"_bentoml_impl.frameworks.{name}", f"bentoml._internal.frameworks.{name}"))):
            yield name
    yield _PICKLE


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _save(store: Any, name: str, model: str, trained: Trained, metadata: Mapping[str, str]) -> Tag:
    """Save a model with one module of BentoML; if it is not scikit-learn's, also check that it can load the model."""
    default = _PREDICT if name == _SKLEARN else None
    saved = _module(name).save_model(
        model,
        trained.model,
        labels={**trained.labels, "stage": Stage.STAGING.value},
        metadata=dict(metadata),
        custom_objects=dict(trained.custom_objects),
        signatures=default if trained.signatures is None else dict(trained.signatures),
    )
    if name != _SKLEARN:
        try:
            _module(name).load_model(store.get(saved.tag))
        except Exception:
            store.delete(saved.tag)
            raise
    return Tag(saved.tag.name, saved.tag.version)


@contextmanager
def _writing_into(folder: Path) -> Iterator[Any]:
    """Make BentoML save to a folder; yields its model store."""
    from bentoml._internal.configuration.containers import BentoMLContainer
    from bentoml._internal.models.model import ModelStore

    store = ModelStore(folder)
    with _saving:
        BentoMLContainer.model_store.set(store)
        try:
            yield store
        finally:
            BentoMLContainer.model_store.reset()


def _loaded(models: Path, tag: Tag) -> Trained:
    """Return the model and its custom objects from the folder that contains `MODEL/VERSION`."""
    from bentoml._internal.models.model import ModelStore

    model = ModelStore(models).get(str(tag))
    framework = model.info.module
    if not framework.startswith("bentoml."):
        message = (
            f"{tag} was saved with the framework '{framework}', but `promotion` loads only BentoML's own frameworks."
        )
        raise StoreError(message, tag=tag)
    name, custom_objects = framework.removeprefix("bentoml."), dict(model.custom_objects or {})
    if name == _MLFLOW:
        for quiet in ("mlflow.pyfunc", "mlflow.onnx"):  # the audit compares libraries; ONNX has no GPU in most builds
            logging.getLogger(quiet).setLevel(logging.ERROR)
    loaded = _module(name).load_model(model)
    if name == _MLFLOW:
        return Trained(model=raw_model(loaded), custom_objects=custom_objects, pyfunc=loaded)
    return Trained(model=loaded, custom_objects=custom_objects)


def raw_model(generic: Any) -> Any:
    """Return the model of its own library behind MLflow's generic one; the generic one if it has none."""
    try:
        return generic.get_raw_model()
    except Exception:  # MLflow raises several types for models that have none
        return generic


def _module(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # BentoML calls some of its modules deprecated, and has no others for these models
        return importlib.import_module(f"bentoml.{name}")
