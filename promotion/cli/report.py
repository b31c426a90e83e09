"""The command `report`: a decision as a file that anyone can open, or the registry as a folder of pages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promotion.cli.completion import tags_and_decisions
from promotion.cli.output import Json, Misuse, Quiet, models_of, notice, open_here, say, tag_of, tell_ledger
from promotion.cli.progress import show_progress
from promotion.errors import PromotionError

if TYPE_CHECKING:
    from promotion.ledger.chain import Entry
    from promotion.ledger.entries import Judgement
    from promotion.ledger.state import State
    from promotion.registry.registry import Registry
    from promotion.registry.status import Status
    from promotion.report.decision_report import Recorded


_INSTEAD = "Name another file with --out."


class Unjudged(PromotionError):
    """There is no decision to report."""


EXAMPLE = "promotion report fraud_classifier:abc123 --open"


def report(
    what: Annotated[
        str | None,
        typer.Argument(
            help="A version as MODEL:VERSION, or the first digits of a decision's ID.",
            metavar="TAG|DECISION",
            autocompletion=tags_and_decisions,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Output file. Defaults to decision-ID.html in the current folder.", metavar="FILE"),
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option(
            help="Write a static site of all models to this folder. Rewrites only what has changed.", metavar="DIR"
        ),
    ] = None,
    show_it: Annotated[bool, typer.Option("--open", help="Open the result in a browser.")] = False,
    _quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write the report of a decision as an HTML file.

    The report shows the evidence as plots, the policy, and what followed. For a version, it covers
    the last decision. The file is self-contained.

    With --site, writes the whole registry as a static site: each model's champions, metrics, entries and decision
    reports.
    """
    if (what is None) == (site is None) or (out and site):
        message = "Give a version or a decision (and optionally --out FILE), or --site DIR."
        raise Misuse(message)
    path = _write_site(site, as_json=as_json) if site else _write_decision(str(what), out, as_json=as_json)
    if show_it:
        _open(path)


def _write_decision(what: str, out: Path | None, *, as_json: bool) -> Path:
    from promotion.report.decision_report import decision_document
    from promotion.report.html import page_html
    from promotion.report.links import decision_page_name, links_of
    from promotion.report.output_files import refuse_others, write_own

    registry = open_here()
    found = _found(registry, what)
    digest = found.judgement.decision_digest
    path = out or Path(decision_page_name(digest))
    refuse_others(path, instead=_INSTEAD)  # before it is drawn
    show_progress("Drawing the report")
    write_own(path, page_html(decision_document(found, links=links_of(registry.config))).encode(), instead=_INSTEAD)
    data = {"path": str(path.absolute()), "decision_id": digest[:12], "digest": digest, "tag": found.judgement.tag}
    say(data, f"Wrote {path}, the report of decision {digest[:12]} on {found.judgement.tag}.", as_json=as_json)
    return path.absolute()


def _write_site(folder: Path, *, as_json: bool) -> Path:
    from promotion.registry.champion import missing_ledger
    from promotion.registry.ledger_writer import utc_now
    from promotion.registry.status import detailed, glance
    from promotion.report.site import write_site

    registry, now = open_here(), utc_now()
    models_of(registry, None)
    missing = [sentence for sentence in [missing_ledger(registry.parts)] if sentence]
    found: dict[str, Status] = {}  # that of the last model, as `promotion status` shows it

    def status(state: "State") -> "Status":
        if state.model not in found:
            found.clear()
            found[state.model] = detailed(registry.parts, glance(registry.parts, state, now))
        return found[state.model]

    done = write_site(
        registry,
        folder,
        now=now,
        health=lambda states: [*missing, *(sentence for state in states for sentence in status(state).attention)],
        way_back=lambda state: status(state).way_back,
    )
    for sentence in done.unread:
        notice(sentence)
    drawn = f"{len(done.drawn)} page{'' if len(done.drawn) == 1 else 's'}"
    data = {"index": str(done.index), "drawn": done.drawn, "kept": len(done.kept), "unread": done.unread}
    told = f"Wrote {drawn}; {len(done.kept)} were up to date. Open {done.index} in a browser."
    say(data, told, as_json=as_json)
    return done.index.absolute()


def _found(registry: "Registry", what: str) -> "Recorded":
    """The decision that is meant."""
    from promotion.cli.show import DECISION, one_decision
    from promotion.report.decision_report import recorded_in

    if DECISION.fullmatch(what):
        entry, judgement = one_decision(registry, what)
        tell_ledger(registry, entry.model)
    else:
        entry, judgement = _last_decision(registry, what)
    return recorded_in(registry.state(entry.model), registry.history(entry.model), entry, judgement)


def _last_decision(registry: "Registry", text: str) -> tuple["Entry", "Judgement"]:
    """The entry of the last decision on a version."""
    from promotion.ledger.entries import Judgement
    from promotion.registry.moves import find

    tag = tag_of(text)
    tell_ledger(registry, tag.model)
    version = find(registry.state(tag.model), tag)
    if version.decided_seq is None:
        message = f"{tag} has not been judged yet, so there is no decision to report. `promotion gate {tag}` judges it."
        raise Unjudged(message)
    entry = registry.history(tag.model)[version.decided_seq - 1]
    judgement = entry.content()
    assert isinstance(judgement, Judgement)  # noqa: S101 - the state names its entry
    return entry, judgement


def _open(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.as_uri()):
        notice(f"No browser could be opened here; the report is {path}.")
