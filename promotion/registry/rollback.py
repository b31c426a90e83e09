"""Roll back: bring back an earlier champion."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from promotion.data_files import StrPath
from promotion.errors import Refused, TornVersion, UnknownName
from promotion.history.lineage import ChampionPeriod, champion_periods
from promotion.interfaces import ModelStore
from promotion.iso import in_utc
from promotion.ledger.chain import Entry
from promotion.ledger.entries import TransitionPlanned
from promotion.ledger.state import State, champion_at
from promotion.number_format import minute
from promotion.registry.moves import find, to_prod
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import settled
from promotion.registry.verification import verified
from promotion.vocabulary import Tag

_LISTED = 5


def plan_rollback(
    parts: Parts,
    model: str,
    *,
    reason: str,
    to: Tag | str | None = None,
    at: datetime | None = None,
    data: StrPath | None = None,
) -> Plan:
    """Plan a rollback to an earlier champion; see `Registry.rollback`."""
    why = required(reason)
    state = settled(parts, model)
    known = dict.fromkeys((*parts.models(), *parts.store.models())) if state.seq == 0 else (model,)
    if model not in known:
        raise UnknownName("model", model, known)
    history = parts.history(state)
    target = rollback_target(state, history, to=Tag.parse(to) if to else None, at=at)
    plan = rollback_moves(state, target, reason=why)
    tag = Tag.parse(plan.moves[0].tag)
    try:
        parts.stored(tag)
    except (Refused, TornVersion) as error:
        raise type(error)(_lost(state, history, parts.store, tag, str(error)), tag=tag) from error
    return plan_of(state, verified(parts, state.versions[plan.moves[0].tag], plan, data))


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
        Refused: both `to` and `at` are given; the version never served; or no version served at that moment or before.
    """
    if to is not None and at is not None:
        raise Refused("Roll back to a version or to a time: use --to or --at, not both.", model=state.model)
    if to is not None:
        return _served_once(state, to)
    if at is None:
        if state.previous is None:
            raise Refused(_no_previous(state, history), model=state.model)
        return state.previous
    then = champion_at(state, history, in_utc(at))
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
    if all(began.tag != version.tag for began in state.began):
        message = (
            f"{to} has never served, so a rollback cannot bring it back. Promote it with `promotion promote {to}`, or "
            "against the rules with --override."
        )
        raise Refused(message, tag=to)
    return version.tag


def _no_previous(state: State, history: Sequence[Entry]) -> str:
    """Say why a rollback without `--to` has no previous champion, and which versions it can name."""
    if state.champion is None:
        return f"There is no champion of '{state.model}', so there is nothing to roll back to."
    earlier = {period.champion.tag: period for period in champion_periods(state, history)}
    able = [
        period for tag, period in earlier.items() if tag != state.champion.tag and not state.versions[tag].deleted_at
    ]
    if not able:
        return f"{state.champion.tag} is the first champion of '{state.model}', so there is nothing to roll back to."
    first = f"A rollback returned '{state.model}' to its first champion, {state.champion.tag}"
    return "\n".join((f"{first}. Name the version to bring back:", *_choice(state, able)))


def _lost(state: State, history: Sequence[Entry], store: ModelStore, tag: Tag, trouble: str) -> str:
    """Say why a version cannot be brought back. Lists the available earlier champions first, for use in an outage."""
    serves = state.champion.tag if state.champion else None
    earlier = {period.champion.tag: period for period in champion_periods(state, history)}
    whole = {str(one.tag) for one in store.versions(state.model) if not one.torn}
    able = [period for name, period in earlier.items() if name in whole - {serves, str(tag)}]
    if not able:
        return trouble
    head = f"{tag} cannot be brought back, but these earlier champions of '{state.model}' can:"
    return "\n".join((head, *_choice(state, able), trouble))


def _choice(state: State, able: Sequence[ChampionPeriod]) -> Iterator[str]:
    """Yield the champions to choose from, most recent first, each with its command."""
    yield from _named(state, sorted(able, key=lambda period: -period.champion.seq)[:_LISTED])
    if len(able) > _LISTED:
        yield f"Run `promotion history {state.model} --champions` to list all {len(able)}."


def _named(state: State, among: Sequence[ChampionPeriod]) -> Iterator[str]:
    for period in among:
        tag = period.champion.tag
        back = state.versions[tag].rolled_back
        until = f" to {minute(period.until)}" if period.until else ""
        why = f"; {back.actor} rolled back from it: '{back.reason}'" if back else ""
        yield (
            f"- {tag}, which served from {minute(period.champion.since)}{until} UTC{why}: "
            f"`promotion rollback {state.model} --to {tag} --reason …`"
        )
