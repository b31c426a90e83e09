"""Saving and loading of fitted models, the only operations that need BentoML."""

import importlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promotion.errors import StoreError
from promotion.interfaces import Stored, Trained
from promotion.vocabulary import Stage, Tag

_saving = threading.Lock()


def save(folder: Path, model: str, trained: Trained, metadata: Mapping[str, str]) -> Tag:
    """Save a model as `staging`, as `folder/MODEL/VERSION`.

    Raises:
        StoreError: BentoML's scikit-learn framework does not accept the model.
    """
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
            raise StoreError(f"BentoML cannot save the model ({type(error).__name__}: {error}).") from error
        finally:
            BentoMLContainer.model_store.reset()
    return Tag(saved.tag.name, saved.tag.version)


def load(stored: Stored) -> Trained:
    """Load a version; its files must be verified before."""
    from bentoml._internal.models.model import ModelStore

    model = ModelStore(stored.path.parent.parent).get(str(stored.tag))
    framework = model.info.module
    if not framework.startswith("bentoml."):
        message = (
            f"{stored.tag} was saved with the framework '{framework}', but `promotion` loads only BentoML's own "
            "frameworks."
        )
        raise StoreError(message, tag=stored.tag)
    try:
        fitted: Any = importlib.import_module(framework).load_model(model)
        custom_objects = dict(model.custom_objects or {})
    except Exception as error:
        raise StoreError(f"{stored.tag} cannot be loaded ({type(error).__name__}: {error}).", tag=stored.tag) from error
    return Trained(model=fitted, custom_objects=custom_objects)
