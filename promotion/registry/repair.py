"""What a repair would do: labels to write again, versions to register, strays to move out of the store. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from promotion.interfaces import Stored
from promotion.ledger.entries import Move, TransitionPlanned
from promotion.ledger.state import Known, State
from promotion.vocabulary import Stage, Tag


@dataclass(frozen=True, kw_only=True)
class Mending:
    """What a repair would record.

    Attributes:
        unknown: versions to register first.
        plan: the labels to write; None when all agree.
    """

    unknown: tuple[Tag, ...]
    plan: TransitionPlanned | None


def mending(state: State, stored: Iterable[Stored], *, lost: bool) -> Mending:
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
        known = state.versions.get(str(one.tag))
        after = None if lost and (one.stage == Stage.PROD or str(one.tag) == champion) else _mended(state, known, one)
        if one.torn is None and after and one.stage != after.value and str(one.tag) not in pending:
            moves.append(Move(tag=str(one.tag), before=one.known_stage, after=after))
            unknown += [] if known else [one.tag]
    moves.sort(key=lambda move: move.tag != champion)  # a plain reader of labels never finds none in `prod`
    reason = "Labels that disagreed with the ledger were written again."
    plan = TransitionPlanned(cause="repair", moves=tuple(moves), champion=champion, reason=reason) if moves else None
    return Mending(unknown=tuple(unknown), plan=plan)


def _mended(state: State, known: Known | None, one: Stored) -> Stage | None:
    """The stage that the label must carry; None where any will do."""
    if state.champion and state.champion.tag == str(one.tag):
        return Stage.PROD
    labelled = one.stage == Stage.PROD
    if known and known.stage and known.stage is not Stage.PROD:
        return known.stage
    if state.champion is None:
        return known.stage if known else None
    return Stage.STAGING if labelled or (known and known.stage is Stage.PROD) else None
