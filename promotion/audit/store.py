"""Compare the model store with the ledger: labels, missing or extra versions, files, and foreign folders."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from promotion.errors import PromotionError, StoreError
from promotion.findings import Code, Finding, Severity, finding
from promotion.interfaces import ForeignFile, ModelStore, Stored, StoreMaintenance
from promotion.ledger.state import State, VersionState
from promotion.registry.claims import Claims
from promotion.vocabulary import Stage, Tag


def read_store(model: str, store: ModelStore) -> tuple[Mapping[str, Stored], tuple[Finding, ...]]:
    """Return a model's versions by tag; if they cannot be read, none, and a finding that says so."""
    try:
        return {str(one.tag): one for one in store.versions(model)}, ()
    except (PromotionError, OSError) as error:
        return {}, (_unreadable(store, error),)


def check_claim(state: State, claims: Claims) -> Iterator[Finding]:
    """Check that the model in the store belongs to this ledger, and that the store says so."""
    try:
        claim, missing = claims.other(state.model, state.origin), claims.missing(state)
    except StoreError as error:
        expected = f"a file that says which ledger '{state.model}' belongs to"
        mend = (
            "Restore that file from a backup; or delete it and, with the ledger that the model belongs to, run "
            f"`promotion repair {state.model}`, which writes it again."
        )
        yield finding(Code.STORE, f"ledger of {state.model}", expected, str(error), mend)
        return
    if claim:
        expected = f"a model of the ledger at {claims.place}"
        found, mend = claims.told(state.model, claim, state.origin), claims.way_out(state.model, claim)
        yield finding(Code.OTHER_LEDGER, state.model, expected, found, mend)
    if missing:
        expected = f"a store that says that the model is the ledger's at {claims.place}"
        found = "no ledger named there, as an earlier release left it or somebody deleted it; any other could take it"
        mend = f"`promotion repair {state.model}` writes it, and so does the next change."
        yield finding(Code.UNCLAIMED, state.model, expected, found, mend)


def check_store(state: State, stored: Mapping[str, Stored], store: ModelStore) -> Iterator[Finding]:
    """Yield every finding on the store."""
    try:
        strange = store.foreign_files() if isinstance(store, StoreMaintenance) else ()
    except (PromotionError, OSError) as error:
        yield _unreadable(store, error)
        return
    whole = {tag: one for tag, one in stored.items() if one.torn is None}
    yield from _check_shape(state.model, stored, {foreign.path: foreign for foreign in strange})
    yield from _check_labels(state, whole, store)
    yield from _check_presence(state, stored, store)
    yield from _check_files(state, whole, store)


def _unreadable(store: ModelStore, error: Exception) -> Finding:
    mend = "See that the folder is there and may be read, and run the audit again."
    return finding(Code.STORE, store.name, "folders that can be read", str(error), mend)


def _check_shape(model: str, stored: Mapping[str, Stored], strange: Mapping[Path, ForeignFile]) -> Iterator[Finding]:
    """Check that every version is whole, and that no foreign file lies among the versions or the models."""
    repair = f"`promotion repair {model}` moves it out of the store, whole."
    look = "Follow that advice, then run the audit again."
    torn = {one.path: tag for tag, one in stored.items() if one.torn}
    for path, tag in torn.items():
        yield finding(Code.TORN, tag, "a whole version", stored[tag].torn or "", repair if path in strange else look)
    for path, foreign in strange.items():
        if path not in torn and foreign.model in {model, None}:
            yield finding(Code.FOREIGN_FILE, str(path), "versions of models only", foreign.why, repair)


def _check_labels(state: State, whole: Mapping[str, Stored], store: ModelStore) -> Iterator[Finding]:
    """Check that every label matches the ledger, and that only the champion carries `prod`."""
    champion = state.champion.tag if state.champion else None
    mend = f"`promotion repair {state.model}` writes the ledger's stage."
    if champion and champion not in whole:
        mend = f"It stays until {champion} is in this store; then `promotion repair {state.model}` restores it."
    for tag, one in whole.items():
        version = state.versions.get(tag)
        if version and version.deleted_at:
            continue
        if tag == champion:
            if one.stage != Stage.PROD:
                expected = "label stage: prod, since it is the champion"
                yield finding(Code.CHAMPION_LABEL, tag, expected, f"stage: {one.stage}", mend)
        elif one.stage == Stage.PROD and (version is None or version.stage in {None, Stage.PROD}):
            yield _foreign(state, tag)
        elif version and version.stage and one.stage != version.stage:
            yield finding(Code.LABEL, tag, f"label stage: {version.stage}", f"stage: {one.stage}", mend)
        elif version is None and state.seq:
            mends = f"`promotion gate {tag}` registers and judges it; `{_deleting(store, tag)}` removes it."
            yield finding(Code.UNRECORDED, tag, "a version that the ledger knows", "one that nobody registered", mends)


def _foreign(state: State, tag: str) -> Finding:
    if state.champion:
        mend = f"`promotion repair {state.model}` returns it to staging; `promotion gate {tag}` judges it."
        only = f"only {state.champion.tag} in prod"
        return finding(Code.FOREIGN_PROD, tag, only, "stage: prod, put there by someone else", mend)
    return finding(
        Code.FOREIGN_PROD,
        tag,
        "a champion that the ledger knows",
        "stage: prod on an unrecorded version",
        f"`promotion adopt {tag}` makes it the champion of record.",
        severity=Severity.WARNING,
    )


def _check_presence(state: State, stored: Mapping[str, Stored], store: ModelStore) -> Iterator[Finding]:
    """Check that every version that serves, waits or may be brought back is there, and that deleted ones are not."""
    for tag, version in state.versions.items():
        if version.deleted_at and tag in stored:
            yield finding(
                Code.NOT_DELETED,
                tag,
                f"no files, since they were deleted on {version.deleted_at[:10]}",
                f"its folder with label stage: {stored[tag].stage}",
                f"`{_deleting(store, tag)}` removes it; nobody judged it since it was brought back.",
            )
        elif tag not in stored and version.deleted_at is None:
            yield from _missing(state, version)


def _deleting(store: ModelStore, tag: str) -> str:
    return store.delete_command.format(tag=tag)


def _missing(state: State, version: VersionState) -> Iterator[Finding]:
    model, tag = state.model, version.tag
    if version.stage is Stage.PROD:
        mend = (
            "Copy it there from another host's store or a backup, or bring back the champion before it: "
            f"`promotion rollback {model}`."
        )
    elif version.stage is Stage.STAGING:
        mend = "Restore it from a backup, or retrain."
    elif tag == state.previous:
        mend = "Restore it from a backup; until then a rollback lists the other champions that can be brought back."
    else:
        return
    expected = f"the version in {version.stage}"
    yield finding(Code.MISSING, tag, expected, "no folder in the store", mend)


def _check_files(state: State, whole: Mapping[str, Stored], store: ModelStore) -> Iterator[Finding]:
    """Check that every version's files have their registered digest."""
    for tag, version in state.versions.items():
        if tag not in whole or version.deleted_at:
            continue
        expected = f"files with digest {version.registration.digest[:12]}"
        mend = "Restore the version from a backup, or retrain; it will not be loaded."
        try:
            found = store.digests(Tag.parse(tag)).whole
        except (PromotionError, OSError) as error:
            yield finding(Code.FILES, tag, expected, str(error), mend)
            continue
        if found != version.registration.digest:
            yield finding(Code.FILES, tag, expected, f"digest {found[:12]}", mend)
