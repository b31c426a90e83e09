"""The champion according to the ledger and the labels, and the provenance of a version's training rows."""

from promotion.draws import UNSAID, Draws
from promotion.errors import DigestMismatch, Refused, StoreError, TornVersion, UnknownName
from promotion.interfaces import ModelStore, Stored
from promotion.ledger.state import State, VersionState
from promotion.number_format import minute
from promotion.provenance import AssumedClean, Provenance, TrainedBefore, UnknownRows
from promotion.row_keys import KnownRows
from promotion.vocabulary import Stage, Tag


def serving(state: State, store: ModelStore) -> Tag | None:
    """Return the ledger's champion; before the first promotion, the one version labelled `prod`, if any.

    Raises:
        StoreError: labels name another champion or several; or the champion is torn or missing.
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
                f"Run `promotion audit {state.model}` to see what differs, and `promotion repair {state.model}` to "
                "correct it."
            )
            raise StoreError(message, tag=champion)
        return champion
    if len(labelled) > 1:
        raise StoreError(
            f"{len(labelled)} versions of '{state.model}' have the label stage: prod ({names}), but only one can "
            "serve. For that one, run `promotion adopt TAG --assume-clean --reason …` (or --trained-before)."
        )
    return labelled[0] if labelled else None


def champion_trouble(state: State, store: ModelStore, *, whole: bool = False) -> str:
    """Say what is wrong with the champion's files and how to restore a champion; empty if they can be read.

    With `whole`, also compares the files with the registered digest, which reads every file.
    """
    if state.champion is None:
        return ""
    try:
        require_registered(store, Tag.parse(state.champion.tag), state.champion.digest if whole else None)
    except (TornVersion, UnknownName, DigestMismatch) as error:
        elsewhere = "from another host's store or a backup"
        if isinstance(error, UnknownName):
            found = f"Its folder is not in the {store.name}. Copy it there {elsewhere}"
        elif isinstance(error, TornVersion):
            found = f"{error} Then copy a complete folder into the store {elsewhere}"
        else:
            found = str(error).removesuffix(".")
        or_back = f", or bring back the previous champion with `promotion rollback {state.model} --reason …`"
        return f"The champion {state.champion.tag} cannot be used. {found}{or_back if state.previous else ''}."
    except StoreError as error:
        return f"The champion {state.champion.tag} cannot be checked here. {error}"
    return ""


def require_registered(store: ModelStore, tag: Tag, digest: str | None) -> None:
    """Check that a version is in the store and, if a digest is given, that its files are the registered ones.

    Raises:
        UnknownName: the version is not in the store.
        TornVersion: the version is torn.
        DigestMismatch: the files differ.
        StoreError: the version cannot be read.
    """
    store.get(tag)
    if digest:
        found = store.digests(tag).whole
        if found != digest:
            raise DigestMismatch(tag, digest, found)


def unfinished(state: State) -> str:
    """Say that a transition is planned and not yet applied, and what completes it; empty if there is none."""
    if state.pending is None:
        return ""
    seq, plan = state.pending
    return (
        f"The {plan.cause} recorded in entry {seq} of '{state.model}' was interrupted. To complete it, run "
        f"`promotion repair {state.model}`, or any command that changes something."
    )


def label_trouble(state: State, store: ModelStore) -> str:
    """Say that the champion's label is not `prod`, and how to rewrite it; empty if it is, or if the files are lost."""
    if state.champion is None or state.pending:
        return ""
    try:
        stage = store.get(Tag.parse(state.champion.tag)).stage
    except (StoreError, UnknownName):  # `champion_trouble` reports these
        return ""
    if stage == Stage.PROD:
        return ""
    found = f"is stage: {stage}" if stage else "is missing"
    return (
        f"The label of the champion {state.champion.tag} in the {store.name} must be stage: prod, but {found}. "
        f"Run `promotion repair {state.model}` to correct it."
    )


def labelled_prod(store: ModelStore, model: str) -> tuple[Tag, ...]:
    """Return the versions that carry the label `stage: prod`."""
    return tuple(stored.tag for stored in store.versions(model, stage=Stage.PROD))


def present(state: State, store: ModelStore, tag: Tag) -> Stored:
    """Return the version in the store, or raise an error that says what happened to it.

    Raises:
        Refused: the version was deleted or lost.
        UnknownName: no such version ever existed.
        StoreError: the version is torn or cannot be read.
    """
    version = state.versions.get(str(tag))
    if version and version.deleted_at:
        when = f"{minute(version.deleted_at)} UTC"
        message = (
            f"{tag} was deleted at {when} by {version.deleted_by}: {str(version.deleted_because).rstrip('.')}. "
            f"Run `promotion show {tag}` to see its history, or train a new version."
        )
        raise Refused(message, tag=tag)
    try:
        return store.get(tag)
    except UnknownName:
        if version is None:
            raise
        message = (
            f"{tag} was registered at {minute(version.registered_at)} UTC, but its files are no longer in "
            f"the {store.name}. Restore {store.path(tag)} from a backup, or train a new version."
        )
        raise Refused(message, tag=tag) from None


def provenance(version: VersionState, store: ModelStore, draws: Draws = UNSAID) -> Provenance:
    """Return what is known about a version's training rows: a person's adoption, or the version's own fingerprints.

    Unknown if whole groups must be clean and the version has no group fingerprints.
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
    """Say what to do about a champion whose training rows are unknown; empty if they are known."""
    version = state.versions.get(str(tag))
    if version and (version.adoption or version.registration.training_rows is not None):
        return ""
    return (
        f" Its training rows are unknown. Run `promotion adopt {tag} --trained-before TIME --reason …` (or "
        "--assume-clean, or --trained-on-everything) to record what you know about them, so that the gate can judge "
        "challengers against it."
    )
