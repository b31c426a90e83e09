"""Who serves, by the ledger and by the labels, and what is known of a version's training rows."""

from promotion.draws import UNSAID, Draws
from promotion.errors import DigestMismatch, Refused, StoreError, TornVersion, UnknownName
from promotion.holdout import AssumedClean, Provenance, TrainedBefore, UnknownRows
from promotion.interfaces import ModelStore, Stored
from promotion.ledger.state import State, VersionState
from promotion.number_format import minute
from promotion.row_keys import KnownRows
from promotion.vocabulary import Stage, Tag


def serving(state: State, store: ModelStore) -> Tag | None:
    """The champion by the ledger; before the first promotion the one version labelled `prod`, if any.

    Raises:
        StoreError: labels name another champion, or several; or the champion is not whole, or not there.
    """
    labelled = labelled_prod(store, state.model)
    names = ", ".join(map(str, labelled))
    if state.champion:
        champion, trouble = Tag.parse(state.champion.tag), champion_trouble(state, store)
        if trouble:
            raise StoreError(trouble, tag=champion)
        if any(tag != champion for tag in labelled):
            message = (
                f"The champion of '{state.model}' is {champion}, but the label stage: prod is on {names}. "
                f"`promotion audit {state.model}` shows what differs, `promotion repair {state.model}` mends it."
            )
            raise StoreError(message, tag=champion)
        return champion
    if len(labelled) > 1:
        raise StoreError(
            f"{len(labelled)} versions of '{state.model}' carry the label stage: prod ({names}), and only one can "
            "serve. Say which one does: `promotion adopt TAG --assume-clean --reason …` (or --trained-before)."
        )
    return labelled[0] if labelled else None


def champion_trouble(state: State, store: ModelStore, *, whole: bool = False) -> str:
    """What is wrong with the champion's files, and what brings a champion back; empty where they can be read.

    Args:
        state: of the model.
        store: that the files lie in.
        whole: see too that they are the ones that were registered; each is read.
    """
    if state.champion is None:
        return ""
    try:
        require_registered(store, Tag.parse(state.champion.tag), state.champion.digest if whole else None)
    except (TornVersion, UnknownName, DigestMismatch) as error:
        found = f"Its folder is not in the {store.name}." if isinstance(error, UnknownName) else str(error)
        return (
            f"The champion {state.champion.tag} cannot be used. {found} Copy it there from another host's store or a "
            f"backup, or bring back the champion before it: `promotion rollback {state.model} --reason …`."
        )
    except StoreError as error:
        return f"The champion {state.champion.tag} cannot be looked at here. {error}"
    return ""


def require_registered(store: ModelStore, tag: Tag, digest: str | None) -> None:
    """See that a version is in the store, and by its digest that its files are the ones that were registered.

    Raises:
        UnknownName: it is not there.
        TornVersion: it is not whole.
        DigestMismatch: they are others.
        StoreError: it cannot be read.
    """
    store.get(tag)
    if digest:
        found = store.digests(tag).whole
        if found != digest:
            raise DigestMismatch(tag, digest, found)


def unfinished(state: State) -> str:
    """That a transition is planned and not yet applied, and what completes it; empty where none is."""
    if state.pending is None:
        return ""
    seq, plan = state.pending
    return (
        f"The {plan.cause} of entry {seq} of '{state.model}' was interrupted before all of it was done. "
        f"`promotion repair {state.model}` (or any command that changes something) completes it."
    )


def label_trouble(state: State, store: ModelStore) -> str:
    """That the champion carries another label than `prod`, and what writes it; empty where it does not, or is lost."""
    if state.champion is None or state.pending:
        return ""
    try:
        stage = store.get(Tag.parse(state.champion.tag)).stage
    except (StoreError, UnknownName):  # of which `champion_trouble` tells
        return ""
    if stage == Stage.PROD:
        return ""
    found = f"the label stage: {stage}" if stage else "no label stage"
    return (
        f"The champion {state.champion.tag} has {found} in the {store.name}, where it must be prod. "
        f"`promotion repair {state.model}` writes it."
    )


def labelled_prod(store: ModelStore, model: str) -> tuple[Tag, ...]:
    """The versions that carry the label `stage: prod`."""
    return tuple(stored.tag for stored in store.versions(model, stage=Stage.PROD))


def present(state: State, store: ModelStore, tag: Tag) -> Stored:
    """The version in the store; where it is not there, what became of it.

    Raises:
        Refused: it was deleted, or lost.
        UnknownName: there never was such a version.
        StoreError: it is not whole, or cannot be read.
    """
    version = state.versions.get(str(tag))
    if version and version.deleted_at:
        when = f"{minute(version.deleted_at)} UTC"
        message = (
            f"{tag} was deleted at {when} by {version.deleted_by}: {version.deleted_because} "
            f"`promotion show {tag}` shows its history. Train a new version."
        )
        raise Refused(message, tag=tag)
    try:
        return store.get(tag)
    except UnknownName:
        if version is None:
            raise
        message = (
            f"{tag} was registered at {minute(version.registered_at)} UTC, and its files are no longer in "
            f"the {store.name}. Restore {store.path(tag)} from a backup, or train a new version."
        )
        raise Refused(message, tag=tag) from None


def provenance(version: VersionState, store: ModelStore, draws: Draws = UNSAID) -> Provenance:
    """What is known of the rows that trained a version: what a person vouched for, or its own fingerprints.

    Where whole groups must be clean, and the version says nothing of its groups, it is unknown.
    """
    group = draws.group if draws.clean_by else None
    rows = _of_rows(version, store, draws.group_id if group else None)
    if group and (isinstance(rows, TrainedBefore) or (isinstance(rows, KnownRows) and rows.groups is None)):
        return UnknownRows(groups=group.name, beside=rows)
    return rows


def _of_rows(version: VersionState, store: ModelStore, by: str | None) -> Provenance:
    if version.adoption is not None:
        bound = version.adoption.trained_before
        return AssumedClean() if bound is None else TrainedBefore(bound)
    return store.training_rows(Tag.parse(version.tag), by=by) or UnknownRows()


def adoption_hint(state: State, tag: Tag) -> str:
    """What to do about a champion whose training rows are unknown; nothing when they are known."""
    version = state.versions.get(str(tag))
    if version and (version.adoption or version.registration.training_rows is not None):
        return ""
    return (
        f" Its training rows are unknown: `promotion adopt {tag} --trained-before TIME --reason …` (or "
        "--assume-clean) records what you know of them, so that challengers can be judged against it."
    )
