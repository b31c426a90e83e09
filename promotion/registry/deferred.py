"""What is done only once the answer is out: a verdict never waits for the mirror."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from promotion.timeouts import patience

Notice = Callable[[str], None]
"""Is told in a sentence what went on beside the main thing."""
Work = Callable[[Notice], object]

_works = ContextVar[list[Work] | None]("works", default=None)


@contextmanager
def answering_first() -> Iterator[Work]:
    """Put off what is to be sent to the mirror.

    Yields:
        Sends it, in limited time; called after the answer.
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
    """Put nothing off: the mirror will be gone when the answer is out."""
    with _putting_off(None):
        yield


def put_off(work: Work) -> bool:
    """Whether somebody answers first and does it then; else it is the caller's to do now."""
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
