"""What a repair would do: labels to write again, versions to register, strays to move out of the store. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from promotion.registry.entries import Move, TransitionPlanned
from promotion.registry.state import Known, State
from promotion.seams import Stored, Stray
from promotion.vocabulary import Stage, Tag


@dataclass(frozen=True, kw_only=True)
class Mending:
    """What a repair would do.

    Attributes:
        unknown: versions to register first.
        plan: the labels to write; None when all agree.
        strays: what to move out of the store.
    """

    unknown: tuple[Tag, ...]
    plan: TransitionPlanned | None
    strays: tuple[Stray, ...]


def mending(state: State, stored: Iterable[Stored], strays: tuple[Stray, ...]) -> Mending:
    """Write the ledger's stage over every label that disagrees, and move out what is no version."""
    whole = {str(one.tag): one for one in stored if one.torn is None}
    foreign = [one for one in whole.values() if one.stage == Stage.PROD and str(one.tag) not in state.versions]
    unknown = tuple(one.tag for one in foreign) if state.champion else ()
    moves = [
        Move(tag=tag, before=whole[tag].known_stage, after=_mended(state, known))
        for tag, known in state.versions.items()
        if tag in whole and known.stage and whole[tag].stage != _mended(state, known).value
    ]
    moves += [Move(tag=str(tag), before=Stage.PROD, after=Stage.STAGING) for tag in unknown]
    champion = state.champion.tag if state.champion else None
    reason = "Labels that disagreed with the ledger were written again."
    plan = TransitionPlanned(cause="repair", moves=tuple(moves), champion=champion, reason=reason) if moves else None
    return Mending(unknown=unknown, plan=plan, strays=strays)


def _mended(state: State, known: Known) -> Stage:
    """The stage that the label must carry: one labelled `prod` behind the ledger's back goes back to wait."""
    assert known.stage is not None  # noqa: S101 - callers filter
    serves = state.champion is not None and state.champion.tag == known.tag
    return Stage.STAGING if known.stage is Stage.PROD and not serves else known.stage
