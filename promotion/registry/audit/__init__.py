"""The audit: is what was recorded still true? Each check compares two sources and yields findings.

The chain of entries with itself and its head (`chain`), signatures with public keys (`signatures`), times with one
another (`clocks`), the Bento store with the ledger (`store`), MLflow with the ledger (`mirror`).
"""

from datetime import datetime

from promotion.errors import PromotionError
from promotion.registry.audit.chain import check_chain, check_head, check_unfinished
from promotion.registry.audit.clocks import check_clocks
from promotion.registry.audit.findings import Code as Code
from promotion.registry.audit.findings import Finding as Finding
from promotion.registry.audit.findings import Severity as Severity
from promotion.registry.audit.findings import finding
from promotion.registry.audit.mirror import check_mirror
from promotion.registry.audit.signatures import check_signatures
from promotion.registry.audit.store import check_store
from promotion.registry.entries import Head
from promotion.registry.state import fold
from promotion.seams import Keyring, LedgerStore, Mirror, ModelStore

_ATTEMPTS = 3


def audit_model(
    model: str, ledger: LedgerStore, store: ModelStore, mirror: Mirror, *, keys: Keyring | None, now: datetime
) -> tuple[Finding, ...]:
    """Every finding on one model; where the chain is broken, only that, since nothing can be held against it.

    Args:
        model: its name.
        ledger: its record.
        store: its versions.
        mirror: what MLflow shows of it.
        keys: what signatures are held against; None where none are asked for.
        now: the auditor's time.
    """
    for _ in range(_ATTEMPTS):
        before = _place(model, ledger)
        findings = _audit_once(model, ledger, store, mirror, keys, now)
        if not findings or _place(model, ledger) == before:
            break
    return findings


def _audit_once(
    model: str, ledger: LedgerStore, store: ModelStore, mirror: Mirror, keys: Keyring | None, now: datetime
) -> tuple[Finding, ...]:
    try:
        entries, head = ledger.entries(model), ledger.head(model)
        done = ledger.mirrored(model) if head else len(entries)  # the mark is the head row's; what is gone says nothing
        broken = tuple(check_chain(entries, head))
        if broken:
            return broken
        state = fold(model, entries)
        own = (
            *check_head(state, head, mirrored=done),
            *check_unfinished(state),
            *(check_signatures(entries, keys) if keys else ()),
            *check_clocks(entries, now),
        )
    except (PromotionError, TypeError, ValueError) as error:  # who writes rows by hand may leave any type, any time
        restore = "Restore the ledger from a backup, or install the release that wrote it."
        return (finding(Code.CHAIN, model, "entries that this release can read", str(error), restore),)
    return (*own, *check_store(state, store), *check_mirror(state, entries, mirror, done=done))


def _place(model: str, ledger: LedgerStore) -> Head | None:
    """Where the ledger ends; a command that goes on beside the audit moves it, and then what was read does not fit."""
    try:
        return ledger.head(model)
    except PromotionError:
        return None
