"""Write the generated parts of the reference: `python tests/docs/reference.py`, or `make reference`.

The page of commands is the output of `--help`; the tables of the configuration come from its classes (`keys.py`).
"""

from pathlib import Path

import keys
from typer.main import get_command

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"
WIDTH = 100
HEAD = """# Commands

What each command says of itself with `--help`. This page is written by `make reference`; a test sees that it is not stale.

Exit codes: 0 done, 1 error, 2 wrong usage, 3 rejected, 4 held or waiting for a person, 5 the audit found something or an
alias in MLflow is not the ledger's, 6 somebody else moved the champion first, 130 stopped by Ctrl-C or by answering no. Each command takes `--json`, and `--yes` where it would ask.

Where standard output is full or closed, a command that changes something goes on: its exit code is that of the change, and
standard error says what was done. A command that only looks exits 1. Signs that a console's encoding lacks are written in
ASCII (`->`, `...`), other letters as escapes (`\\xe9`); JSON stays exact. Control codes, line breaks and marks of writing direction in
reasons, names and values of others are shown as text (`\\x1b`, `\\u202e`) wherever they are shown.

`--dry-run` shows what a command would do, and changes nothing. These take it: {dry}.

| command | what it does |
|---|---|
"""


def written():
    """The page as it should be."""
    from promotion.cli.app import app, with_plugins

    whole = get_command(with_plugins(app))
    dry = ", ".join(f"`{name}`" for name in _taking("--dry-run", whole))
    return HEAD.format(dry=dry) + "".join(_lines(whole, "promotion")) + "".join(_sections(whole, "promotion"))


def _lines(command, name):
    """A line of the table for each command that does something."""
    commands = getattr(command, "commands", {})
    if not commands:
        yield f"| [`{name}`](#{name.replace(' ', '-')}) | {command.get_short_help_str(limit=2 * WIDTH)} |\n"
    for word, below in commands.items():
        yield from _lines(below, f"{name} {word}")


def _taking(option, command, name=""):
    """The commands that take an option."""
    if any(option in one.opts for one in command.params):
        yield name
    for word, below in getattr(command, "commands", {}).items():
        yield from _taking(option, below, f"{name} {word}".strip())


def _sections(command, name):
    """A section for each command that does something, in the order of `--help`."""
    commands = getattr(command, "commands", {})
    if not commands:
        yield f"\n## {name}\n\n```help\n{_help(command, name)}\n```\n"
    for word, below in commands.items():
        yield from _sections(below, f"{name} {word}")


def _help(command, name):
    context = command.make_context(name, [], resilient_parsing=True, max_content_width=WIDTH, terminal_width=WIDTH)
    return command.get_help(context).strip()


WRITTEN = {PAGE: written, keys.PAGE: keys.written}

if __name__ == "__main__":
    for page, whole in WRITTEN.items():
        page.write_text(whole(), "utf-8")
