"""Changes by hand at the command line: show what would be done, ask, do it; a dry run stops after showing."""

import sys
from typing import TYPE_CHECKING, Any

import typer

from promotion.cli.output import Misuse, dry, form_of, open_here, say, show
from promotion.cli.progress import clear_progress
from promotion.visible import visible

if TYPE_CHECKING:
    from promotion.registry.plan import Plan
    from promotion.registry.registry import Registry


def open_for(model: str, *, dry_run: bool) -> "Registry":
    """The registry, with nothing of the model left unfinished; a dry run finishes nothing."""
    registry = open_here()
    if not dry_run:
        registry.complete(model)
    return registry


def confirm_and_apply(
    registry: "Registry",
    plan: "Plan",
    tag: str,
    question: str,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Show a change, ask, and make it; gives the exit code."""
    from promotion.report.plan import done_sentence, plan_page

    if dry_run or not as_json:
        page = plan_page(plan, tag, registry.history(plan.state.model))
        show(_data(plan, dry_run=dry_run), *dry(dry_run=dry_run), page, form=form_of(as_json=as_json))
    if dry_run:
        return 0
    confirmed(question, yes=yes)
    transition = registry.apply(plan).transition
    done = done_sentence(transition) if transition else f"Recorded: {_approvals(registry, tag)}"
    say(_data(plan, dry_run=False), done, as_json=as_json)
    return 0


def _approvals(registry: "Registry", tag: str) -> str:
    """How far the approvals of a version have come."""
    from promotion.registry.consent import approvals_sentence
    from promotion.registry.ledger_writer import utc_now
    from promotion.vocabulary import Tag

    model = Tag.parse(tag).model
    return approvals_sentence(registry.state(model).versions[tag], registry.parts.panel(model), utc_now())


def _data(plan: "Plan", *, dry_run: bool) -> dict[str, Any]:
    """The moves, the decision where it was judged again, and the answer where it is one."""
    from promotion.canonical import plain
    from promotion.ledger.entries import Approval

    new = plan.decision
    moves = plain(plan.transition) if plan.transition else {}
    judged = {"judged": {"decision_id": new.id, **plain(new)}} if new else {}
    given = [body for body in plan.bodies if isinstance(body, Approval)]
    return {"dry_run": dry_run, **moves, **judged, **({"answer": plain(given[0])} if given else {})}


def askable(*, yes: bool) -> None:
    """See, before any work is done, that the question can be asked, or was answered beforehand."""
    if not yes and not sys.stdin.isatty():
        raise Misuse("The command must ask for confirmation, but there is no terminal. Add --yes.")


def confirmed(question: str, *, yes: bool) -> None:
    """Go on only where a person said yes, on the command line or at the terminal."""
    askable(yes=yes)
    if not yes:
        clear_progress()
        typer.confirm(visible(question), default=False, abort=True, err=True)
