"""Checks before a change is planned: no unfinished transition, no unknown champion, no missing files."""

from promotion.data_sources import Where
from promotion.errors import Conflict, MirrorError, PromotionError, Refused, StoreError
from promotion.ledger.entries import FreshStart, Registration
from promotion.ledger.state import State
from promotion.registry.apply import complete
from promotion.registry.champion import other_ledger
from promotion.registry.foreign_aliases import UnknownChampion, needless_start, unanswered
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.serving import serving, unfinished
from promotion.vocabulary import Tag


def settled(parts: Parts, model: str) -> State:
    """Return the state if no transition is unfinished. Gives a notice if another ledger owns the model.

    Raises:
        Refused: an interrupted transition must be completed first.
    """
    state = parts.writer.state(model)
    if state.pending:
        raise _in_the_way(parts, state)
    _tell_other(parts, model)
    return state


def _in_the_way(parts: Parts, state: State) -> PromotionError:
    """Return the error for an unfinished transition: `Conflict` if another command planned it meanwhile."""
    if not parts.changing or state.pending is None:
        return Refused(unfinished(state), model=state.model)
    seq, _ = state.pending
    return Conflict(state.model, seq, parts.ledger.entries(state.model, after=seq - 1, limit=1)[0].actor)


def _tell_other(parts: Parts, model: str) -> None:
    other = other_ledger(parts, model)
    if other:
        parts.notice(
            f"{other} This dry run uses a ledger that does not own the model, so the change cannot be applied."
        )


def plan_fresh_start(parts: Parts, model: str, *, reason: str) -> Plan:
    """Plan to go on without MLflow's champion, or without MLflow's answer; see `Registry.start_anew`."""
    state = parts.writer.state(model)
    return plan_of(state, *fresh_start(parts, state, required(reason)))


def fresh_start(parts: Parts, state: State, reason: str | None = None) -> tuple[FreshStart, ...]:
    """Return what to record before a model's first champion; nothing if MLflow has no champion either.

    Args:
        parts: components of the registry.
        state: state of the model; if it has a champion or a recorded fresh start, MLflow is not
            asked.
        reason: why a person goes on without MLflow's champion or MLflow's answer; None if nobody
            gave one. If the reason is not needed, a notice says that it is not recorded.

    Raises:
        UnknownChampion: MLflow has a champion that the ledger does not know, and no reason is
            given.
        Refused: MLflow does not answer and no reason is given; or another ledger owns the model
            (checked first).
    """
    try:  # asked before anything is recorded: a champion that somebody else made must not be taken over
        shown = parts.unknown(state)
    except MirrorError as error:
        if reason is None:
            parts.claims.check(state)
            raise Refused(unanswered(state.model, error), model=state.model) from error
        return (FreshStart(reason=required(reason)),)
    if shown and reason is None:
        parts.claims.check(state)  # if another ledger owns the model, its champion cannot be adopted here
        if parts.changing:
            parts.ledger.mark_foreign(state.model, shown)  # so that `status` shows it
        raise UnknownChampion(state.model, shown, parts.copied_by_hand)
    if reason is None:
        return ()
    if not shown:
        parts.notice(needless_start(state, required(reason)))
        return ()
    return (FreshStart(reason=required(reason), aliases=shown),)


def foresee(parts: Parts, state: State, tag: Tag, data: Where | None, holdout: Where | None) -> None:
    """Check that the recipe and files that judge a version exist, before importing anything for them."""
    version = state.versions.get(str(tag))
    trained = version.registration if version else Registration(tag=str(tag), digest="", stage=None)
    parts.reader.foresee(tag.model, trained, data, holdout)


def labelled_champion(parts: Parts, state: State) -> Tag | None:
    """Return the ledger's champion, whose label and files are as they should be; see `serving`.

    Raises:
        Conflict: the labels differ because another command has changed the champion meanwhile.
        StoreError: the labels or the champion's files are damaged.
    """
    try:
        return serving(state, parts.store)
    except StoreError:
        newer = parts.ledger.entries(state.model, after=state.seq, limit=1)
        if newer:
            raise Conflict(state.model, newer[0].seq, newer[0].actor) from None
        raise


def check(parts: Parts, model: str) -> None:
    """Check that a version of the model could be judged now; see `Registry.check`."""
    parts.config.model(model)
    parts.writer.check_signer()
    state = complete(parts, model)
    parts.ledger.make()
    fresh_start(parts, state)
    labelled_champion(parts, state)
