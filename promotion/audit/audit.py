"""One audit: what is recorded is held against all else, and, when asked, decisions are made again."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from promotion.audit.chain import check_head, check_unfinished
from promotion.audit.champion import check_age, check_drift
from promotion.audit.context import AuditContext
from promotion.audit.deadlines import check_soon
from promotion.audit.ledger_scan import UNREADABLE, LedgerScan, each_entry, unreadable
from promotion.audit.libraries import check_libraries
from promotion.audit.mirror import check_mirror, check_sent
from promotion.audit.recompute import check_recomputed
from promotion.audit.service import check_service
from promotion.audit.store import check_claim, check_store, read_store
from promotion.config import Config
from promotion.errors import PromotionError
from promotion.findings import BROKEN, Finding
from promotion.interfaces import Keyring, LedgerStore, Mirror, ModelStore
from promotion.ledger.chain import Head
from promotion.ledger.state import fold
from promotion.patience import patience
from promotion.policy.approval import ANYONE
from promotion.registry.claims import Claims
from promotion.registry.data import Reader

_ATTEMPTS = 3


def audit(
    model: str,
    *,
    config: Config,
    ledger: LedgerStore,
    store: ModelStore,
    mirror: Mirror,
    keys: Keyring | None,
    now: datetime,
    recompute: bool = False,
    since: datetime | None = None,
    full: bool = False,
    remembering: Callable[[bool], AbstractContextManager[ModelStore]] | None = None,
) -> tuple[Finding, ...]:
    """Compare the record with labels, files and the mirror; see `Registry.audit`.

    `remembering` opens the store so that only files are hashed that look different from the last time; all when called
    with True. Nothing that is loaded, scored or promoted comes through it.
    """
    settings = config.models.get(model)
    around = AuditContext(
        panel=settings.policy.panel if settings else ANYONE,
        root=config.root,
        serving=settings.serving if settings else None,
    )
    with remembering(full) if remembering else nullcontext(store) as opened:
        found = audit_model(model, ledger, opened, mirror, keys=keys, now=now, since=since, around=around)
    if any(one.code in BROKEN for one in found):
        return found
    head = ledger.head(model)
    age = check_age(head.champion if head else None, settings.champion_max_age if settings else None, now)
    return (*found, *age, *(_made_again(model, config, ledger, store, since) if recompute else ()))


def _made_again(
    model: str, config: Config, ledger: LedgerStore, store: ModelStore, since: datetime | None
) -> Iterator[Finding]:
    entries = ledger.entries(model)
    state, reader = fold(model, entries), Reader(config)  # which rereads what is kept elsewhere
    yield from check_recomputed(state, entries, reader, store, since=since)
    yield from check_drift(state, entries, reader, store)


def audit_model(
    model: str,
    ledger: LedgerStore,
    store: ModelStore,
    mirror: Mirror,
    *,
    keys: Keyring | None,
    now: datetime,
    since: datetime | None = None,
    around: AuditContext | None = None,
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
        told = LedgerScan(model, keys, now, since)
        with patience(math.inf):  # of MLflow an answer to each question, however many there are
            findings = _audit_once(told, ledger, store, mirror, around or AuditContext())
        if not findings or _place(model, ledger) == before:
            break
    return findings


def _audit_once(
    told: LedgerScan, ledger: LedgerStore, store: ModelStore, mirror: Mirror, around: AuditContext
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
