"""What a repair would do: labels to write again, versions to register, strays to move out of the store."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from promotion.errors import MirrorError
from promotion.interfaces import Names, Stored, StoreMaintenance, Stray
from promotion.ledger.entries import Move, TransitionPlanned
from promotion.ledger.state import State, VersionState
from promotion.registry.foreign import foreign_told, unknown_champion
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
        plan: the labels to write; None when all agree.
    """

    unknown: tuple[Tag, ...]
    plan: TransitionPlanned | None


def repair_labels(state: State, stored: Iterable[Stored], *, lost: bool) -> LabelRepair:
    """Write the ledger's stage over every label that disagrees.

    A version that carries `prod` behind the ledger's back goes to wait for judgement, be it unknown, without a stage
    or deleted before. Before there is a champion of record nobody can say which `prod` is right, so those stay; and as
    long as the champion is `lost`, its files not here as they were registered, so that a service on this store finds
    one. What an unfinished transition names is left to it.
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
    moves.sort(key=lambda move: move.tag != champion)  # a plain reader of labels never finds none in `prod`
    reason = "Labels that disagreed with the ledger were written again."
    plan = TransitionPlanned(cause="repair", moves=tuple(moves), champion=champion, reason=reason) if moves else None
    return LabelRepair(unknown=tuple(unknown), plan=plan)


def _due(state: State, version: VersionState | None, one: Stored) -> Stage | None:
    """The stage that the label must carry; None where any will do."""
    if state.champion and state.champion.tag == str(one.tag):
        return Stage.PROD
    labelled = one.stage == Stage.PROD
    if version and version.stage and version.stage is not Stage.PROD:
        return version.stage
    if state.champion is None:
        return version.stage if version else None
    return Stage.STAGING if labelled or (version and version.stage is Stage.PROD) else None


def plan_repair(parts: Parts, model: str) -> Plan:
    """Write the ledger's stage over every label that disagrees, and clear the store; see `Registry.repair`.

    Where an interrupted change is unfinished, this is what would be left to do once it is completed.

    Raises:
        Refused: the model in the store belongs to another ledger, whose labels are not ours to write.
    """
    state = parts.journal.state(model)
    parts.claims.check(state)
    lost = champion_trouble(state, parts.store, whole=True)
    labels = repair_labels(state, parts.store.versions(model), lost=bool(lost))
    recorded = plan_of(state, *registrations(parts, state, *labels.unknown), labels.plan)
    strays, leftovers = _in_the_store(parts)
    cleared = replace(recorded, lost=lost, strays=strays, leftovers=leftovers)
    return replace(cleared, claims=parts.claims.missing(state), foreign=_written_over(parts, state))


def _in_the_store(parts: Parts) -> tuple[tuple[Stray, ...], tuple[Stray, ...]]:
    """What a repair clears: strays and leftovers; none, with a notice, of a store that cannot tell them."""
    if isinstance(parts.store, StoreMaintenance):
        return parts.store.strays(), parts.store.leftovers()
    parts.notice(f"The {parts.store.name} does no maintenance, so a repair moves or deletes nothing in it.")
    return (), ()


def _written_over(parts: Parts, state: State) -> Names:
    """The foreign aliases that a repair writes over; none while MLflow is away, or has a champion unknown to us."""
    try:
        with patience():
            found = parts.foreign(state)
    except MirrorError:
        return {}
    if unknown_champion(state, found):
        parts.notice(foreign_told(state, found))
        return {}
    return found
