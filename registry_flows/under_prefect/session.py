"""Shared by every flow: the registry of the thread, steps as Prefect tasks, and errors as sentences in the log."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE, CacheKeyFnPolicy
from prefect.runtime import flow_run
from sqlalchemy.exc import OperationalError

from promotion.adapters.mlflow import status_of
from promotion.assembly import open_registry
from promotion.config import load_config
from promotion.errors import Conflict, MirrorError, PromotionError
from promotion.interfaces import is_repeatable
from promotion.progress import Progress, silent
from promotion.registry.deferred import at_once
from promotion.registry.registry import Registry
from registry_flows.under_prefect.caching import inputs_key, kept_rows, results_folder

P = ParamSpec("P")
R = TypeVar("R")
_copies: list[Registry] = []
_progress: Progress = silent
_notice = logging.getLogger("prefect.promotion").warning
_LASTING = (PermissionError, FileExistsError, IsADirectoryError, NotADirectoryError)


class _Opened(threading.local):
    """The registry of a thread: models are trained in parallel, and a registry is not thread-safe."""

    key = ""
    registry: Registry | None = None


_opened = _Opened()


def report_to(progress: Progress) -> None:
    """Let registries that the main thread opens from now on report their progress."""
    global _progress  # noqa: PLW0603 - as there is one terminal
    _progress = progress


def registry() -> Registry:
    """Return the registry on the present configuration, one per thread, so that rows are read once."""
    if _copies:
        return _copies[-1]
    config = load_config()
    key = f"{config.root} {config.model_dump_json()}"
    if _opened.registry is None or _opened.key != key:
        alone = threading.current_thread() is threading.main_thread()  # others work side by side
        progress = _progress if alone else silent
        opened = open_registry(
            config, actor=actor, notice=_notice, progress=progress, recall=kept_rows(config, _notice)
        )
        _opened.registry, _opened.key = opened, key
    return _opened.registry


@contextmanager
def dry_run(model: str, start_anew: str | None = None) -> Iterator[None]:
    """Make every flow of this process use a registry of copies inside the block; see `copied_registry`."""
    from registry_flows.under_prefect.dry_run import copied_registry

    with at_once(), copied_registry(registry(), model, actor=actor, start_anew=start_anew) as copies:
        _copies.append(copies)
        try:
            yield
        finally:
            _copies.pop()


def actor() -> str:
    """Return the actor: the present Prefect run."""
    return f"prefect:{flow_run.name or 'no run'}"


def as_task(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run the function as a Prefect task of its name, as the `promotion.Step` of flows; caches repeatable functions."""
    named: Task[P, R] = task(name=function.__name__, task_run_name=run_name(function.__name__), cache_policy=NO_CACHE)(
        function
    )
    if is_repeatable(function):
        named = named.with_options(
            cache_policy=CacheKeyFnPolicy(cache_key_fn=_inputs_key),
            persist_result=True,
            result_storage=results_folder(registry().config),
        )
    return named(*args, **kwargs)


def run_name(step: str) -> Callable[[], str]:
    """Return a function that names a task run by step and flow run, e.g. `train_ohe-fraud_classifier 1.0.1`."""

    def named() -> str:
        return f"{step}-{str(flow_run.name or '').partition(' ')[2]}"

    return named


def may_pass(_task: Any, _run: Any, state: Any) -> bool:
    """Whether an error may pass on a retry, such as a disk or network error; a user's mistake does not.

    A server that refuses a request (credentials, permissions, size) will refuse it again.

    Prefect calls this before a retry.
    """
    try:
        state.result()
    except Conflict:
        return True
    except PromotionError as error:
        causes = tuple(_causes(error))
        refused = isinstance(error, MirrorError) and status_of(error) is not None
        lasting = refused or any(isinstance(cause, _LASTING) for cause in causes)
        return not lasting and any(isinstance(cause, OSError | OperationalError) for cause in causes)
    except Exception:
        return True
    return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the chain of causes of an error."""
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _inputs_key(context: Any, arguments: dict[str, Any]) -> str | None:
    return inputs_key(context.task.fn, arguments)


class SentencesOnly(logging.Filter):
    """Logs a `PromotionError` once, as its sentence; every other error keeps its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self._said: BaseException | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record of a user's mistake; drop its repetitions by task, flow and parent flow."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, PromotionError):
            return not (self._said and str(self._said) in record.getMessage())
        if error is self._said:
            return False
        self._said = error
        record.msg, record.args, record.exc_info, record.exc_text = str(error), (), None, None
        return True


_sentences = SentencesOnly()
for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_sentences)
