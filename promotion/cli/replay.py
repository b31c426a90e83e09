"""`promotion replay`: what another policy would have decided."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promotion.cli.output import AnyModel, Json, Quiet, form_of, models_of, notice, open_here, show
from promotion.cli.policy import configures, policies_in
from promotion.cli.progress import show_progress
from promotion.progress import counted

if TYPE_CHECKING:
    from promotion.policy import Policy

EXAMPLE = "promotion replay fraud_classifier --policy other.toml"


def replay(
    policy: Annotated[Path, typer.Option(help="The other policy: a policy file or a promotion.toml.", metavar="FILE")],
    model: AnyModel = None,
    _quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Show what another policy would have decided.

    Applies the policy to the comparison stored with each past decision.
    """
    from promotion.canonical import plain
    from promotion.report.replay import replay_page

    registry = open_here()
    others = _others(models_of(registry, model), policy)
    told = counted(show_progress, "Replaying the decisions", others.items(), len(others))
    replayed = {name: registry.replay(name, other) for name, other in told}
    data = {
        name: [{**plain(each), "differs": each.differs, "why": each.now.summary} for each in every]
        for name, every in replayed.items()
    }
    show(data, *(replay_page(name, every) for name, every in replayed.items()), form=form_of(as_json=as_json))


def _others(models: tuple[str, ...], file: Path) -> Mapping[str, "Policy"]:
    """The policy of the file for each model; a model that a configuration does not name is left out."""
    found = policies_in(file)
    if not configures(file):
        return dict.fromkeys(models, next(iter(found.values())))
    for name in models:
        if name not in found:
            notice(f"{file} configures no model '{name}', so its decisions were not replayed.")
    return {name: found[name] for name in models if name in found}
