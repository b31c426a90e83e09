"""Work that runs after the answer is printed, so that a verdict never waits for the mirror."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from promotion.timeouts import patience

Notice = Callable[[str], None]
"""Called with each warning message."""
Work = Callable[[Notice], object]

_works = ContextVar[list[Work] | None]("works", default=None)


@contextmanager
def answering_first() -> Iterator[Work]:
    """Defer what is to be sent to the mirror.

    Yields:
        A function that sends it, within a time limit; call it after printing the answer.
    """
    works, told = list[Work](), set[str]()

    def send(notice: Notice) -> None:
        def once(sentence: str) -> None:
            if sentence not in told:
                told.add(sentence)
                notice(sentence)

        with patience():
            while works:
                works.pop(0)(once)

    with _putting_off(works):
        yield send


@contextmanager
def at_once() -> Iterator[None]:
    """Defer nothing inside the block, because the mirror will be gone once the answer is printed."""
    with _putting_off(None):
        yield


def put_off(work: Work) -> bool:
    """Defer the work and return True inside `answering_first`; otherwise return False: the caller does the work now."""
    works = _works.get()
    if works is not None:
        works.append(work)
    return works is not None


@contextmanager
def _putting_off(works: list[Work] | None) -> Iterator[None]:
    token = _works.set(works)
    try:
        yield
    finally:
        _works.reset(token)
