"""What is seen to before a change is worked out: nothing unfinished, no unknown champion, files that are there."""

from promotion.data_files import StrPath
from promotion.errors import Conflict, MirrorError, PromotionError, Refused
from promotion.ledger.entries import FreshStart, Registration
from promotion.ledger.state import State
from promotion.registry.apply import complete
from promotion.registry.champion import other_ledger
from promotion.registry.foreign import UnknownChampion, needless_start, unanswered
from promotion.registry.parts import Parts
from promotion.registry.plan import required
from promotion.registry.serving import serving, unfinished
from promotion.vocabulary import Tag


def settled(parts: Parts, model: str) -> State:
    """The state, where nothing is unfinished; of a model that belongs to another ledger with a notice.

    Raises:
        Refused: a transition was interrupted and is yet to be completed.
    """
    state = parts.journal.state(model)
    if state.pending:
        raise _in_the_way(parts, state)
    _tell_other(parts, model)
    return state


def _in_the_way(parts: Parts, state: State) -> PromotionError:
    """Why nothing is planned while a transition is unfinished; a command that completed all it found was overtaken."""
    if not parts.changing or state.pending is None:
        return Refused(unfinished(state), model=state.model)
    seq, _ = state.pending
    return Conflict(state.model, seq, parts.ledger.entries(state.model, after=seq - 1, limit=1)[0].actor)


def _tell_other(parts: Parts, model: str) -> None:
    other = other_ledger(parts, model)
    if other:
        parts.notice(
            f"{other} This preview is based on this ledger, which does not own the model, so it cannot be applied."
        )


def fresh_start(parts: Parts, state: State, reason: str | None = None) -> tuple[FreshStart, ...]:
    """What is to be recorded before a model has its first champion; nothing where MLflow has none either.

    Args:
        parts: of the registry.
        state: of the model; where it has a champion, or began anew before, MLflow is not asked.
        reason: why a person goes on without MLflow's champion, or without MLflow's answer; None where nobody said.
            Where there is nothing to go on without, a notice says that it is not recorded.

    Raises:
        UnknownChampion: MLflow has a champion that the ledger does not know, and there is no reason.
        Refused: MLflow does not answer, and there is no reason; or, before either, the model is another ledger's.
    """
    try:
        shown = parts.unknown(state)
    except MirrorError as error:
        if reason is None:
            parts.claims.check(state)
            raise Refused(unanswered(state.model, error), model=state.model) from error
        return (FreshStart(reason=required(reason)),)
    if shown and reason is None:
        parts.claims.check(state)  # a champion of the model's own ledger is not this one's to adopt
        if parts.changing:
            parts.ledger.mark_foreign(state.model, shown)  # so that `status` tells of it
        raise UnknownChampion(state.model, shown, parts.store.name)
    if reason is None:
        return ()
    if not shown:
        parts.notice(needless_start(state, required(reason)))
        return ()
    return (FreshStart(reason=required(reason), aliases=shown),)


def foresee(parts: Parts, state: State, tag: Tag, data: StrPath | None, holdout: StrPath | None) -> None:
    """See that what judges a version can be found, before anything is imported for it."""
    version = state.versions.get(str(tag))
    trained = version.registration if version else Registration(tag=str(tag), digest="", stage=None)
    parts.reader.foresee(tag.model, trained, data, holdout)


def check(parts: Parts, model: str) -> None:
    """See that a version of the model could be judged now; see `Registry.check`."""
    parts.config.model(model)
    parts.journal.check_signer()
    state = complete(parts, model)
    fresh_start(parts, state)
    serving(state, parts.store)
