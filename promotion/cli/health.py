"""The health of models, for `promotion status` and the site, from the ledger, the labels and the last audit.

MLflow is not asked.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promotion.adapters.audits import LastAudit
    from promotion.ledger.state import State
    from promotion.registry.registry import Registry
    from promotion.report.status import Problem, Standing


def standing_of(registry: "Registry", state: "State", now: datetime) -> "Standing":
    """Return a model as `status` lists it among others."""
    from promotion.report.status import Standing

    audited = _last_audit(registry, state)
    return Standing(
        state=state,
        audited=audited,
        problems=tuple(problems_of(registry, state, audited)),
        approvals=tuple(_approvals(registry, state, now)),
    )


def detailed(registry: "Registry", standing: "Standing") -> "Standing":
    """Add what `status` shows of a single model."""
    state = standing.state
    return replace(
        standing,
        label=_label(registry, state),
        mirrored=registry.ledger.mirrored(state.model),
        way_back=() if standing.foreign else way_back(registry, state, standing.audited),
    )


def problems_of(registry: "Registry", state: "State", audited: "LastAudit | None") -> Iterable["Problem"]:
    """Yield what is wrong with a model: another ledger owns it, or files, labels or MLflow differ from the ledger.

    MLflow's aliases are as the last command that asked MLflow has seen them. The findings of the last audit on this
    computer count until a later audit finds nothing.
    """
    from promotion.registry.champion import other_ledger
    from promotion.registry.foreign_aliases import foreign_sentence, unknown_champion
    from promotion.registry.serving import champion_trouble, label_trouble, unfinished
    from promotion.report.status import OTHER_LEDGER, Problem, audit_sentence

    if other := other_ledger(registry.parts, state.model, state):
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
        ("audit", audit_sentence(state.model, audited)),
    )
    return [Problem(kind=kind, sentence=sentence) for kind, sentence in found if sentence]


def _last_audit(registry: "Registry", state: "State") -> "LastAudit | None":
    from promotion.adapters.audits import last_audit

    return last_audit(registry.config.path(registry.config.cache), state.model)


def way_back(registry: "Registry", state: "State", audited: "LastAudit | None") -> tuple[str, ...]:
    """Return lines that say how to roll the model back, or why that is not possible; none without a champion.

    Names only versions that are in the store and in which the last audit found nothing wrong; only the rollback itself
    hashes and loads them.
    """
    from promotion.errors import PromotionError
    from promotion.registry.serving import present
    from promotion.vocabulary import Tag

    if state.champion is None:
        return ()
    if state.previous is None:
        return ("There is no previous champion to roll back to.", *_others(registry, state, audited))
    trouble = _unusable_sentence(state.previous, audited)
    try:
        present(state, registry.store, Tag.parse(state.previous))
    except PromotionError as error:
        trouble = str(error)
    if trouble:
        return (f"The previous champion cannot be brought back. {trouble}", *_others(registry, state, audited))
    return (f"To roll back to {state.previous}:", f"  promotion rollback {state.model} --reason …")


def _unusable_sentence(tag: str, audited: "LastAudit | None") -> str:
    """Say that the last audit found the version's files missing or changed; empty if it did not."""
    from promotion.number_format import minute

    if audited is None or tag not in audited.unusable:
        return ""
    found = f"The last audit, at {minute(audited.at)} UTC, found that files of {tag} are missing or have changed."
    return f"{found} Restore them, and run `promotion audit {tag.partition(':')[0]}`."


def _others(registry: "Registry", state: "State", audited: "LastAudit | None") -> tuple[str, ...]:
    """Return lines that name an earlier champion that can be brought back, if any.

    The most recent one that nobody rolled back from, else the one from which somebody rolled back last.
    """
    from promotion.number_format import minute
    from promotion.registry.rolled_back import rolled_back

    left_out = {state.champion.tag if state.champion else "", *(audited.unusable if audited else ())}
    whole = {str(one.tag) for one in registry.store.versions(state.model) if not one.torn} - left_out
    undone = {one.tag: one.rolled_back for one in rolled_back(state) if one.tag in whole and one.rolled_back}
    served = {one.tag: one for one in state.began if one.tag in whole and not state.versions[one.tag].deleted_at}
    if free := [one for tag, one in served.items() if tag not in undone]:
        tag, then = (last := max(free)).tag, f"became champion at {minute(last.at)} UTC"
    elif undone:
        tag, back = next(iter(undone.items()))
        then = f"was rolled back by {back.actor} at {minute(back.at)} UTC"
    else:
        return ()
    command = f"  promotion rollback {state.model} --to {tag.partition(':')[2]} --reason …"
    return (f"To bring back {tag}, which {then}:", command)


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
