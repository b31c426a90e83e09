"""Commands that set up and mend: init, repair, sync."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli.confirm import confirmed
from promotion.cli.output import (
    FOUND,
    AnyModel,
    DryRun,
    Json,
    Yes,
    dry,
    form_of,
    models_of,
    notice,
    open_here,
    say,
    show,
)

if TYPE_CHECKING:
    from promotion.registry.proposals import Proposal
    from promotion.registry.workflow import Registry
    from promotion.seams import Names


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
    app.command(epilog="Example: promotion init")(init)
    app.command(epilog="Example: promotion repair fraud_classifier --dry-run")(repair)
    app.command(epilog="Example: promotion sync")(sync)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write promotion.toml.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a commented promotion.toml.

    Its active example is the fraud classifier.
    """
    from importlib.resources import files

    from promotion.config import FILE_NAME
    from promotion.errors import ConfigError

    path = folder / FILE_NAME
    text = files("promotion.cli").joinpath("promotion.toml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        message = f"{path} is there already and was left as it is. Remove it first to begin anew."
        raise ConfigError(message) from None
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror})."
        raise ConfigError(message) from error
    words = f"Wrote {path}. With the data in place, `promotion retrain fraud_classifier` trains and judges a candidate."
    say({"written": str(path)}, words, as_json=as_json)


def repair(model: AnyModel = None, yes: Yes = False, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Mend what differs from the ledger.

    Complete what was interrupted; then show what else is to mend, ask, and do it. Exit code 1 where a champion's files
    are not in the store.

    Labels and aliases that disagree with the ledger are written again, what is torn or foreign is moved out of the
    Bento store, and what killed commands left behind is deleted.
    """
    from promotion.report.repair import repair_page

    registry = open_here()
    names = _ours(registry, model)
    if not dry_run:
        for name in names:
            registry.complete(name)
    proposals = [registry.propose_repair(name) for name in names]
    work = any(map(_does_something, proposals))
    if dry_run or not (as_json and work):
        page = repair_page(proposals, registry.store.name)
        show(_repair_data(proposals, dry_run=dry_run), *dry(dry_run=dry_run), page, form=form_of(as_json=as_json))
    if dry_run:
        return 0
    if work:
        confirmed("Do this?", yes=yes)
    for proposal in proposals:
        registry.carry_out(proposal)
    lost = any(proposal.lost for proposal in proposals)
    if work:
        told = "Repaired what can be, without a champion's files." if lost else "Repaired."
        say(_repair_data(proposals, dry_run=False), told, as_json=as_json)
    for proposal in proposals:
        registry.sync(proposal.state.model, everything=True, given_up=proposal.foreign)
    return int(lost)


def sync(model: AnyModel = None, as_json: Json = False) -> int:
    """Bring MLflow up to date with the ledger.

    Exit code 5 when it is, but for aliases that are not this ledger's: `repair` writes those. 1 when it is not.
    """
    from promotion.registry.serving import champion_trouble, label_trouble

    registry = open_here()
    names = _ours(registry, model)
    for name in names:
        registry.complete(name)
    sent = {name: registry.sync(name, look=True) for name in names}
    foreign = {name: registry.ledger.foreign(name) for name in names if sent[name]}
    lines = [f"{name}: {_standing(foreign.get(name))}" for name in names]
    states = [registry.state(name) for name in names]
    for trouble in (champion_trouble(one, registry.store) or label_trouble(one, registry.store) for one in states):
        if trouble:
            notice(trouble)
    if not names:
        notice("No model is configured or recorded here that is this ledger's.")
    say({name: ok and not foreign[name] for name, ok in sent.items()}, *lines, as_json=as_json)
    return 1 if not all(sent.values()) else FOUND if any(foreign.values()) else 0


def _standing(foreign: "Names | None") -> str:
    """A model's mirror in words; None where it was not brought up to date."""
    if foreign is None:
        return "not brought up to date"
    return f"up to date, but for {', '.join(foreign)} (AUD038)" if foreign else "up to date"


def _ours(registry: "Registry", model: str | None) -> tuple[str, ...]:
    """The model named; or all but those of other ledgers, of which it is told."""
    if model is not None:
        return models_of(registry, model)
    others = {name: registry.other_ledger(name) for name in registry.models()}
    for told in filter(None, others.values()):
        notice(told)
    return tuple(name for name, told in others.items() if not told)


def _does_something(proposal: "Proposal") -> bool:
    return bool(proposal.bodies or proposal.strays or proposal.leftovers or proposal.foreign or proposal.claims)


def _repair_data(proposals: "list[Proposal]", *, dry_run: bool) -> dict[str, Any]:
    from promotion.canonical import plain

    found = {
        one.state.model: {
            "completes": one.state.pending[0] if one.state.pending else None,
            "moves": [plain(move) for move in one.plan.moves] if one.plan else [],
            "aliases": dict(one.foreign),
            "claims": one.claims,
        }
        for one in proposals
    }
    first = proposals[0] if proposals else None
    return {
        "dry_run": dry_run,
        "models": found,
        "strays": [{"path": str(stray), "why": stray.why, "model": stray.model} for stray in first.strays]
        if first
        else [],
        "leftovers": [str(leftover) for leftover in first.leftovers] if first else [],
    }
