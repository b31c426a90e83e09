"""Time limits for servers that are slow to answer."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
MIRROR_SECONDS, ANSWER_SECONDS = 120.0, 30.0
"""Time limits for all requests of a command to MLflow together, and for a single response."""

_left = ContextVar[list[float] | None]("left", default=None)


@contextmanager
def patience(seconds: float | None = None) -> Iterator[None]:
    """Limit the total time of all `in_time` calls in this context, and the wait for each answer to `ANSWER_SECONDS`.

    Args:
        seconds: by default `MIRROR_SECONDS`; infinite for long jobs that nobody waits for.
    """
    token = _left.set(_left.get() or [MIRROR_SECONDS if seconds is None else seconds])
    try:
        yield
    finally:
        _left.reset(token)


def in_time(work: Callable[[], T]) -> T:
    """Do the work; within `patience`, in a thread of its own, which is abandoned if it is too slow.

    An abandoned thread ends at its next `go_on`, or with the process.

    Raises:
        TimeoutError: the time limit is exceeded.
    """
    left = _left.get()
    if left is None:
        return work()
    result, worker, began = Future[T](), _Worker(daemon=True), monotonic()
    worker.task = lambda: _settle(result, work)
    try:
        worker.start()
        return _awaited(result, worker, began + left[0])
    finally:  # also after Ctrl-C
        worker.left_behind = True
        left[0] -= monotonic() - began


def go_on() -> None:
    """Check, before each step of such work, that it was not abandoned.

    Raises:
        TimeoutError: it was.
    """
    worker = threading.current_thread()
    if isinstance(worker, _Worker):
        worker.went_on = monotonic()
        if worker.left_behind:
            raise TimeoutError


class _Worker(threading.Thread):
    """A thread that does one task in the context of the code that starts it."""

    task: Callable[[], None]
    left_behind = False

    def start(self) -> None:
        self.went_on = monotonic()
        self.around = copy_context()  # Python 3.14 has a `_context` of its own
        self.around.run(_left.set, None)
        super().start()

    def run(self) -> None:
        self.around.run(self.task)


def _awaited(result: "Future[T]", worker: _Worker, until: float) -> T:
    while True:
        silent = worker.went_on + ANSWER_SECONDS
        try:
            return result.result(timeout=max(0, min(until, silent) - monotonic()))
        except TimeoutError as error:
            if result.done():
                return result.result()
            if until <= monotonic():
                raise TimeoutError(f"it did not accept all updates within {MIRROR_SECONDS:g} seconds") from error
            if worker.went_on + ANSWER_SECONDS <= monotonic():
                raise TimeoutError(f"it did not answer within {ANSWER_SECONDS:g} seconds") from error


def _settle(result: "Future[T]", work: Callable[[], T]) -> None:
    try:
        result.set_result(work())
    except BaseException as error:
        result.set_exception(error)
