"""Adopt versions: record what a person knows about training rows that are otherwise unknown, or that versions exist."""

from datetime import datetime
from typing import TypedDict, Unpack

from promotion.adapters.owned_folders import private
from promotion.canonical import canonical_json
from promotion.errors import Refused, UnknownName
from promotion.interfaces import ImportsModels, ModelSource, RegisteredElsewhere
from promotion.iso import in_utc
from promotion.ledger.entries import Adoption, Service
from promotion.registry import moves
from promotion.registry.moves import find
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import settled
from promotion.registry.register import registrations
from promotion.registry.serving import labelled_prod
from promotion.registry.verification import check_bound, newest_bound, verified
from promotion.times import TimeBound, bound_of
from promotion.training_metadata import METRICS, MLFLOW_VERSION
from promotion.vocabulary import Stage, Tag, is_name

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
    parts: Parts, tag: Tag | str, *, reason: str, serves: bool | None = None, **vouched: Unpack[Vouched]
) -> Plan:
    """Plan the adoption of a version whose training rows are unknown; see `Registry.adopt`.

    `serves` says that it serves, if its label does not.
    """
    tag = Tag.parse(tag)
    check_vouched(vouched)
    before = vouched.get("trained_before")
    why, bound = required(reason), None if before is None else bound_of(before)
    serves = parts.stored(tag).stage == Stage.PROD if serves is None else serves
    state = settled(parts, tag.model)
    registered = registrations(parts, state, tag, *(labelled_prod(parts.store, tag.model) if serves else ()))
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
    return plan_of(state, *registered, adoption, verified(parts, find(foreseen, tag), plan) if plan else None)


def plan_mlflow_adoption(
    parts: Parts, named: str, model: str | None, *, reason: str, **vouched: Unpack[Vouched]
) -> Plan:
    """Copy a version from MLflow into the store, and plan its adoption; see `Registry.adopt_from_mlflow`."""
    required(reason)
    check_vouched(vouched)
    if not (isinstance(parts.mirror, ModelSource) and isinstance(parts.store, ImportsModels)):
        raise Refused(f"This {parts.store.name} or its mirror cannot take in models from MLflow. Copy the files.")
    parts.progress(f"Copying {named} from MLflow")
    found = parts.mirror.registered_elsewhere(named)
    model = model or found.name
    parts.config.model(model)
    state = settled(parts, model)
    parts.claims.check(state)
    tag = Tag(model, f"mlflow-{found.number}" if found.name == model else _version_of(found))
    _copy(parts, parts.mirror, parts.store, tag, found)
    serves = state.champion is None or state.champion.tag == str(tag)
    return plan_adoption(parts, tag, reason=reason, serves=serves, **vouched)


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


def _copy(parts: Parts, source: ModelSource, store: ImportsModels, tag: Tag, found: RegisteredElsewhere) -> None:
    """Copy the files, unless an interrupted adoption has already done so."""
    present = next((one for one in parts.store.versions(tag.model) if one.tag == tag), None)
    if present is not None and present.metadata.get(MLFLOW_VERSION) == str(found):
        return
    metadata = {MLFLOW_VERSION: str(found), "version": found.number}
    if found.run_id:
        metadata |= {"mlflow_run_id": found.run_id, METRICS: canonical_json(dict(found.metrics))}
    with private() as folder:
        store.import_mlflow(tag, source.download(found, folder), metadata=metadata)


def _version_of(found: RegisteredElsewhere) -> str:
    named = f"mlflow-{found.name.lower()}-{found.number}"
    return named if is_name(named) else f"mlflow-other-{found.number}"
