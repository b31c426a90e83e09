"""Roll back: bring back an earlier champion."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from promotion.data_sources import Where
from promotion.errors import DigestMismatch, Refused, TornVersion, UnknownName
from promotion.iso import in_utc
from promotion.ledger.chain import Entry
from promotion.ledger.entries import TransitionPlanned
from promotion.ledger.state import State, champion_at, stated_at
from promotion.number_format import minute
from promotion.registry.champion import require_recorded
from promotion.registry.earlier_champions import earlier_champions
from promotion.registry.moves import find, to_prod
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import settled
from promotion.registry.verification import verified
from promotion.visible import lines
from promotion.vocabulary import Tag


def plan_rollback(
    parts: Parts,
    model: str,
    *,
    reason: str,
    to: Tag | str | None = None,
    at: datetime | None = None,
    data: Where | None = None,
) -> Plan:
    """Plan a rollback to an earlier champion; see `Registry.rollback`."""
    why = required(reason)
    state = settled(parts, model)
    known = dict.fromkeys((*parts.models(), *parts.store.models())) if state.seq == 0 else (model,)
    if model not in known:
        raise UnknownName("model", model, known)
    require_recorded(parts, state)
    history = parts.history(state)
    if to is None and at is None and state.champion and state.previous is None:
        _refuse_from_first(parts, state, history)
    target = rollback_target(state, history, to=Tag.parse(to) if to else None, at=at)
    plan = rollback_moves(state, target, reason=why)
    with _offering_others(parts, state, history, target, Refused, TornVersion):
        parts.stored(target)
    with _offering_others(parts, state, history, target, DigestMismatch):
        return plan_of(state, verified(parts, state.versions[target], plan, data))


def rollback_moves(state: State, to: str, *, reason: str) -> TransitionPlanned:
    """Return the moves that bring back an earlier champion.

    Raises:
        Refused: the version already serves, or its files are deleted.
    """
    version = state.versions[to]
    if state.champion and version.tag == state.champion.tag:
        since = f"since {minute(state.champion.since)} UTC"
        raise Refused(f"{version.tag} already serves ({since}), so there is nothing to roll back.", tag=version.tag)
    if version.deleted_at:
        message = f"The files of {version.tag} were deleted at {version.deleted_at}, so it cannot serve again."
        raise Refused(message, tag=version.tag)
    return to_prod(state, version, "rollback", reason, None)


def rollback_target(
    state: State, history: Sequence[Entry], *, to: Tag | None = None, at: datetime | None = None
) -> str:
    """Return the version to roll back to: the named one, the champion at a moment, or the previous champion.

    Raises:
        UnknownName: there is no such version.
        Refused: both `to` and `at` are given; the version never served; or no version served at
            that moment or before.
    """
    if to is not None and at is not None:
        raise Refused("Roll back to a version or to a time: use --to or --at, not both.", model=state.model)
    if to is not None:
        return _served_once(state, to)
    if at is None:
        if state.previous is None:
            raise Refused(_no_previous(state), model=state.model)
        return state.previous
    moment = in_utc(at)
    then = champion_at(state, history, moment) or stated_at(state, moment)
    if then is None:
        first = state.began[0] if state.began else None
        since = (
            f"the first champion, {first.tag}, has served since {minute(first.at)} UTC"
            if first
            else "there is no champion yet"
        )
        raise Refused(f"No version of '{state.model}' served at {at.isoformat()}: {since}.", model=state.model)
    return then.tag


def _served_once(state: State, to: Tag) -> str:
    if to.model != state.model:
        message = f"{to} is a version of '{to.model}', but the model to roll back is '{state.model}'."
        raise Refused(message, model=state.model, tag=to)
    version = find(state, to)
    if version.tag not in state.served:
        message = (
            f"{to} has never served, so a rollback cannot bring it back. Promote it with `promotion promote {to}`, or "
            "against the rules with --override."
        )
        raise Refused(message, tag=to)
    return version.tag


def _no_previous(state: State) -> str:
    if state.champion is None:
        return f"There is no champion of '{state.model}', so there is nothing to roll back to."
    if any(began.tag != state.champion.tag for began in state.began):
        return f"{_returned(state)} Name the version to bring back with --to."
    return f"{state.champion.tag} is the first champion of '{state.model}', so there is nothing to roll back to."


def _returned(state: State) -> str:
    return f"A rollback returned '{state.model}' to its first champion, {state.line[-1]}."


def _refuse_from_first(parts: Parts, state: State, history: Sequence[Entry]) -> None:
    """Raise `Refused` if rollbacks have returned to the first champion; lists the earlier champions to name."""
    earlier = earlier_champions(parts, state, history)
    first = _returned(state)
    if earlier.able:
        message = lines(f"{first} Name the version to bring back:", *earlier.able, earlier.unable_sentence)
        raise Refused(message, model=state.model)
    if earlier.unable:
        way_out = "Restore one of them from a backup, or train a new version."
        raise Refused(f"{first} {earlier.unable_sentence} {way_out}", model=state.model)


@contextmanager
def _offering_others(
    parts: Parts, state: State, history: Sequence[Entry], tag: str, *lost: type[Exception]
) -> Iterator[None]:
    """Let errors about the files of a version begin with the earlier champions that can be brought back instead."""
    try:
        yield
    except lost as error:
        error.args = (_lost(parts, state, history, tag, str(error)),)
        raise


def _lost(parts: Parts, state: State, history: Sequence[Entry], tag: str, trouble: str) -> str:
    """Say why a version cannot be brought back. Lists the available earlier champions first, for use in an outage."""
    earlier = earlier_champions(parts, state, history, without={tag})
    if not earlier.able:
        return " ".join(filter(None, (trouble, earlier.unable_sentence)))
    head = f"{tag} cannot be brought back, but these earlier champions of '{state.model}' can:"
    return lines(head, *earlier.able, earlier.unable_sentence, trouble)
