"""What every flow shares: the registry of the process, steps as Prefect tasks, and errors as sentences in the log."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from promotion.assembly import open_registry
from promotion.config import load_config
from promotion.errors import PromotionError
from promotion.registry.workflow import Registry
from registry_flows.rehearsal import rehearsal

P = ParamSpec("P")
R = TypeVar("R")
_opened: dict[str, Registry] = {}
_rehearsed: list[Registry] = []


def registry() -> Registry:
    """The registry on the present configuration; one for the process, so that rows are read once."""
    if _rehearsed:
        return _rehearsed[-1]
    config = load_config()
    key = f"{config.root} {config.model_dump_json()}"
    if key not in _opened:
        _opened.clear()
        _opened[key] = open_registry(config, actor=actor, notice=logging.getLogger("prefect.promotion").warning)
    return _opened[key]


@contextmanager
def rehearsing(model: str) -> Iterator[None]:
    """A dry run: until the end every flow of this process finds a registry of copies; see `rehearsal`."""
    with rehearsal(registry(), model, actor=actor) as copies:
        _rehearsed.append(copies)
        try:
            yield
        finally:
            _rehearsed.pop()


def actor() -> str:
    """The Prefect run that acts."""
    return f"prefect:{flow_run.name or 'no run'}"


def as_task(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """The `promotion.Step` of flows: the function as a Prefect task of its name."""
    named: Task[P, R] = task(name=function.__name__, cache_policy=NO_CACHE)(function)
    return named(*args, **kwargs)


class SentencesOnly(logging.Filter):
    """Lets a `PromotionError` into Prefect's log once, as its sentence; every other error keeps its traceback."""

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
