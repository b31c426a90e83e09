"""The audit: is what was recorded still true? Each check compares two sources and yields findings."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from promotion.canonical import digest
from promotion.errors import LedgerError, MirrorError, StoreError
from promotion.registry.entries import GENESIS, Entry, Head, Judgement
from promotion.registry.mirroring import aliases, decision_metrics
from promotion.registry.state import State, fold
from promotion.seams import LedgerStore, Mirror, ModelStore, Stored
from promotion.vocabulary import Stage, Tag

_TOLERANCE = 1e-9


class Severity(StrEnum):
    """How bad a finding is: an `error` may mean that the wrong model serves or that a record is false."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it was recorded.

    Attributes:
        code: stable, e.g. `AUD011`.
        severity: how bad it is.
        subject: the entry, version or alias concerned.
        expected: what the record says.
        found: what is there.
        mend: what to do.
    """

    code: str
    severity: Severity
    subject: str
    expected: str
    found: str
    mend: str


def audit_model(model: str, ledger: LedgerStore, store: ModelStore, mirror: Mirror) -> tuple[Finding, ...]:
    """Every finding on one model; where the chain is broken, only that, since nothing can be held against it."""
    try:
        entries, head = ledger.entries(model), ledger.head(model)
        broken = tuple(check_chain(entries, head))
        if broken:
            return broken
        state = fold(model, entries)
    except LedgerError as error:
        return (_error("AUD001", model, "entries that this release can read", str(error), "Restore the ledger."),)
    stored = {str(one.tag): one for one in store.versions(model)}
    return (
        *check_head(state, head),
        *check_unfinished(state),
        *check_labels(state, stored),
        *check_files(state, stored, store),
        *check_mirror(state, entries, mirror, done=ledger.mirrored(model)),
    )


def check_chain(entries: Sequence[Entry], head: Head | None) -> Iterator[Finding]:
    """Every entry follows the one before, is hashed right, and the last one is the head's."""
    seq, prev_hash = 0, GENESIS
    restore = "The ledger was changed from outside. Restore it from a backup."
    for entry in entries:
        subject = f"entry {entry.seq}"
        if entry.seq != seq + 1:
            yield _error("AUD001", subject, f"entry {seq + 1} to come next", f"entry {entry.seq}", restore)
        if entry.prev_hash != prev_hash:
            yield _error("AUD001", subject, f"to follow hash {prev_hash[:12]}", entry.prev_hash[:12], restore)
        if entry.hash != entry.expected_hash():
            yield _error("AUD001", subject, f"hash {entry.expected_hash()[:12]}", entry.hash[:12], restore)
        seq, prev_hash = entry.seq, entry.hash
    for changed in _changed_decisions(entries):
        yield _error("AUD003", changed, "a decision with the digest recorded beside it", "another digest", restore)
    if head is not None and (head.seq, head.hash) != (seq, prev_hash):
        ends = f"entry {head.seq} with hash {head.hash[:12]} at the end"
        yield _error("AUD002", "head", ends, f"entry {seq} with hash {prev_hash[:12]}", restore)


def check_head(state: State, head: Head | None) -> Iterator[Finding]:
    """The head names the champion that the entries give."""
    if head != state.head:
        expected, found = (_tag_of(one) for one in (state.head, head))
        mend = "The ledger was changed from outside. Restore it from a backup."
        yield _error("AUD002", "head", f"champion {expected}", f"champion {found}", mend)


def check_unfinished(state: State) -> Iterator[Finding]:
    """No transition is planned and not applied."""
    if state.pending:
        seq, plan = state.pending
        yield _warning(
            "AUD004",
            f"entry {seq}",
            f"the {plan.cause} to be applied",
            "it was interrupted before all labels were written",
            f"`promotion repair {state.model}` completes it.",
        )


def check_labels(state: State, stored: Mapping[str, Stored]) -> Iterator[Finding]:
    """Every label is the ledger's, one version carries `prod`, and no version is torn or gone."""
    mend = f"`promotion repair {state.model}` writes the ledger's stage."
    for tag, one in stored.items():
        known = state.versions.get(tag)
        if one.torn:
            yield _error("AUD013", tag, "a whole version", one.torn, "Move its folder out of the store.")
        elif one.stage == Stage.PROD and tag != _champion_tag(state) and (known is None or known.stage is Stage.PROD):
            yield _foreign(state, tag)
        elif known and known.stage and one.stage != known.stage.value and tag != _champion_tag(state):
            yield _error("AUD011", tag, f"label stage: {known.stage}", f"stage: {one.stage}", mend)
    for known in state.versions.values():
        if known.tag not in stored and known.stage in {Stage.PROD, Stage.STAGING}:
            yield _error("AUD014", known.tag, f"the version in {known.stage}", "no folder in the store", "Restore it.")
    champion = stored.get(_champion_tag(state) or "")
    if champion and not champion.torn and champion.stage != Stage.PROD:
        found = f"stage: {champion.stage}"
        yield _error("AUD010", str(champion.tag), "label stage: prod, since it is the champion", found, mend)


def check_files(state: State, stored: Mapping[str, Stored], store: ModelStore) -> Iterator[Finding]:
    """Every version's files have the digest of their registration."""
    for tag, known in state.versions.items():
        if tag not in stored or stored[tag].torn:
            continue
        try:
            found = store.digest(Tag.parse(tag))
        except (StoreError, OSError) as error:
            yield _error("AUD020", tag, "files that can be read", str(error), "Restore the version from a backup.")
            continue
        if found != known.registration.digest:
            yield _error(
                "AUD020",
                tag,
                f"files with digest {known.registration.digest[:12]}",
                found[:12],
                "Restore the version from a backup, or retrain; it will not be loaded.",
            )


def check_mirror(state: State, entries: Sequence[Entry], mirror: Mirror, *, done: int) -> Iterator[Finding]:
    """Aliases, stages and metrics in MLflow are the ledger's."""
    mend = f"`promotion repair {state.model}` sends them again."
    try:
        if state.seq and done < state.seq:
            ends = f"entry {done}"
            yield _warning("AUD033", "mirror", f"up to date to entry {state.seq}", ends, "`promotion sync`.")
            return
        yield from _check_aliases(state, mirror.aliases(state.model), mend)
        yield from _check_stages(state, mirror.stages(state.model), mend)
        yield from _check_metrics(state, entries, mirror)
    except MirrorError as error:
        yield _warning("AUD034", "mirror", "MLflow to answer", str(error), "Start it, and run the audit again.")


def _check_aliases(state: State, found: Mapping[str, str], mend: str) -> Iterator[Finding]:
    expected = {alias: str(tag) for alias, tag in aliases(state).items()}
    for alias in ("champion", "challenger", "previous"):
        if expected.get(alias) != found.get(alias):
            wanted = expected.get(alias, "no version")
            yield _error("AUD030", f"alias {alias}", wanted, found.get(alias, "no version"), mend)


def _check_stages(state: State, found: Mapping[str, str], mend: str) -> Iterator[Finding]:
    for known in state.versions.values():
        if known.stage and found.get(known.tag) != known.stage.value:
            missing = found.get(known.tag, "no such version in MLflow")
            yield _error("AUD031", known.tag, f"stage {known.stage} in MLflow", missing, mend)


def _check_metrics(state: State, entries: Sequence[Entry], mirror: Mirror) -> Iterator[Finding]:
    """Each number of each decision stands in the challenger's run; MLflow lets anyone write another over it."""
    for entry in entries:
        body = entry.content()
        if not isinstance(body, Judgement):
            continue
        run_id = state.versions[body.tag].registration.run_id
        expected = decision_metrics(body.decision)
        if run_id is None or not expected:
            continue
        found = mirror.metrics(run_id, expected, entry.seq)
        for name, value in expected.items():
            if name not in found or not math.isclose(found[name], value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
                yield _error(
                    "AUD032",
                    f"{name} of {body.tag}",
                    f"{value!r}, as decided in entry {entry.seq}",
                    repr(found[name]) if name in found else "no such metric in the run",
                    f"Trust the ledger; run {run_id} in MLflow was changed from outside.",
                )


def _foreign(state: State, tag: str) -> Finding:
    if state.champion:
        mend = f"`promotion repair {state.model}` returns it to staging; `promotion gate {tag}` judges it."
        return _error(
            "AUD012", tag, f"only {state.champion.tag} in prod", "stage: prod, put there by someone else", mend
        )
    mend = f"`promotion adopt {tag}` makes it the champion of record."
    return _warning("AUD012", tag, "a champion that the ledger knows", "stage: prod on an unrecorded version", mend)


def _changed_decisions(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.kind == "decision" and digest(entry.body.get("decision")) != entry.body.get("decision_digest"):
            yield f"entry {entry.seq}"


def _tag_of(head: Head | None) -> str:
    return head.champion.tag if head and head.champion else "none"


def _champion_tag(state: State) -> str | None:
    return state.champion.tag if state.champion else None


def _error(code: str, subject: str, expected: str, found: str, mend: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, subject=subject, expected=expected, found=found, mend=mend)


def _warning(code: str, subject: str, expected: str, found: str, mend: str) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, subject=subject, expected=expected, found=found, mend=mend)
