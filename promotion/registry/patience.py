"""Waiting for a server no longer than a person would."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
MIRROR_SECONDS = 30.0
"""How long a command waits for the mirror, all its questions together."""

_left = ContextVar[list[float] | None]("left", default=None)


@contextmanager
def patience() -> Iterator[None]:
    """Within it all calls of `in_time` together take no longer than `MIRROR_SECONDS`."""
    token = _left.set(_left.get() or [MIRROR_SECONDS])
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
        if left[0] > 0:
            worker.start()
        return result.result(timeout=max(0, left[0]))
    except TimeoutError as error:
        if result.done():
            raise
        message = f"it did not answer within {MIRROR_SECONDS:g} seconds"
        raise TimeoutError(message) from error
    finally:  # also after Ctrl-C
        worker.left_behind = True
        left[0] -= monotonic() - began


def go_on() -> None:
    """See, before each step of such work, that somebody still waits for it.

    Raises:
        TimeoutError: nobody does.
    """
    worker = threading.current_thread()
    if isinstance(worker, _Worker) and worker.left_behind:
        raise TimeoutError


class _Worker(threading.Thread):
    """A thread that does one task in the context of whoever starts it."""

    task: Callable[[], None]
    left_behind = False

    def start(self) -> None:
        self._context = copy_context()
        self._context.run(_left.set, None)
        super().start()

    def run(self) -> None:
        self._context.run(self.task)


def _settle(result: "Future[T]", work: Callable[[], T]) -> None:
    try:
        result.set_result(work())
    except BaseException as error:
        result.set_exception(error)
