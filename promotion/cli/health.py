"""The health of models, for `promotion status` and the site, from the ledger and the labels. MLflow is not asked."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promotion.ledger.state import State
    from promotion.registry.registry import Registry
    from promotion.report.status import Problem, Standing


def standing_of(registry: "Registry", state: "State", now: datetime) -> "Standing":
    """Return a model as `status` lists it among others."""
    from promotion.report.status import Standing

    return Standing(
        state=state,
        problems=tuple(problems_of(registry, state)),
        approvals=tuple(_approvals(registry, state, now)),
    )


def detailed(registry: "Registry", standing: "Standing") -> "Standing":
    """Add what `status` shows of a single model."""
    from promotion.adapters.audits import last_audit

    state, config = standing.state, registry.config
    return replace(
        standing,
        label=_label(registry, state),
        mirrored=registry.ledger.mirrored(state.model),
        audited=last_audit(config.path(config.cache), state.model),
        way_back=() if standing.foreign else way_back(registry, state),
    )


def problems_of(registry: "Registry", state: "State") -> Iterable["Problem"]:
    """Yield what is wrong with a model: another ledger owns it, or files, labels or MLflow differ from the ledger.

    MLflow's aliases are as the last command that asked MLflow has seen them.
    """
    from promotion.registry.champion import other_ledger
    from promotion.registry.foreign_aliases import foreign_sentence, unknown_champion
    from promotion.registry.serving import champion_trouble, label_trouble, unfinished
    from promotion.report.status import OTHER_LEDGER, Problem

    if other := other_ledger(registry.parts, state.model):
        return [Problem(kind=OTHER_LEDGER, sentence=other)]
    seen, done = registry.ledger.foreign(state.model), registry.ledger.mirrored(state.model)
    # nothing is sent before an unknown champion is settled
    behind = _behind(state, done) if done < state.seq and not unknown_champion(state, seen) else ""
    torn = [one.torn for one in registry.store.versions(state.model) if one.torn]
    found = (
        ("files", champion_trouble(state, registry.store)),
        ("unfinished", unfinished(state)),
        ("label", label_trouble(state, registry.store)),
        *(("torn", told) for told in torn),
        ("MLflow", behind),
        ("alias", foreign_sentence(state, seen)),
        ("unrecorded", _unrecorded(registry, state)),
    )
    return [Problem(kind=kind, sentence=sentence) for kind, sentence in found if sentence]


def way_back(registry: "Registry", state: "State") -> tuple[str, ...]:
    """Return lines that say how to roll the model back, or why that is not possible; none without a champion.

    The files of the previous champion must be in the store; only the rollback itself loads them.
    """
    from promotion.errors import PromotionError
    from promotion.registry.serving import present
    from promotion.vocabulary import Tag

    if state.champion is None:
        return ()
    if state.previous is None:
        return ("There is no previous champion to roll back to.", *_others(registry, state))
    try:
        present(state, registry.store, Tag.parse(state.previous))
    except PromotionError as error:
        return (f"The previous champion cannot be brought back. {error}", *_others(registry, state))
    return (f"To roll back to {state.previous}:", f"  promotion rollback {state.model} --reason …")


def _others(registry: "Registry", state: "State") -> tuple[str, ...]:
    """Return lines that name the last version that a rollback removed and that can be brought back, if any."""
    from promotion.registry.rolled_back import rolled_back
    from promotion.vocabulary import Tag

    whole = {str(one.tag) for one in registry.store.versions(state.model) if not one.torn}
    able = next((version.tag for version in rolled_back(state) if version.tag in whole), None)
    if able is None:
        return ()
    command = f"  promotion rollback {state.model} --to {Tag.parse(able).version} --reason …"
    return (f"To bring back {able}, which the last rollback removed:", command)


def _behind(state: "State", done: int) -> str:
    return f"MLflow shows {state.model} as of entry {done} of {state.seq}; `promotion sync` brings it up to date."


def _label(registry: "Registry", state: "State") -> str:
    """Return the champion's label; empty without a champion or if the label cannot be read."""
    from promotion.errors import PromotionError
    from promotion.vocabulary import Tag

    if state.champion is None:
        return ""
    try:
        return f"stage: {registry.store.get(Tag.parse(state.champion.tag)).stage or 'none'}"
    except PromotionError:
        return ""


def _approvals(registry: "Registry", state: "State", now: datetime) -> Iterable[str]:
    from promotion.report.plan import approvals_sentence

    panel = registry.parts.panel(state.model)
    return filter(None, (approvals_sentence(version, panel, now) for version in state.awaiting_approval))


def _unrecorded(registry: "Registry", state: "State") -> str:
    """Say that a version is labelled `prod` while the ledger has no champion; empty otherwise."""
    from promotion.registry.serving import labelled_prod

    if state.champion:
        return ""
    serving = [str(tag) for tag in labelled_prod(registry.store, state.model)]
    if len(serving) > 1:
        named = ", ".join(serving)
        return f"{named} are all labelled prod, but only one can serve. `promotion adopt TAG` records which one."
    if serving:
        told = f"{serving[0]} is labelled prod, but the ledger has no champion."
        return f"{told} `promotion adopt {serving[0]}` makes it the champion."
    return ""
