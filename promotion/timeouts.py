"""Waiting for a server no longer than a person would."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
MIRROR_SECONDS, ANSWER_SECONDS = 120.0, 30.0
"""How long a command waits for the mirror, all its questions together; and for the answer to each of them."""

_left = ContextVar[list[float] | None]("left", default=None)


@contextmanager
def patience(seconds: float | None = None) -> Iterator[None]:
    """Within it `in_time` waits so long for all calls together, and `ANSWER_SECONDS` for a sign of life.

    Args:
        seconds: by default `MIRROR_SECONDS`; infinite where much is asked that nobody waits for.
    """
    token = _left.set(_left.get() or [MIRROR_SECONDS if seconds is None else seconds])
    try:
        yield
    finally:
        _left.reset(token)


def in_time(work: Callable[[], T]) -> T:
    """Do it; where somebody waits with `patience`, in a thread of its own, which is left behind when it is too slow.

    What is left behind ends at its next `go_on`, or with the process.

    Raises:
        TimeoutError: the time is over.
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
    """See, before each step of such work, that somebody still waits for it.

    Raises:
        TimeoutError: nobody does.
    """
    worker = threading.current_thread()
    if isinstance(worker, _Worker):
        worker.went_on = monotonic()
        if worker.left_behind:
            raise TimeoutError


class _Worker(threading.Thread):
    """A thread that does one task in the context of whoever starts it."""

    task: Callable[[], None]
    left_behind = False

    def start(self) -> None:
        self.went_on = monotonic()
        self._context = copy_context()
        self._context.run(_left.set, None)
        super().start()

    def run(self) -> None:
        self._context.run(self.task)


def _awaited(result: "Future[T]", worker: _Worker, until: float) -> T:
    while True:
        silent = worker.went_on + ANSWER_SECONDS
        try:
            return result.result(timeout=max(0, min(until, silent) - monotonic()))
        except TimeoutError as error:
            if result.done():
                return result.result()
            if until <= monotonic():
                message = f"it did not take all of it within {MIRROR_SECONDS:g} seconds"
                raise TimeoutError(message) from error
            if worker.went_on + ANSWER_SECONDS <= monotonic():
                message = f"it did not answer within {ANSWER_SECONDS:g} seconds"
                raise TimeoutError(message) from error


def _settle(result: "Future[T]", work: Callable[[], T]) -> None:
    try:
        result.set_result(work())
    except BaseException as error:
        result.set_exception(error)
