"""Progress on standard error: a line with the phase, at a terminal only, which disappears before anything is written.

Rich is imported when the first phase begins, so a command without phases does not import it.
"""

import sys
from typing import Any

from promotion.visible import visible

_shown: Any = None
_quiet = False


def be_quiet(quiet: bool) -> None:
    """Show no progress from now on, or show it again."""
    global _quiet  # noqa: PLW0603 - as there is one standard error
    _quiet = quiet
    if quiet:
        clear_progress()


def show_progress(phase: str, done: int = 0, total: int | None = None, /) -> None:
    """Show a phase: the `Progress` of every command."""
    global _shown  # noqa: PLW0603 - as there is one standard error
    if _quiet or not sys.stderr.isatty():
        return
    text = visible(f"{phase}: {100 * done // total} %" if total else phase)
    if _shown is None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        text_column = Column(no_wrap=True, overflow="ellipsis", ratio=1)  # only it shrinks at a narrow terminal
        described = TextColumn("{task.description}", markup=False, table_column=text_column)
        columns = (SpinnerColumn("line"), TimeElapsedColumn(), described)
        # Standard output is not Rich's to replace: what libraries write to it goes to standard error, above the line.
        _shown = Progress(
            *columns, console=Console(file=sys.stderr), transient=True, expand=True, redirect_stdout=False
        )
        _shown.add_task(text, total=None)
        _shown.start()
    _shown.update(_shown.task_ids[0], description=text, refresh=done == 0)


def clear_progress() -> None:
    """Remove the line, until the next phase begins."""
    global _shown  # noqa: PLW0603 - as there is one standard error
    if _shown is not None:
        _shown.stop()
        _shown = None
