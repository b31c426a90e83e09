"""Rolled-back versions: they serve again only after a person overrides or readmits them, whatever a decision says."""

from promotion.errors import Refused, StoreError, UnknownName
from promotion.interfaces import ModelStore
from promotion.ledger.state import RolledBack, State, VersionState
from promotion.number_format import minute
from promotion.policy import Check, Decision, Kind
from promotion.vocabulary import Outcome, Tag


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
    backs = state.versions.rolled_back
    return tuple(state.versions[tag] for tag in sorted(backs, key=lambda tag: -backs[tag].seq))


def check_readmitted(tag: Tag, version: VersionState | None) -> None:
    """Check that no rollback blocks a version. `version` is the result of `blocking`."""
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
    back = rolled_back_sentence(version, version.rolled_back)
    twin = "" if version.tag == str(tag) else f" {tag} has identical files."
    return (
        f"{back}.{twin} Promote it with `promotion promote {tag} --override --reason …`, or let the gate judge it "
        f"again with `promotion readmit {version.tag} --reason …`."
    )


def rolled_back_sentence(version: VersionState, back: RolledBack) -> str:
    """Return `os:alice rolled back from toy:tuesday at 2026-11-25 18:40 UTC: 'merchants complain'`."""
    return f"{back.actor} rolled back from {version.tag} at {minute(back.at)} UTC: '{back.reason.rstrip('.')}'"


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
