"""`promotion status`: who serves, who waits, what needs attention."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from promotion.cli.output import AnyModel, Json, form_of, models_of, open_here, show

OnlyProblems = Annotated[
    bool, typer.Option("--problems", help="Show only models with a problem or a version waiting for approval.")
]
EXAMPLE = "promotion status fraud_classifier"


def status(model: AnyModel = None, problems: OnlyProblems = False, as_json: Json = False) -> None:
    """Show which version serves, since when and why, what needs attention, and how to roll back.

    For several models, shows one line per model, the problems and the totals.
    """
    from promotion.registry.champion import missing_ledger
    from promotion.registry.ledger_writer import utc_now
    from promotion.registry.status import Status, detailed, glance
    from promotion.report.state import state_data
    from promotion.report.status import model_pages, overview_pages

    registry, now = open_here(), utc_now()
    names = models_of(registry, model)
    among, states = list[Status](), list[dict[str, Any]]()
    for name in names:
        one = glance(registry.parts, registry.state(name), now)
        if as_json and (one.attention or not problems):
            states.append(state_data(one.state))
        if len(names) > 1:  # a thousand states are gigabytes
            one = replace(one, state=one.state.outline)
            registry.parts.writer.forget(name)
        among.append(one)
    missing = "" if any(one.foreign for one in among) else missing_ledger(registry.parts)
    shown = [one for one in among if one.attention or not problems]
    if len(among) == 1 and shown and not as_json:
        pages = model_pages(detailed(registry.parts, shown[0]), now)
    else:
        pages = overview_pages(among, shown, now, missing=missing)
    notes = [*filter(None, (missing,)), *(problem.sentence for one in shown for problem in one.problems)]
    data = {"models": states, "notes": notes}
    show(data, *pages, form=form_of(as_json=as_json))
