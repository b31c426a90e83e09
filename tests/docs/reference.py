"""Write the generated parts of the reference: `python tests/docs/reference.py`, or `make reference`.

The page of commands is the output of `--help`; the tables of the configuration come from its classes (`keys.py`).
"""

from pathlib import Path

import keys
import schemas
from typer.main import get_command

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"
WIDTH = 100
HEAD = """# Commands

The `--help` text of each command. `make reference` writes this page from the code, and a test checks that it is up to date.

Exit codes: 0 done, 1 error, 2 wrong usage, 3 rejected, 4 held or waiting for approval, 5 the audit found something or
somebody else moved an alias in MLflow, 6 somebody else changed the model's ledger first, 130 stopped by Ctrl-C or by answering
no. Every command takes `--json`; [JSON output](json.md) has the schemas. Commands that ask for confirmation take `--yes`.

`promotion --install-completion` sets up the shell in which you run it (bash, zsh, fish or PowerShell) to complete commands
and options; then open a new terminal. It also completes models that are configured or recorded, for `MODEL`; the versions of
a model in the ledger and in the store, for `TAG`; and the IDs of decisions, for `DECISION`, after the first digit. If several
models begin with the same letters, it completes their names first. In zsh, the first Tab of a session only loads the
completion: press it again. We test completion in bash, zsh and fish, and have not tried PowerShell.

At a terminal, a command that takes longer shows what it does, such as `Scoring`, on standard error, and removes the line
before it writes its answer. `--quiet` shows nothing; neither does a command whose standard error is not a terminal. In
Python, `promotion.open(progress=…)` takes a function for the same phases.

If a command with `--json` fails, it writes its error to standard output as one JSON object, and the same sentence to
standard error. Exit codes are the same with and without `--json`:

```console
$ promotion history frodd --json
{{
  "error": {{
    "kind": "UnknownName",
    "message": "There is no model 'frodd'. Did you mean 'fraud'?",
    "exit_code": 1,
    "what": "model",
    "name": "frodd",
    "known": ["fraud"],
    "way_out": "Did you mean 'fraud'?"
  }}
}}
```

`kind` is the class of the error. After `exit_code` come the attributes of [that class](api.md#errors), such as `tag`,
`path`, `key`, `model` or `seq`; the attribute `kind` of `UnknownName` is called `what`. If the arguments are wrong, `kind`
is `Misuse` or one of Typer's classes, such as `MissingParameter`, and there are no more fields. A command that Ctrl-C or an
answer of no stopped writes no error.

If standard output cannot be written to (closed pipe, full disk), a command that changes something still completes: its exit code is that of the
change, and standard error says what was done. A command that only reads exits with 1. Characters that the console's
encoding lacks are written in ASCII (`->`, `...`) or as escapes (`\\xe9`); JSON stays exact. Control codes, line breaks
and bidirectional marks in reasons, names and values that other people wrote are always shown as text (`\\x1b`,
`\\u202e`).

`--dry-run` shows what a command would do, without changing anything. These commands take it: {dry}.

| command | what it does |
|---|---|
"""


def written():
    """The page as it should be."""
    from promotion.cli.app import app_for

    whole = get_command(app_for())
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


WRITTEN = {PAGE: written, keys.PAGE: keys.written, schemas.PAGE: schemas.written}

if __name__ == "__main__":
    for page, whole in WRITTEN.items():
        page.parent.mkdir(exist_ok=True)
        page.write_text(whole(), "utf-8")
