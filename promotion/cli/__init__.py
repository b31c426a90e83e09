"""The `promotion` command. Each command calls the registry's method of its own name and shows what it returns."""

import gc
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code; a user's mistake is one sentence on standard error."""
    # A short-lived process that imports 300,000 objects gains nothing from collecting among them: less often while it
    # runs, and not at all when it ends, takes two seconds off a command that imports MLflow, Prefect and BentoML.
    gc.set_threshold(100_000, 50, 100)
    code = run(arguments)
    gc.freeze()
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 error, 2 usage, 3 rejected, 4 held, 5 found, 6 conflict."""
    from promotion.cli.output import notice
    from promotion.cli.streams import own_output
    from promotion.registry.later import answering_first

    with own_output(), answering_first() as send:
        code = _answered(arguments)
        send(notice)
        return code


def _answered(arguments: Sequence[str] | None) -> int:
    from promotion.cli.app import app, with_plugins
    from promotion.errors import PromotionError

    try:
        code = with_plugins(app)(args=arguments, standalone_mode=False)
    except PromotionError as error:
        sys.stderr.write(f"Error: {error}\n")
        return error.exit_code
    except Exception as error:
        return _usage_error(error)
    return code if isinstance(code, int) else 0


def _usage_error(error: Exception) -> int:
    """Typer's own complaints, in its own words; anything else is a fault of ours and keeps its traceback."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        return int(getattr(error, "exit_code", 2))
    if type(error).__name__ == "Abort":
        sys.stderr.write("Stopped; nothing more was changed.\n")
        return 130
    raise error
