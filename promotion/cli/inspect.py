"""Commands that look at what is so: status, audit."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli.health import approvals_of, attention_of
from promotion.cli.output import FOUND, AnyModel, Json, Misuse, form_of, models_of, notice, open_here, show
from promotion.cli.timestamps import AT_HELP, moment_of

if TYPE_CHECKING:
    from promotion.ledger.state import State
    from promotion.registry.spending import Spent


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
    app.command(epilog="Example: promotion status")(status)
    app.command(epilog="Example: promotion audit fraud_classifier --json")(audit)


def status(model: AnyModel = None, as_json: Json = False) -> None:
    """Who serves, who waits, what needs attention.

    And how much the holdout of each model is used.
    """
    from promotion.report.record import status_page

    registry = open_here()
    states = [registry.state(name) for name in models_of(registry, model)]
    attention = attention_of(registry, states)
    data = {"models": [_summary(state) for state in states], "notes": attention}
    show(data, status_page(states, approvals_of(registry, states), attention), form=form_of(as_json=as_json))


def audit(
    model: AnyModel = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Make past decisions again, from their models and their rows.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"Look at decisions and moves from then on only. {AT_HELP}")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Hash every file of every version, also those that look unchanged.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Compare the ledger with labels, files and MLflow. Exit code 5 when something differs."""
    from promotion.assembly import announce_findings
    from promotion.canonical import plain
    from promotion.report.record import findings_pages

    moment = moment_of(since) if since else None
    registry = open_here()
    names = models_of(registry, model)
    if not names:
        message = (
            f"There is nothing to audit: no model is configured or recorded in {registry.config.root}. "
            "Run it where promotion.toml lies, or name a model."
        )
        raise Misuse(message)
    found = {name: registry.audit(name, recompute=recompute, since=moment, full=full) for name in names}
    data = {name: [plain(finding) for finding in findings] for name, findings in found.items()}
    pages = (page for name, findings in found.items() for page in findings_pages(name, findings))
    show(data, *pages, form=form_of(as_json=as_json))
    for name, findings in found.items():
        if findings:
            announce_findings(name, findings, notice=notice)
    return FOUND if any(found.values()) else 0


def _summary(state: "State") -> dict[str, Any]:
    from promotion.canonical import plain
    from promotion.registry.rolled_back import rolled_back
    from promotion.registry.spending import last_spent
    from promotion.report.record import awaiting_approval

    spent = last_spent(state)
    return {
        "model": state.model,
        "champion": plain(state.champion) if state.champion else None,
        "previous": state.previous,
        "waiting": [known.tag for known in state.waiting],
        "awaiting_approval": list(awaiting_approval(state)),
        "seq": state.seq,
        "rolled_back": [{"tag": known.tag, **plain(known.rolled_back)} for known in rolled_back(state)],
        "holdout": _holdout(spent) if spent else None,
    }


def _holdout(spent: "Spent") -> dict[str, Any]:
    """How much the rows that judged last are used, and the levels of the next decision on them and on fresh rows."""
    budget, data = spent.budget, {"data": spent.holdout.data, "digest": spent.holdout.digest}
    return {**data, "use": budget.use, "level": budget.level, "next_level": budget.next, "fresh_level": budget.fresh}
