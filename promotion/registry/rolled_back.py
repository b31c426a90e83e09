"""Rolled-back versions: they serve again only after a person overrides or readmits them, whatever a decision says."""

from collections.abc import Iterator, Sequence

from promotion.errors import Refused, StoreError, UnknownName
from promotion.history.lineage import ChampionPeriod, champion_periods
from promotion.interfaces import ModelStore
from promotion.ledger.chain import Entry
from promotion.ledger.state import RolledBack, State, VersionState
from promotion.number_format import minute
from promotion.policy import Check, Decision, Kind
from promotion.vocabulary import Outcome, Tag

_LISTED = 5


def blocking(state: State, store: ModelStore, tag: Tag) -> VersionState | None:
    """Return the rolled-back version that blocks `tag`: itself or an identical copy. Nothing blocks the champion.

    Retraining on the same rows with the same seed gives the same files under a new tag, with the same defect.
    """
    if state.champion and state.champion.tag == str(tag):
        return None
    own = state.versions.get(str(tag))
    if own and own.rolled_back:
        return own
    others = [version for version in _rolled_back(state) if version.tag != str(tag)]
    files = _files(store, tag, own) if others else None
    return next(
        (version for version in others if files and files == _files(store, Tag.parse(version.tag), version)), None
    )


def rolled_back(state: State) -> tuple[VersionState, ...]:
    """Return the rolled-back versions that are neither readmitted nor deleted, most recent rollback first."""
    return tuple(version for version in _rolled_back(state) if not version.deleted_at)


def _rolled_back(state: State) -> tuple[VersionState, ...]:
    """Return the rolled-back versions, including deleted ones, whose files another version may share."""
    found = [version for version in state.versions.values() if version.rolled_back]
    return tuple(sorted(found, key=lambda version: -version.rolled_back.seq if version.rolled_back else 0))


def check_readmitted(tag: Tag, version: VersionState | None) -> None:
    """Check that no rollback blocks a version.

    Args:
        tag: the version.
        version: the result of `blocking` for it.

    Raises:
        Refused: a rollback blocks it; the message says who rolled back, when and why, and what to do.
    """
    if version:
        raise Refused(kept_out(tag, version), tag=tag)


def rollback_check(tag: Tag, version: VersionState) -> Check:
    """Return the check that holds a version while a rollback blocks it."""
    return Check(kind=Kind.NO_ROLLBACK, subject="", outcome=Outcome.FAILED, reason=kept_out(tag, version))


def held_back(decision: Decision) -> bool:
    """Whether a decision held its version only because of a rollback."""
    return any(check.kind is Kind.NO_ROLLBACK for check in decision.checks)


def kept_out(tag: Tag, version: VersionState) -> str:
    """Say who rolled back from a version, when and why, and how it can serve again."""
    assert version.rolled_back is not None  # noqa: S101 - it keeps one out
    back = rolled_back_told(version, version.rolled_back)
    twin = "" if version.tag == str(tag) else f" {tag} has the same files."
    return (
        f"{back}.{twin} Promote it with `promotion promote {tag} --override --reason …`, or let the gate judge it "
        f"again with `promotion readmit {version.tag} --reason …`."
    )


def rolled_back_told(version: VersionState, back: RolledBack) -> str:
    """Return `os:alice rolled back from toy:tuesday at 2026-11-25 18:40 UTC: 'merchants complain'`."""
    return f"{back.actor} rolled back from {version.tag} at {minute(back.at)} UTC: '{back.reason}'"


def no_previous(state: State, entries: Sequence[Entry]) -> str:
    """Say why a rollback without `--to` has no previous champion, and which versions it can name."""
    if state.champion is None:
        return f"There is no champion of '{state.model}', so there is nothing to roll back to."
    earlier = {period.champion.tag: period for period in champion_periods(state.model, entries)}
    able = [
        period for tag, period in earlier.items() if tag != state.champion.tag and not state.versions[tag].deleted_at
    ]
    if not able:
        return f"{state.champion.tag} is the first champion of '{state.model}', so there is nothing to roll back to."
    first = f"{state.champion.tag} is the first champion in the present line of '{state.model}'"
    return "\n".join((f"{first}, so name the version to bring back:", *_choice(state, able)))


def lost(state: State, entries: Sequence[Entry], store: ModelStore, tag: Tag, trouble: str) -> str:
    """Say why a version cannot be brought back. Lists the available earlier champions first, for use in an outage.

    Args:
        state: state of the model.
        entries: its ledger.
        store: the store that must hold the files of a version to bring back.
        tag: the version that was requested.
        trouble: what is wrong with it, in sentences.
    """
    serves = state.champion.tag if state.champion else None
    earlier = {period.champion.tag: period for period in champion_periods(state.model, entries)}
    whole = {str(one.tag) for one in store.versions(state.model) if not one.torn}
    able = [period for name, period in earlier.items() if name in whole - {serves, str(tag)}]
    if not able:
        return trouble
    head = f"{tag} cannot be brought back, and these earlier champions of '{state.model}' can:"
    return "\n".join((head, *_choice(state, able), trouble))


def _choice(state: State, able: Sequence[ChampionPeriod]) -> Iterator[str]:
    """Yield the champions to choose from, most recent first, each with its command."""
    yield from _named(state, sorted(able, key=lambda period: -period.champion.seq)[:_LISTED])
    if len(able) > _LISTED:
        yield f"`promotion history {state.model} --champions` lists all {len(able)}."


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


def _files(store: ModelStore, tag: Tag, version: VersionState | None) -> str | None:
    """Return the digest of a version's files alone: from its registration, or from the store for older registrations.

    None if the store does not hold the files either.
    """
    if version and version.registration.files:
        return version.registration.files
    try:
        return store.digests(tag).files
    except (UnknownName, StoreError):
        return None
