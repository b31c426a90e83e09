"""MLflow's versions and runs in the form that the mirror uses, and its refusals."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from promotion.adapters.mlflow.connection import in_short, status_of
from promotion.adapters.mlflow.description import text_of_others
from promotion.interfaces import MirrorRun

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.store.entities import PagedList

TAG, STAGE, DIGEST, HEAD = "promotion.tag", "promotion.stage", "promotion.digest", "promotion.head"
_STRANGER = 401  # credentials that MLflow rejects
COPIED = re.compile(r"models:/[^/]+/[^/]+")  # the source of a copy, which inherits the tags of its original
T = TypeVar("T")


def if_there(ask: Callable[[], T]) -> T | None:
    """Return MLflow's answer; None if the item does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def paged(search: "Callable[..., PagedList[T]]") -> Iterator[T]:
    """Yield all results, a page at a time."""
    token: str | None = None
    while True:
        page = search(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def logged_model(run: "Run | None") -> str | None:
    """Return the id of the model that a run logged; None if it logged none."""
    models = run.outputs.model_outputs if run and run.outputs else []
    return models[0].model_id if models else None


def made_of(version: "ModelVersion") -> tuple[Any, ...]:
    """Return the content of a version besides its stage and our description; equal ones are duplicates."""
    return version.source, version.run_id, text_of_others(version.description), {**version.tags, STAGE: ""}


def as_seen(run: "Run") -> MirrorRun:
    """Convert a run to the form that the audit reads."""
    return MirrorRun(metrics=dict(run.data.metrics), deleted=run.info.lifecycle_stage == "deleted")


@contextmanager
def noting(refusals: dict[str, str], what: str) -> Iterator[None]:
    """Continue if MLflow refuses this one item, and note the reason.

    Raises:
        Exception: MLflow refuses all requests, or does not answer.
    """
    try:
        yield
    except Exception as error:
        if status_of(error) in {None, _STRANGER}:
            raise
        refusals[what] = in_short(error)
