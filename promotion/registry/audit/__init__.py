"""The audit: is what was recorded still true? Each check compares two sources and yields findings.

The entries, each read once (`told`): the chain with itself and its head (`chain`), signatures with public keys
(`signatures`), times with one another (`clocks`), each decision with the policy and evidence recorded with it
(`decisions`), each champion with the decision and approvals it rests on (`grounds`). Then what is due with the time
(`soon`), the model store with the ledger
(`store`), its libraries with those installed (`libraries`), the data files (`files`), MLflow with the ledger (`mirror`)
its runs with ledger and versions (`runs`), a running service with the champion (`service`).
"""

import math
from datetime import datetime

from promotion.errors import PromotionError
from promotion.registry.audit.chain import check_head, check_unfinished
from promotion.registry.audit.findings import Code as Code
from promotion.registry.audit.findings import Finding as Finding
from promotion.registry.audit.findings import Severity as Severity
from promotion.registry.audit.libraries import check_libraries
from promotion.registry.audit.mirror import check_mirror, check_sent
from promotion.registry.audit.service import check_service
from promotion.registry.audit.soon import check_soon
from promotion.registry.audit.store import check_claim, check_store, read_store
from promotion.registry.audit.surroundings import Surroundings as Surroundings
from promotion.registry.audit.told import UNREADABLE, Told, each_entry, unreadable
from promotion.registry.claims import Claims
from promotion.registry.entries import Head
from promotion.registry.patience import patience
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
    since: datetime | None = None,
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
        since: decisions, changes of champion and clocks are looked at from then on only.
        around: what else is known where the audit runs.
    """
    for _ in range(_ATTEMPTS):
        before = _place(model, ledger)
        told = Told(model, keys, now, since)
        with patience(math.inf):  # of MLflow an answer to each question, however many there are
            findings = _audit_once(told, ledger, store, mirror, around or Surroundings())
        if not findings or _place(model, ledger) == before:
            break
    return findings


def _audit_once(
    told: Told, ledger: LedgerStore, store: ModelStore, mirror: Mirror, around: Surroundings
) -> tuple[Finding, ...]:
    model = told.model
    try:
        told.take(each_entry(ledger, model))
        head = ledger.head(model)
        broken = told.broken(head)
        if broken:
            return broken
        state = told.state
        done = ledger.mirrored(model) if head else state.seq  # the mark is the head row's; what is gone says nothing
        own = (
            *check_head(state, head, mirrored=done),
            *check_unfinished(state),
            *told.findings(),
            *check_soon(state, around.panel, told.now, told.spent),
        )
    except UNREADABLE as error:
        return (unreadable(model, str(error)),)
    claims = Claims(ledger, store)
    own = (*own, *check_claim(state, claims))
    other = claims.elsewhere(state)
    if other:  # of our own chain what MLflow was sent must be in every copy, at whatever place
        return (*own, *(check_sent(state, ledger, mirror) if other.ledger == state.origin else ()))
    stored, unread = read_store(model, store)
    shown = unread or (*check_store(state, stored, store), *check_libraries(state, stored))
    data = told.files.check(state, around.root) if around.root else ()
    served = check_service(state, around.serving) if around.serving else ()
    return (
        *own,
        *shown,
        *data,
        *served,
        *check_mirror(state, ledger, mirror, decided=told.decided, stored=stored, done=done, since=told.since),
    )


def _place(model: str, ledger: LedgerStore) -> Head | None:
    """Where the ledger ends; a command that goes on beside the audit moves it, and then what was read does not fit."""
    try:
        return ledger.head(model)
    except PromotionError:
        return None
