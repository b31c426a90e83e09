"""What a person is to know first of the models: for `promotion status` and the site."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promotion.ledger.state import State
    from promotion.registry.registry import Registry


def health_of(registry: "Registry", states: Sequence["State"]) -> list[str]:
    """Models of other ledgers; champions lost or not labelled, versions torn, a mirror behind, who serves unrecorded.

    MLflow is not asked: its aliases are as the last command that asked has seen them.
    """
    from promotion.registry.champion import other_ledger
    from promotion.registry.foreign_aliases import foreign_told, unknown_champion
    from promotion.registry.serving import champion_trouble, label_trouble, unfinished

    others = {state.model: other_ledger(registry.parts, state.model) for state in states}
    states = [state for state in states if not others[state.model]]
    lost = [champion_trouble(state, registry.store) for state in states]
    labels = [unfinished(state) or label_trouble(state, registry.store) for state in states]
    torn = [one.torn for state in states for one in registry.store.versions(state.model) if one.torn]
    behind = [
        f"MLflow shows {state.model} as of entry {registry.ledger.mirrored(state.model)} of {state.seq}; "
        "`promotion sync` brings it up to date."
        for state in states
        if registry.ledger.mirrored(state.model) < state.seq
        and not unknown_champion(state, registry.ledger.foreign(state.model))  # nothing is sent before that is settled
    ]
    moved = [foreign_told(state, registry.ledger.foreign(state.model)) for state in states]
    unknown = [_unrecorded(registry, state) for state in states]
    told = (others.values(), lost, labels, torn, behind, moved, unknown)
    return [line for lines in told for line in lines if line]


def approvals_of(registry: "Registry", states: Sequence["State"]) -> list[str]:
    """What the versions that passed still wait for."""
    from promotion.registry.ledger_writer import utc_now
    from promotion.report.plan import approvals_told

    now = utc_now()
    waiting = [(registry.parts.panel(state.model), version) for state in states for version in state.awaiting_approval]
    return list(filter(None, (approvals_told(version, panel, now) for panel, version in waiting)))


def _unrecorded(registry: "Registry", state: "State") -> str | None:
    """A version that serves by its label and that the ledger does not know as champion."""
    from promotion.registry.serving import labelled_prod

    if state.champion:
        return None
    serving = [str(tag) for tag in labelled_prod(registry.store, state.model)]
    if not serving:
        return None
    if len(serving) > 1:
        return f"{', '.join(serving)} are all labelled prod; `promotion adopt TAG` says which one serves."
    return f"{serving[0]} is labelled prod and not recorded; `promotion adopt` makes it the champion of record."
