"""Adopt versions: record what a person knows about training rows that are otherwise unknown, or that versions exist."""

from datetime import datetime
from typing import TypedDict, Unpack

from promotion.errors import Refused, UnknownName
from promotion.iso import in_utc
from promotion.ledger.entries import Adoption, Service
from promotion.registry import moves
from promotion.registry.moves import find
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import settled
from promotion.registry.register import registrations
from promotion.registry.serving import labelled_prod
from promotion.registry.verification import check_bound, newest_bound, verified, verify
from promotion.times import TimeBound, bound_of
from promotion.vocabulary import Stage, Tag

_FLAGS = ("assume_clean", "trained_on_everything")


class Vouched(TypedDict, total=False):
    """What a person knows about the training rows of a version: exactly one of these."""

    trained_before: TimeBound | None
    """It was trained only on rows before this: a number in the unit of the recipe's time column; or a date, a datetime,
    or either as ISO 8601 text. A moment without a zone is in UTC if the rows have a zone."""
    assume_clean: bool
    """It was trained on no row that will ever judge."""
    trained_on_everything: bool
    """It may have been trained on every row up to now, so only later rows judge it."""


def check_vouched(vouched: Vouched) -> None:
    """Check that exactly one statement is made.

    Raises:
        Refused: the caller makes no statement, or several.
    """
    made = (vouched.get("trained_before") is not None, *(bool(vouched.get(one)) for one in _FLAGS))
    if sum(made) != 1:
        raise Refused(
            "State what you know about its training rows: either --trained-before TIME, --assume-clean or "
            "--trained-on-everything."
        )


def plan_adoption(
    parts: Parts,
    tag: Tag | str,
    *,
    reason: str,
    serves: bool | None = None,
    place: Parts | None = None,
    **vouched: Unpack[Vouched],
) -> Plan:
    """Plan the adoption of a version whose training rows are unknown; see `Registry.adopt`.

    `serves` says that it serves, if its label does not. `place` has the store of its files if they are not in the
    registry's yet; then the version must load and score even if it does not serve.
    """
    tag, place, new = Tag.parse(tag), place or parts, place is not None
    check_vouched(vouched)
    before = vouched.get("trained_before")
    why, bound = required(reason), None if before is None else bound_of(before)
    serves = place.stored(tag).stage == Stage.PROD if serves is None else serves
    state = settled(parts, tag.model)
    others = tuple(one for one in labelled_prod(parts.store, tag.model) if one != tag) if serves else ()
    registered = (*registrations(place, state, tag), *registrations(parts, state, *others))
    foreseen = parts.writer.foreseen(state, registered)
    plan = moves.adoption_moves(foreseen, tag, reason=why) if serves else None
    everything = bool(vouched.get("trained_on_everything"))
    if everything:
        bound = newest_bound(find(foreseen, tag), parts.reader, parts.clock())
    elif bound is not None:
        check_bound(find(foreseen, tag), parts.reader, bound)
    adoption = Adoption(
        tag=str(tag),
        reason=why,
        trained_before=bound,
        assumed_clean=bool(vouched.get("assume_clean")),
        everything=everything or None,
    )
    if plan:
        plan = verified(place, find(foreseen, tag), plan)
    elif new and (unseen := verify(find(foreseen, tag), place.store, place.reader, None, place.notice)):
        parts.notice(unseen)
    return plan_of(state, *registered, adoption, plan)


def plan_service(parts: Parts, tag: Tag | str, since: datetime, until: datetime, *, reason: str) -> Plan:
    """Plan to record that a version served before the ledger's first champion; see `Registry.adopt_service`."""
    tag, why = Tag.parse(tag), required(reason)
    parts.stored(tag)
    state = settled(parts, tag.model)
    since, until = in_utc(since), in_utc(until)
    first = state.began[0] if state.began else None
    latest = first.moment if first else parts.clock()
    if not since < until <= latest:
        end = f"when {first.tag} became the first champion" if first else "now"
        raise Refused(
            f"The period must end after it begins, and not later than {latest.isoformat()}, {end}. It is from "
            f"{since.isoformat()} to {until.isoformat()}.",
            tag=tag,
        )
    other = next((one for one in state.stated if since.isoformat() < one.until and one.since < until.isoformat()), None)
    if other:
        raise Refused(
            f"{other.actor} has already stated (entry {other.seq}) that {other.tag} served from {other.since} to "
            f"{other.until}, and only one version serves at a time. Leave out that period.",
            tag=tag,
        )
    stated = Service(tag=str(tag), since=since.isoformat(), until=until.isoformat(), reason=why)
    return plan_of(state, *registrations(parts, state, tag), stated)


def plan_registrations(parts: Parts, model: str) -> Plan:
    """Plan to register every version of the store as it is; see `Registry.adopt_all`."""
    versions = parts.store.versions(model)
    if not versions:
        raise UnknownName("version of", model, parts.store.models())
    state = settled(parts, model)
    return plan_of(state, *registrations(parts, state, *(one.tag for one in versions if one.torn is None)))
