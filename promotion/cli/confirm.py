"""Asking a person before a change is made."""

import sys

import typer

from promotion.cli.output import Misuse
from promotion.visible import visible


def askable(*, yes: bool) -> None:
    """See, before any work is done, that the question can be asked, or was answered beforehand.

    Raises:
        Misuse: there is no terminal to ask at, and no `--yes`.
    """
    if not yes and not sys.stdin.isatty():
        message = "This asks for confirmation and there is no terminal to ask at; add --yes."
        raise Misuse(message)


def confirmed(question: str, *, yes: bool) -> None:
    """Go on only where a person said yes, on the command line or at the terminal.

    Args:
        question: e.g. `Promote fraud_classifier:abc123?`
        yes: said so beforehand, with `--yes`.

    Raises:
        Misuse: there is no terminal to ask at.
        Abort: the answer was no.
    """
    askable(yes=yes)
    if not yes:
        typer.confirm(visible(question), default=False, abort=True, err=True)
