"""The audit: is what was recorded still true? Each check compares two sources and yields findings.

The chain of entries with itself and its head (`chain`), signatures with public keys (`signatures`), times with one
another (`clocks`), each decision with the policy and evidence recorded with it (`decisions`), each champion with the
decision and approvals it rests on (`grounds`), what is due with the time (`soon`), the Bento store with the ledger
(`store`), its libraries with those installed (`libraries`), the data files (`files`), MLflow with the ledger (`mirror`)
its runs with ledger and versions (`runs`), a running service with the champion (`service`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from promotion.errors import PromotionError
from promotion.registry.audit.chain import check_chain, check_head, check_unfinished
from promotion.registry.audit.clocks import check_clocks
from promotion.registry.audit.decisions import check_decision
from promotion.registry.audit.files import check_files
from promotion.registry.audit.findings import Code as Code
from promotion.registry.audit.findings import Finding as Finding
from promotion.registry.audit.findings import Severity as Severity
from promotion.registry.audit.findings import finding
from promotion.registry.audit.grounds import Grounds
from promotion.registry.audit.libraries import check_libraries
from promotion.registry.audit.mirror import check_mirror
from promotion.registry.audit.runs import Decided, logged_metrics
from promotion.registry.audit.service import check_service
from promotion.registry.audit.signatures import check_signatures
from promotion.registry.audit.soon import check_soon
from promotion.registry.audit.store import check_store, read_store
from promotion.registry.audit.surroundings import Surroundings as Surroundings
from promotion.registry.entries import Entry, Head, Judgement
from promotion.registry.mirroring import decision_metrics
from promotion.registry.state import fold
from promotion.seams import Keyring, LedgerStore, Mirror, ModelStore

_ATTEMPTS = 3


def audit_model(
    model: str,
    ledger: LedgerStore,
    store: ModelStore,
    mirror: Mirror,
    *,
    keys: Keyring | None,
    now: datetime,
    around: Surroundings | None = None,
) -> tuple[Finding, ...]:
    """Every finding on one model; where the chain is broken, only that, since nothing can be held against it.

    Args:
        model: its name.
        ledger: its record.
        store: its versions.
        mirror: what MLflow shows of it.
        keys: what signatures are held against; None where none are asked for.
        now: the auditor's time.
        around: what else is known where the audit runs.
    """
    for _ in range(_ATTEMPTS):
        before = _place(model, ledger)
        findings = _audit_once(model, ledger, store, mirror, keys, now, around or Surroundings())
        if not findings or _place(model, ledger) == before:
            break
    return findings


def _audit_once(
    model: str,
    ledger: LedgerStore,
    store: ModelStore,
    mirror: Mirror,
    keys: Keyring | None,
    now: datetime,
    around: Surroundings,
) -> tuple[Finding, ...]:
    try:
        entries, head = ledger.entries(model), ledger.head(model)
        done = ledger.mirrored(model) if head else len(entries)  # the mark is the head row's; what is gone says nothing
        broken = tuple(check_chain(entries, head))
        if broken:
            return broken
        state = fold(model, entries)
        told, decided = _check_told(entries)
        own = (
            *check_head(state, head, mirrored=done),
            *check_unfinished(state),
            *(check_signatures(entries, keys) if keys else ()),
            *check_clocks(entries, now),
            *told,
            *check_soon(state, around.panel, now),
        )
    except (PromotionError, TypeError, ValueError) as error:  # who writes rows by hand may leave any type, any time
        restore = "Restore the ledger from a backup, or install the release that wrote it."
        return (finding(Code.CHAIN, model, "entries that this release can read", str(error), restore),)
    stored, unread = read_store(model, store)
    shown = unread or (*check_store(state, stored, store), *check_libraries(state, stored))
    data = check_files(state, entries, around.root) if around.root else ()
    served = check_service(state, around.serving) if around.serving else ()
    return (
        *own,
        *shown,
        *data,
        *served,
        *check_mirror(state, entries, mirror, decided=decided, logged=logged_metrics(stored.values()), done=done),
    )


def _check_told(entries: Sequence[Entry]) -> tuple[list[Finding], Mapping[str, Decided]]:
    """Each entry read once: what is wrong with decisions and champions, and the numbers of decisions by tag."""
    grounds, found = Grounds(), list[Finding]()
    decided: dict[str, list[tuple[int, Mapping[str, float]]]] = {}
    for entry in entries:
        body = entry.content()
        found += grounds.take(entry, body)
        if isinstance(body, Judgement):
            found += check_decision(entry.seq, body)
            decided.setdefault(body.tag, []).append((entry.seq, decision_metrics(body.decision)))
    return found, decided


def _place(model: str, ledger: LedgerStore) -> Head | None:
    """Where the ledger ends; a command that goes on beside the audit moves it, and then what was read does not fit."""
    try:
        return ledger.head(model)
    except PromotionError:
        return None
