"""Standard output and standard error of a command. Only this module writes to them.

Standard streams may be closed, full, a pipe that nobody reads, or in an encoding that lacks some of our characters. A
command completes nevertheless: after the first failed write it drops the rest, and reports that on standard error.
"""

import codecs
import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO, cast

from promotion.cli.progress import be_quiet, clear_progress
from promotion.secrets import without_password
from promotion.visible import visible, visible_message

_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Half a character, which no byte of an argument becomes, but a caller of `main` may give."""


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
    """Restore standard output at the end, even if `keep_for_answers` replaced it."""
    with redirect_stdout(sys.stdout):
        yield


def keep_for_answers() -> None:
    """From now on, let only text written inside `answering` reach standard output."""
    if not isinstance(sys.stdout, _Beside):
        sys.stdout = _Beside(sys.stdout)


def for_answers() -> Any:
    """Standard output as answers have it."""
    return sys.stdout.answers if isinstance(sys.stdout, _Beside) else sys.stdout


@contextmanager
def answering() -> Iterator[None]:
    """Write the answer inside the block; standard output is flushed at its end."""
    clear_progress()
    with redirect_stdout(for_answers()):
        yield
        sys.stdout.flush()


_HANDLER = "promotion.plain_signs"
_PLAIN = {"…": "...", "→": "->", "─": "-", "−": "-", "–": "-", "\u00a0": " "}  # noqa: RUF001 - signs that we write


class Outlet:
    """Standard output or standard error, written to without an exception.

    Attributes:
        failed: why the last words were lost; None as long as all were taken.
        reported: whether what was lost has been said elsewhere.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.failed = None if stream else OSError(errno.EBADF, "it is closed")
        self.reported = False
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_HANDLER)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:
        """Encoding of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self.failed is None and self._stream is not None and self._stream.isatty()

    def write(self, text: str) -> int:
        """Write the text, or drop it after a failure; gives its length."""
        if self.failed is None:
            self._try(lambda: cast("TextIO", self._stream).write(text))
        return len(text)

    def write_bytes(self, content: bytes) -> None:
        """Write bytes past the encoding; as text to a stream that takes only that."""
        buffer = getattr(self._stream, "buffer", None)
        if buffer is None:
            self.write(content.decode())
        elif self.failed is None:
            self.flush()
            self._try(lambda: buffer.write(content))

    def flush(self) -> None:
        """Flush the stream."""
        if self.failed is None:
            self._try(cast("TextIO", self._stream).flush)

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except (OSError, ValueError) as error:  # ValueError: it was closed meanwhile
            self.failed = error if isinstance(error, OSError) else OSError(errno.EBADF, "it is closed")
            self._drain()

    def _drain(self) -> None:
        """Discard the buffer, which would fail again when the interpreter ends."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, cast("TextIO", self._stream).fileno())
            os.close(nowhere)
            cast("TextIO", self._stream).flush()


@contextmanager
def standard_streams() -> Iterator[Outlet]:
    """Make writes to the standard streams safe inside the block; yield standard output."""
    before = sys.stdin, sys.stdout, sys.stderr
    _open_closed()
    with _to_itself(sys.stdout) as stream:
        out, err = Outlet(stream), Outlet(sys.stderr)
        sys.stdout, sys.stderr = cast("TextIO", out), cast("TextIO", err)
        try:
            yield out
        finally:
            clear_progress()
            be_quiet(False)
            out.flush()
            err.flush()
            sys.stdin, sys.stdout, sys.stderr = before


@contextmanager
def _to_itself(stream: TextIO | None) -> Iterator[TextIO | None]:
    """Send what C libraries and child processes print to standard error; yield the real standard output."""
    if stream is None or not _is_standard_output(stream):
        yield stream
        return
    stream.flush()
    buffering = 1 if stream.isatty() else -1
    with open(os.dup(1), "w", buffering, encoding=stream.encoding) as ours:  # noqa: PTH123 - no path
        os.dup2(2, 1)
        try:
            yield ours
        finally:
            os.dup2(ours.fileno(), 1)


def _is_standard_output(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 1
    except (OSError, ValueError):  # a stream of a test or a notebook, or one that is closed
        return False


def final_code(out: Outlet, code: int) -> int:
    """Return the exit code of a command that would exit with `code`; complain if its answer was lost.

    A closed pipe, as after `head`, is no error. If an answer was lost, `code` 0 becomes 1.
    """
    out.flush()
    if out.failed is None or out.reported or out.failed.errno == errno.EPIPE:
        return code
    complain(f"{_lost(out.failed)}, so the output was lost. Run the command again with more space.")
    return code or 1


def tell_if_lost(sentences: Sequence[str]) -> None:
    """If standard output failed, say on standard error what the command did; its exit code stays."""
    out = for_answers()
    if not isinstance(out, Outlet):
        return
    out.flush()
    if out.failed is not None and not out.reported:
        out.reported = True
        notice(f"{_lost(out.failed)}; the command itself finished. {' '.join(filter(None, sentences))}")


def is_unicode() -> bool:
    """Return whether standard output can encode every character."""
    return str(for_answers().encoding).lower().replace("-", "").startswith("utf")


def write_data(lines: Iterable[str]) -> None:
    """Write lines of a file format to standard output: in UTF-8 and unchanged, whatever a console's encoding is."""
    out = for_answers()
    for line in lines:
        if isinstance(out, Outlet):
            out.write_bytes(line.encode())
        else:
            out.write(line)


def complain(sentence: str) -> None:
    """Write an error to standard error."""
    clear_progress()
    sys.stderr.write(f"Error: {visible_message(sentence)}\n")


def notice(sentence: str) -> None:
    """Write a note to standard error."""
    clear_progress()
    sys.stderr.write(f"Note: {visible_message(sentence)}\n")


def not_text(arguments: Sequence[str]) -> str:
    """Return what is wrong with the first argument that is neither UTF-8 nor a file name; empty if all are fine."""
    for argument in arguments:
        _, _, value = argument.rpartition("=") if argument.startswith("--") else ("", "", argument)
        if not _is_text(argument) and not os.path.lexists(value):
            bytes_only = _NO_BYTE.sub(lambda found: ascii(found[0])[1:-1], argument)
            seen = visible(os.fsencode(bytes_only).decode("utf-8", "backslashreplace"))
            return f"The argument '{seen}' is not UTF-8: expected text in UTF-8. Set the terminal or script to UTF-8."
    return ""


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _lost(error: OSError) -> str:
    return f"Standard output could not be written ({error.strerror or error})"


def _open_closed() -> None:
    """Open /dev/null in place of closed descriptors; otherwise the next file, such as the ledger, gets their number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free, which is this one
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - open as long as the process


def _plain_signs(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks: `…` with `...`, others with escapes as in `visible`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    plain = "".join(_PLAIN.get(one) or one.encode("unicode_escape").decode("ascii") for one in lacking)
    return plain, error.end


codecs.register_error(_HANDLER, _plain_signs)
