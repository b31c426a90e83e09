"""Draw reports in several processes, because one process uses one core."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

Draw = Callable[[], str]
"""Draws a page; can be pickled."""

_FEW = 200
"""With fewer pages, starting the processes takes longer than drawing: each takes as long as about 70 pages."""


@contextmanager
def in_processes(draws: Sequence[Draw]) -> Iterator[Iterator[str]]:
    """Draw pages in as many processes as there are cores, and give them in order; a few are drawn in this process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(draws) < _FEW or cores == 1:
        yield map(_draw, draws)
        return
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which the new processes inherit
        try:
            drawn = pool.map(_draw, draws, chunksize=4)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, earlier)
        yield _or_here(drawn, draws)


def _or_here(drawn: Iterator[str], draws: Sequence[Draw]) -> Iterator[str]:
    """Give what other processes drew; if one of them was killed, draw the rest here."""
    done = 0
    try:
        for text in drawn:
            yield text
            done += 1
    except BrokenProcessPool:
        yield from map(_draw, draws[done:])


def _draw(draw: Draw) -> str:
    return draw()
