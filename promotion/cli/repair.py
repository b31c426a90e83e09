"""`promotion repair`: mend what differs from the ledger."""

from typing import TYPE_CHECKING, Any

from promotion.cli.confirmation import confirmed
from promotion.cli.output import AnyModel, DryRun, Json, Quiet, Yes, dry, form_of, open_here, ours, say, show

if TYPE_CHECKING:
    from promotion.registry.plan import Plan


EXAMPLE = "promotion repair fraud_classifier --dry-run"


def repair(
    model: AnyModel = None, yes: Yes = False, dry_run: DryRun = False, _quiet: Quiet = False, as_json: Json = False
) -> int:
    """Fix whatever differs from the ledger.

    Completes interrupted changes, then shows what else it would fix and asks. Exit code 1 if a
    champion's files are missing from the store.

    Rewrites labels and aliases that disagree with the ledger, moves damaged versions and foreign files out of the
    model store, and deletes what interrupted commands left behind.
    """
    from promotion.registry.repair import plan_repair
    from promotion.report.repair import repair_page

    registry = open_here()
    names = ours(registry, model)
    if not dry_run:
        for name in names:
            registry.complete(name)
    plans = [plan_repair(registry.parts, name) for name in names]
    work = any(map(_does_something, plans))
    if dry_run or not (as_json and work):
        page = repair_page(plans, registry.store.name)
        show(_data(plans, dry_run=dry_run), *dry(dry_run=dry_run), page, form=form_of(as_json=as_json))
    if dry_run:
        return 0
    if work:
        confirmed("Make these changes?", yes=yes)
    for plan in plans:
        registry.apply(plan)
    lost = any(plan.lost for plan in plans)
    if work:
        sentence = "Repaired everything except a champion whose files are missing." if lost else "Repaired."
        say(_data(plans, dry_run=False), sentence, as_json=as_json)
    for plan in plans:
        registry.sync(plan.state.model, everything=True, given_up=plan.foreign)
    return int(lost)


def _does_something(plan: "Plan") -> bool:
    return bool(plan.bodies or plan.foreign_files or plan.leftovers or plan.foreign or plan.claims)


def _data(plans: "list[Plan]", *, dry_run: bool) -> dict[str, Any]:
    from promotion.canonical import plain

    found = {
        one.state.model: {
            "completes": one.state.pending[0] if one.state.pending else None,
            "moves": [plain(move) for move in one.transition.moves] if one.transition else [],
            "aliases": dict(one.foreign),
            "claims": one.claims,
        }
        for one in plans
    }
    first = plans[0] if plans else None
    return {
        "dry_run": dry_run,
        "models": found,
        "strays": [{"path": str(one), "why": one.why, "model": one.model} for one in first.foreign_files]
        if first
        else [],
        "leftovers": [str(leftover) for leftover in first.leftovers] if first else [],
    }
