"""`promotion sync`: bring MLflow up to date with the ledger."""

from typing import TYPE_CHECKING

from promotion.cli.output import FOUND, AnyModel, Json, Quiet, notice, open_here, ours, say

if TYPE_CHECKING:
    from promotion.interfaces import Names


EXAMPLE = "promotion sync"


def sync(model: AnyModel = None, _quiet: Quiet = False, as_json: Json = False) -> int:
    """Bring MLflow up to date with the ledger.

    Exit codes: 5 if somebody else moved an alias (`repair` rewrites it), 1 if MLflow could not be updated.
    """
    from promotion.registry.serving import champion_trouble, label_trouble

    registry = open_here()
    names = ours(registry, model)
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
        notice("No model here belongs to this ledger.")
    say({name: ok and not foreign[name] for name, ok in sent.items()}, *lines, as_json=as_json)
    return 1 if not all(sent.values()) else FOUND if any(foreign.values()) else 0


def _standing(foreign: "Names | None") -> str:
    """A model's mirror in words; None where it was not brought up to date."""
    if foreign is None:
        return "not updated"
    return f"up to date, except for {', '.join(foreign)} (AUD038)" if foreign else "up to date"
