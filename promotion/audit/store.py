"""Compare the model store with the ledger: labels, missing or extra versions, files, and foreign folders."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from promotion.errors import PromotionError, StoreError
from promotion.findings import Code, Finding, Severity, finding
from promotion.interfaces import ForeignFile, ModelStore, Stored, StoreMaintenance
from promotion.ledger.state import State
from promotion.progress import Progress, counted, silent
from promotion.registry.claims import Claims
from promotion.vocabulary import Stage, Tag

_NEEDED = {Stage.PROD, Stage.STAGING}


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
        expected = f"a file that names the ledger of '{state.model}'"
        mend = (
            f"Restore that file from a backup. Or delete it, and run `promotion repair {state.model}` with the ledger "
            "that owns the model, which writes it again."
        )
        yield finding(Code.STORE, f"ledger of {state.model}", expected, str(error), mend)
        return
    if claim:
        expected = f"a model that belongs to the ledger at {claims.place}"
        found, mend = claims.sentence(state.model, claim, state.origin), claims.way_out(state.model, claim)
        yield finding(Code.OTHER_LEDGER, state.model, expected, found, mend)
    if missing:
        expected = f"a store that names the ledger at {claims.place} as the owner of the model"
        found = "no owner, because an earlier release wrote the store or somebody deleted the file that names it"
        mend = f"Run `promotion repair {state.model}`. Until then, another ledger could take the model."
        yield finding(Code.UNCLAIMED, state.model, expected, found, mend)


def check_store(
    state: State,
    stored: Mapping[str, Stored],
    store: ModelStore,
    only: Collection[str] | None = None,
    progress: Progress = silent,
) -> Iterator[Finding]:
    """Yield every finding on the store. `only` names the versions whose files are hashed; None for all."""
    try:
        strange = store.foreign_files(state.model) if isinstance(store, StoreMaintenance) else ()
    except (PromotionError, OSError) as error:
        yield _unreadable(store, error)
        return
    whole = {tag: one for tag, one in stored.items() if one.torn is None}
    yield from _check_shape(state.model, stored, {foreign.path: foreign for foreign in strange})
    yield from _check_labels(state, whole, store)
    yield from _check_presence(state, stored, store)
    yield from _check_files(state, whole, store, only, progress)


def _unreadable(store: ModelStore, error: Exception) -> Finding:
    mend = "Check that the folder exists and that this user can read it, and run `promotion audit` again."
    return finding(Code.STORE, store.name, "folders that can be read", str(error), mend)


def _check_shape(model: str, stored: Mapping[str, Stored], strange: Mapping[Path, ForeignFile]) -> Iterator[Finding]:
    """Check that every version is whole, and that no foreign file lies among the versions or the models."""
    repair = f"Run `promotion repair {model}` to move the whole folder out of the store."
    look = "Do what the finding says, and run `promotion audit` again."
    torn = {one.path: tag for tag, one in stored.items() if one.torn}
    for path, tag in torn.items():
        yield finding(Code.TORN, tag, "a complete version", stored[tag].torn or "", repair if path in strange else look)
    for path, foreign in strange.items():
        if path not in torn:
            yield finding(Code.FOREIGN_FILE, str(path), "only versions of models", foreign.why, repair)


def _check_labels(state: State, whole: Mapping[str, Stored], store: ModelStore) -> Iterator[Finding]:
    """Check that every label matches the ledger, and that only the champion carries `prod`."""
    champion = state.champion.tag if state.champion else None
    mend = f"Run `promotion repair {state.model}` to write the ledger's stage."
    if champion and champion not in whole:
        mend = f"Put {champion} into this store, then run `promotion repair {state.model}` to write the ledger's stage."
    stages = state.versions.stages
    for tag, one in whole.items():
        known, stage = tag in state.versions, stages.get(tag)
        if known and state.versions.deleted(tag):
            continue
        if tag == champion:
            if one.stage != Stage.PROD:
                expected = "label stage: prod, because it is the champion"
                yield finding(Code.CHAMPION_LABEL, tag, expected, f"stage: {one.stage}", mend)
        elif one.stage == Stage.PROD and stage in {None, Stage.PROD}:
            yield _foreign(state, tag)
        elif stage and one.stage != stage:
            yield finding(Code.LABEL, tag, f"label stage: {stage}", f"stage: {one.stage}", mend)
        elif not known and state.seq:
            mends = f"Register and judge it with `promotion gate {tag}`, or delete it with `{_deleting(store, tag)}`."
            yield finding(Code.UNRECORDED, tag, "a registered version", "a version that nobody registered", mends)


def _foreign(state: State, tag: str) -> Finding:
    if state.champion:
        mend = f"Return it to staging with `promotion repair {state.model}`, then judge it with `promotion gate {tag}`."
        only = f"label stage: prod only on {state.champion.tag}"
        return finding(Code.FOREIGN_PROD, tag, only, "stage: prod, written by someone else", mend)
    return finding(
        Code.FOREIGN_PROD,
        tag,
        "a champion in the ledger",
        "stage: prod on a version that is not recorded as champion",
        f"Run `promotion adopt {tag}` to record it as the champion.",
        severity=Severity.WARNING,
    )


def _check_presence(state: State, stored: Mapping[str, Stored], store: ModelStore) -> Iterator[Finding]:
    """Check that every version that serves, waits or may be brought back is there, and that deleted ones are not."""
    previous = state.previous
    for tag, stage in state.versions.stages.items():
        if tag in stored and stage is None and (deleted := state.versions[tag].deleted_at):
            yield finding(
                Code.NOT_DELETED,
                tag,
                f"no files, because they were deleted on {deleted[:10]}",
                f"its folder with label stage: {stored[tag].stage}",
                f"Delete it with `{_deleting(store, tag)}`. It has not been judged since it was restored.",
            )
        elif tag not in stored and (stage in _NEEDED or (stage and tag == previous)):
            yield _missing(state, tag, stage)


def _deleting(store: ModelStore, tag: str) -> str:
    return store.delete_command.format(tag=tag)


def _missing(state: State, tag: str, stage: str) -> Finding:
    model = state.model
    if stage == Stage.PROD:
        mend = (
            "Copy the folder into the store from another host's store or a backup, or bring back the previous champion "
            f"with `promotion rollback {model}`."
        )
    elif stage == Stage.STAGING:
        mend = "Restore it from a backup, or retrain."
    else:  # the previous champion
        mend = "Restore it from a backup. Until then, a rollback lists the other champions that it can bring back."
    expected = f"the folder of a version in {stage}"
    return finding(Code.MISSING, tag, expected, "no folder in the store", mend)


def _check_files(
    state: State, whole: Mapping[str, Stored], store: ModelStore, only: Collection[str] | None, progress: Progress
) -> Iterator[Finding]:
    """Check that every version's files have their registered digest."""
    hashed = [tag for tag in state.versions if tag in whole and (only is None or tag in only)]
    for tag in counted(progress, f"Hashing the files of {state.model}", hashed, len(hashed)):
        version = state.versions[tag]
        if version.deleted_at:
            continue
        expected = f"files with digest {version.registration.digest[:12]}"
        mend = "Restore the version from a backup, or retrain. Until then, no command loads it."
        try:
            found = store.digests(Tag.parse(tag)).whole
        except (PromotionError, OSError) as error:
            yield finding(Code.FILES, tag, expected, str(error), mend)
            continue
        if found != version.registration.digest:
            yield finding(Code.FILES, tag, expected, f"digest {found[:12]}", mend)
