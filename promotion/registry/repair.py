"""Plan a repair: labels to write again, versions to register, foreign folders to move out of the store."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from promotion.errors import MirrorError
from promotion.interfaces import ForeignFile, Names, Stored, StoreMaintenance
from promotion.ledger.entries import Move, TransitionPlanned
from promotion.ledger.state import State, VersionState
from promotion.registry.foreign_aliases import foreign_sentence, unknown_champion
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of
from promotion.registry.register import registrations
from promotion.registry.serving import champion_trouble
from promotion.timeouts import patience
from promotion.vocabulary import Stage, Tag


@dataclass(frozen=True, kw_only=True)
class LabelRepair:
    """What a repair would record.

    Attributes:
        unknown: versions to register first.
        plan: the labels to write; None if all agree.
    """

    unknown: tuple[Tag, ...]
    plan: TransitionPlanned | None


def repair_labels(state: State, stored: Iterable[Stored], *, lost: bool) -> LabelRepair:
    """Plan to write the ledger's stage over every label that disagrees.

    A version that somebody else labelled `prod` goes to `staging`, whether it is unknown, without a stage or deleted
    before. Labels `prod` stay in two cases: before the first champion of record, because the ledger does not show which
    is right; and while the champion is `lost` (its registered files are not in this store), so that a service still
    finds one. Versions of an unfinished transition are left to that transition.
    """
    pending = {move.tag for move in state.pending[1].moves} if state.pending else set()
    moves, unknown = [], []
    champion = state.champion.tag if state.champion else None
    for one in stored:
        version = state.versions.get(str(one.tag))
        after = None if lost and (one.stage == Stage.PROD or str(one.tag) == champion) else _due(state, version, one)
        if one.torn is None and after and one.stage != after.value and str(one.tag) not in pending:
            moves.append(Move(tag=str(one.tag), before=one.known_stage, after=after))
            unknown += [] if version else [one.tag]
    moves.sort(key=lambda move: move.tag != champion)  # so that a reader of labels always finds a version in `prod`
    reason = "Labels that disagreed with the ledger were written again."
    plan = TransitionPlanned(cause="repair", moves=tuple(moves), champion=champion, reason=reason) if moves else None
    return LabelRepair(unknown=tuple(unknown), plan=plan)


def _due(state: State, version: VersionState | None, one: Stored) -> Stage | None:
    """Return the stage that the label must carry; None if any stage is valid."""
    if state.champion and state.champion.tag == str(one.tag):
        return Stage.PROD
    labelled = one.stage == Stage.PROD
    if version and version.stage and version.stage is not Stage.PROD:
        return version.stage
    if state.champion is None:
        return version.stage if version else None
    return Stage.STAGING if labelled or (version and version.stage is Stage.PROD) else None


def plan_repair(parts: Parts, model: str) -> Plan:
    """Plan to write the ledger's stage over every label that disagrees, and to clear the store; see `Registry.repair`.

    If an interrupted change is unfinished, the plan covers what remains after it is completed.

    Raises:
        Refused: another ledger owns the model in the store, so this ledger must not write its
            labels.
    """
    state = parts.writer.state(model)
    parts.claims.check(state)
    lost = champion_trouble(state, parts.store, whole=True)
    labels = repair_labels(state, parts.store.versions(model), lost=bool(lost))
    recorded = plan_of(state, *registrations(parts, state, *labels.unknown), labels.plan)
    foreign_files, leftovers = _in_the_store(parts)
    cleared = replace(recorded, lost=lost, foreign_files=foreign_files, leftovers=leftovers)
    return replace(cleared, claims=parts.claims.missing(state), foreign=_written_over(parts, state))


def _in_the_store(parts: Parts) -> tuple[tuple[ForeignFile, ...], tuple[ForeignFile, ...]]:
    """Return the foreign files and leftovers to clear; nothing, with a notice, without support for maintenance."""
    if isinstance(parts.store, StoreMaintenance):
        return parts.store.foreign_files(), parts.store.leftovers()
    parts.notice(f"The {parts.store.name} does not support maintenance, so a repair moves and deletes nothing in it.")
    return (), ()


def _written_over(parts: Parts, state: State) -> Names:
    """Return the foreign aliases to overwrite; none if MLflow does not answer or has an unknown champion."""
    try:  # asked first: a person confirms which aliases are written over
        with patience():
            found = parts.foreign(state)
    except MirrorError:
        return {}
    if unknown_champion(state, found):
        parts.notice(foreign_sentence(state, found))
        return {}
    return found
