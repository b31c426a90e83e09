"""Standard output carries the answer only: what libraries and recipes print goes to standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

from promotion.secrets import without_password


class _Beside:
    """Standard output as libraries see it while a command works: standard error, without passwords."""

    def __init__(self, answers: TextIO) -> None:
        self.answers = answers

    def write(self, text: str) -> int:
        """Write to standard error."""
        sys.stderr.write(without_password(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


@contextmanager
def own_output() -> Iterator[None]:
    """Leave standard output as it was, whatever `keep_for_answers` made of it."""
    with redirect_stdout(sys.stdout):
        yield


def keep_for_answers() -> None:
    """From now on only what is written while `answering` reaches standard output."""
    if not isinstance(sys.stdout, _Beside):
        sys.stdout = _Beside(sys.stdout)


def for_answers() -> Any:
    """Standard output as answers have it."""
    return sys.stdout.answers if isinstance(sys.stdout, _Beside) else sys.stdout


@contextmanager
def answering() -> Iterator[None]:
    """Write the answer: it is out when this ends."""
    with redirect_stdout(for_answers()):
        yield
        sys.stdout.flush()
