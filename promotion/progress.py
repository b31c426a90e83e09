"""Progress of long work: which phase begins, and how much of it is done."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """A function that is called when a phase of long work begins, and as it goes on.

    It gets the phase in a few words, e.g. `Reading data/rows.csv`; and, if the phase has parts, how many of them are
    done and how many there are: `progress("Hashing the files of toy", 3, 40)`.
    """

    def __call__(self, phase: str, done: int = 0, total: int | None = None, /) -> None:
        """Take note of a phase."""


def silent(phase: str, done: int = 0, total: int | None = None, /) -> None:
    """Show nothing: the default `Progress`."""


def counted(progress: Progress, phase: str, items: Iterable[T], total: int, *, before: int = 0) -> Iterator[T]:
    """Yield the items, and report before each how many of the total are done, with those `before` the first."""
    for done, item in enumerate(items, start=before):
        progress(phase, done, total)
        yield item


def in_phases(step: Callable[..., T], progress: Progress, phases: Mapping[Any, str]) -> Callable[..., T]:
    """Return the step; it reports the phase of a function before it runs the function."""

    def run(function: Callable[..., T], /, *args: object, **kwargs: object) -> T:
        if function in phases:
            progress(phases[function])
        return step(function, *args, **kwargs)

    return run
