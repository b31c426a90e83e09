"""The command `report`: a decision as a file that anyone can open."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promotion.cli.output import Json, notice, open_here, say
from promotion.errors import PromotionError

if TYPE_CHECKING:
    from promotion.registry.workflow import Registry
    from promotion.report.decision_report import Recorded


class Unwritten(PromotionError):
    """The report cannot be written where it was asked for, or there is none to write."""


def add_commands(app: typer.Typer) -> None:
    """Add it to the app."""
    app.command(epilog="Example: promotion report fraud_classifier:abc123 --open")(report)


def report(
    what: Annotated[
        str,
        typer.Argument(help="A version as MODEL:VERSION, or a decision by its first digits.", metavar="TAG|DECISION"),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write it; decision-ID.html in this folder when left out.", metavar="FILE"),
    ] = None,
    show_it: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    as_json: Json = False,
) -> None:
    """Write a decision as one HTML file.

    With its evidence as plots, its policy, and what followed from it. Of a version that was judged several times, the
    last decision. The file needs nothing from elsewhere.
    """
    from promotion.report.decision_report import decision_document, report_name
    from promotion.report.html import page_html

    found = _found(open_here(), what)
    digest = found.judgement.decision_digest
    path = (out or Path(report_name(digest))).absolute()
    _write(path, page_html(decision_document(found)))
    data = {"path": str(path), "decision_id": digest[:12], "digest": digest, "tag": found.judgement.tag}
    say(data, f"Wrote {path}, the report of decision {digest[:12]} on {found.judgement.tag}.", as_json=as_json)
    if show_it:
        _open(path)


def _found(registry: "Registry", what: str) -> "Recorded":
    """The decision that is meant.

    Raises:
        UnknownName: there is no such decision or version, or several.
        Unwritten: the version was not judged.
    """
    from promotion.cli.past import DECISION, one_decision
    from promotion.registry.state import fold
    from promotion.registry.transition import find
    from promotion.report.decision_report import found_in, recorded
    from promotion.vocabulary import Tag

    if DECISION.fullmatch(what):
        entry, judgement = one_decision(registry, what)
        model, beginning, tag = entry.model, judgement.decision_digest, judgement.tag
    else:
        model, beginning, tag = Tag.parse(what).model, "", what
    entries = registry.history(model)
    state = fold(model, entries)
    find(state, Tag.parse(tag))
    found = found_in(recorded(state, entries, beginning=beginning), tag)
    if found is None:
        message = f"{tag} was not judged yet, so there is no decision to report; `promotion gate {tag}` judges it."
        raise Unwritten(message)
    return found


def _write(path: Path, text: str) -> None:
    from promotion.adapters.files import replace_text

    try:
        replace_text(path, text)
    except OSError as error:
        message = f"The report cannot be written to {path} ({error.strerror or error}). Name another file with --out."
        raise Unwritten(message) from error


def _open(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.as_uri()):
        notice(f"No browser could be opened here; the report is {path}.")
