"""The `promotion` command. Each command calls the registry's method of its own name and shows what it returns."""

import gc as garbage  # `gc` is a command here
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

STOPPED = 130
"""The exit code of a command that Ctrl-C ended: 128 and the signal's number, as shells count."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code; a user's mistake is one sentence on standard error."""
    # A short-lived process that imports 300,000 objects gains nothing from collecting among them: less often while it
    # runs, and not at all when it ends, takes two seconds off a command that imports MLflow, Prefect and BentoML.
    code = STOPPED
    # A thread of GNU's OpenMP that waits for others keeps its core busy. Where another program needs that core, or the
    # container has fewer than it sees, scikit-learn's trees then take 10 to 60 times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        garbage.set_threshold(500_000, 50, 100)
        code = run(arguments)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command has ended
    except BaseException as error:  # Ctrl-C again, while this process prints what the first one left
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if not _is_interrupt(error):
            raise
    garbage.freeze()
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    0 done, 1 error, 2 usage, 3 rejected, 4 held, 5 found, 6 conflict, 130 stopped by Ctrl-C.
    """
    try:
        from promotion.cli.streams import final_code, notice, own_output, standard_streams
        from promotion.ledger.recorded import forget_recorded
        from promotion.registry.deferred import answering_first

        forget_recorded()
        with standard_streams() as out, own_output(), answering_first() as send:
            code = final_code(out, _run(sys.argv[1:] if arguments is None else arguments))
            send(notice)
            return code
    except BaseException as error:  # while those modules were imported, the mirror was sent or the streams were closed
        if _is_interrupt(error):
            return _stopped()
        raise


def _run(arguments: Sequence[str]) -> int:
    from promotion.cli.failure import fail
    from promotion.cli.progress import clear_progress
    from promotion.cli.streams import not_text
    from promotion.errors import Conflict, PromotionError

    try:
        if amiss := not_text(arguments):
            return fail(arguments, UnicodeError(), amiss, 2, {})
        from promotion.cli.app import app_for

        with _completing() as completed:
            code = app_for(completed or arguments)(args=arguments, standalone_mode=False)
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        clear_progress()
        if _is_interrupt(error):
            return _stopped()
        if not isinstance(error, PromotionError):
            return _other_error(arguments, error)
        message = error.args[0]  # in which the line breaks that are ours are marked
        code = fail(arguments, error, message, error.exit_code, vars(error))
        if not isinstance(error, Conflict):  # which changed nothing, and says so
            _tell_recorded("This")
        return code
    if code == STOPPED:  # as Typer takes Ctrl-C, without a word
        return _stopped()
    return code if isinstance(code, int) else 0


def _completing() -> AbstractContextManager[Sequence[str]]:
    """Return the words that bash completes, if it runs this process to complete them."""
    if os.environ.get("_PROMOTION_COMPLETE") != "complete_bash":
        return nullcontext(())
    from promotion.cli.completion import words_with_colons

    return words_with_colons()


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C caused an error.

    An interrupted import may raise another one: Python wraps what `__set_name__` raises, and enumerations use that.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _other_error(arguments: Sequence[str], error: BaseException) -> int:
    """Typer's complaints, what the system says of a file, and a package that is not installed.

    Anything else is our fault and keeps its traceback.
    """
    from promotion.cli.failure import answer_error, fail
    from promotion.cli.missing_package import missing_package
    from promotion.visible import visible

    if isinstance(error, OSError) and isinstance(error.filename, str):
        message = f"{error.filename} cannot be used ({error.strerror})."
        fail(arguments, error, message, 1, {"path": error.filename})
        _tell_recorded("This")
        return 1
    if isinstance(error, SystemExit) and _is_typers(error):
        return int(error.code or 0)
    if message := _ended(error) or missing_package(error):
        fail(arguments, error, message, 1, {})
        _tell_recorded("This")
        return 1

    typers: Any = error
    if hasattr(error, "show"):
        words = io.StringIO()
        typers.message = visible(str(getattr(error, "message", "")))  # it quotes arguments; the rest is Typer's
        typers.show(file=words)
        sys.stderr.write(words.getvalue())
        return answer_error(arguments, error, typers.format_message(), int(getattr(error, "exit_code", 2)), {})
    if type(error).__name__ == "Abort":
        return _stopped()
    raise error


def _is_typers(error: SystemExit) -> bool:
    """Whether Typer ended the command, as it does after completing words or installing the completion."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals.get("__name__", "").partition(".")[0] in {"typer", "click"}


def _ended(error: BaseException) -> str:
    """What to say if a recipe or a model ended the process, whose exit code would read as a verdict."""
    if not isinstance(error, SystemExit):
        return ""
    return (
        f"Code that this command ran called sys.exit({error.code!r}). Remove that from the recipe, or from the model."
    )


def _stopped() -> int:
    """Say what Ctrl-C, or an answer of no, has left."""
    if not _tell_recorded("Stopped. This"):
        sys.stderr.write("Stopped. Nothing more was changed.\n")
    return STOPPED


def _tell_recorded(beginning: str) -> bool:
    """Whether this command recorded anything before it ended early; if so, report it."""
    from promotion.cli.streams import notice
    from promotion.ledger.recorded import recorded_here

    recorded = recorded_here()
    if recorded:
        from promotion.report.record import sentence

        words = "; ".join(sentence(entry) for entry in recorded if entry.kind != "transition_applied")
        notice(f"{beginning} was recorded before that and stays in the ledger: {words}")
    return bool(recorded)
