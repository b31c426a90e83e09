"""Run one audit: compare the record with every other source and, on request, recompute decisions."""

import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from promotion.adapters.audits import remember
from promotion.adapters.checked import checked, mark_checked
from promotion.audit.chain import check_head, check_unfinished
from promotion.audit.champion import check_age, check_drift
from promotion.audit.deadlines import check_deadlines
from promotion.audit.ledger_scan import UNREADABLE, LedgerScan, each_entry, unreadable
from promotion.audit.libraries import check_libraries
from promotion.audit.mirror import check_mirror, check_sent
from promotion.audit.recent_scan import recent_scan
from promotion.audit.recompute import check_recomputed
from promotion.audit.service import check_service
from promotion.audit.store import check_claim, check_store, read_store
from promotion.errors import PromotionError
from promotion.findings import BROKEN, Finding
from promotion.interfaces import Keyring, LedgerStore, LooksAhead, Mirror, ModelStore
from promotion.iso import in_utc
from promotion.ledger.chain import Entry, Head
from promotion.ledger.reading import recorded
from promotion.ledger.trials import Place
from promotion.policy.approval import ANYONE, Panel
from promotion.progress import Progress, silent
from promotion.registry.claims import Claims
from promotion.registry.data import Reader
from promotion.registry.parts import Parts
from promotion.timeouts import patience


@dataclass(frozen=True, kw_only=True)
class AuditContext:
    """The parts of the configuration that an audit uses.

    Attributes:
        panel: who may approve promotions, and for how long.
        root: the folder that paths of data files are relative to; None to skip the data files.
        serving: URL of a service that reports its loaded version; None to skip the service.
        marks: the folder with the marks of earlier audits; None to make every decision again.
        full: whether to make every decision again and to replace the mark.
    """

    panel: Panel = ANYONE
    root: Path | None = None
    serving: str | None = None
    marks: Path | None = None
    full: bool = False


_ATTEMPTS = 3


def audit(
    model: str,
    parts: Parts,
    *,
    recompute: bool = False,
    since: datetime | None = None,
    full: bool = False,
) -> tuple[Finding, ...]:
    """Compare the record with labels, files and the mirror; see `Registry.audit`."""
    now = parts.clock().astimezone(UTC)
    begin = in_utc(since) if since else None
    found = _found(model, parts, recompute=recompute, since=begin, full=full, now=now)
    if parts.digest_cached:
        remember(parts.config.path(parts.config.cache), model, found, now, since=begin)
    return found


def _found(
    model: str, parts: Parts, *, recompute: bool, since: datetime | None, full: bool, now: datetime
) -> tuple[Finding, ...]:
    config, ledger, store = parts.config, parts.ledger, parts.store
    settings = config.models.get(model)
    context = AuditContext(
        panel=parts.panel(model),
        root=config.root,
        serving=settings.serving if settings else None,
        marks=config.path(config.cache) if parts.digest_cached else None,
        full=full,
    )
    with parts.digest_cached(full) if parts.digest_cached else nullcontext(store) as opened:
        found = audit_model(
            model,
            ledger,
            opened,
            parts.mirror,
            keys=parts.keys,
            now=now,
            since=since,
            context=context,
            progress=parts.progress,
        )
    if any(one.code in BROKEN for one in found):
        return found
    head = ledger.head(model)
    age = check_age(head.champion if head else None, settings.champion_max_age if settings else None, now)
    return (*found, *age, *(_made_again(model, parts, since) if recompute else ()))


def _made_again(model: str, parts: Parts, since: datetime | None) -> Iterator[Finding]:
    """Recompute decisions. Without `since`, the state does not rest on the checkpoint; with it, older entries stay."""
    state = parts.writer.state(model) if since else parts.writer.folded_anew(model)
    recent = recorded(parts.ledger, model, since=since)
    with TemporaryDirectory() as folder:  # for the newest rows of a URL or a query, which no record needs
        reader = Reader(parts.config.model_copy(update={"snapshots": folder}))  # a fresh one, which uses no cached rows
        yield from check_recomputed(state, recent, reader, parts.store, since=since, progress=parts.progress)
        yield from check_drift(state, parts.history(state), reader, parts.store)


def audit_model(
    model: str,
    ledger: LedgerStore,
    store: ModelStore,
    mirror: Mirror,
    *,
    keys: Keyring | None,
    now: datetime,
    since: datetime | None = None,
    context: AuditContext | None = None,
    progress: Progress = silent,
) -> tuple[Finding, ...]:
    """Return every finding on one model; if the chain is broken, only that, because nothing can be compared with it.

    With `since`, checks entries from then on, or from the checkpoint on if that is earlier, and of the versions those
    that serve or that such an entry names. Without `keys`, signatures are not required.
    """
    context = context or AuditContext()
    for _ in range(_ATTEMPTS):
        before = _place(model, ledger)
        scan = (recent_scan(ledger, model, keys, now, since) if since else None) or LedgerScan(
            model, keys, now, since, ledger.checkpoint(model), _checked(model, ledger, context)
        )
        with patience(math.inf):  # limits each request to MLflow, not their total
            findings = _audit_once(scan, ledger, store, mirror, context, progress)
        if context.marks and scan.sound and scan.sound != scan.checked:
            mark_checked(context.marks, model, scan.sound)
        if not findings or _place(model, ledger) == before:
            break
    return findings


def _audit_once(
    scan: LedgerScan,
    ledger: LedgerStore,
    store: ModelStore,
    mirror: Mirror,
    context: AuditContext,
    progress: Progress,
) -> tuple[Finding, ...]:
    model = scan.model
    try:
        if scan.only is None and isinstance(store, LooksAhead):
            store.look_ahead(model)
        head = ledger.head(model)
        scan.take(_reported(each_entry(ledger, model, scan.after), head, progress))
        head = ledger.head(model)
        broken = scan.broken(head)
        if broken:
            return broken
        state = scan.state
        done = ledger.mirrored(model) if head else state.seq  # the head row holds the mark; without it, there is none
        own = (
            *check_head(state, head, mirrored=done),
            *check_unfinished(state),
            *scan.findings(),
            *check_deadlines(state, context.panel, scan.now, scan.spent),
        )
    except UNREADABLE as error:
        return (unreadable(model, str(error)),)
    claims = Claims(ledger, store)
    own = (*own, *check_claim(state, claims))
    other = claims.elsewhere(state)
    if other:  # MLflow was sent entries of this chain, so every copy must hold them, at any place
        return (*own, *(check_sent(state, ledger, mirror) if other.ledger == state.origin else ()))
    stored, unread = read_store(model, store)
    shown = unread or (
        *check_store(state, stored, store, scan.only, progress),
        *check_libraries(state, stored, scan.only),
    )
    data = scan.files.check(state, context.root, scan.only) if context.root else ()
    served = check_service(state, context.serving) if context.serving else ()
    progress(f"Comparing MLflow with the ledger of {model}")
    return (
        *own,
        *shown,
        *data,
        *served,
        *check_mirror(state, ledger, mirror, decided=scan.decided, stored=stored, done=done, only=scan.only),
    )


def _checked(model: str, ledger: LedgerStore, context: AuditContext) -> Place | None:
    """Return the mark of an earlier audit, if this chain still has the entry with its hash."""
    place = checked(context.marks, model) if context.marks and not context.full else None
    if place is None:
        return None
    try:
        return (
            place if [one.hash for one in ledger.entries(model, after=place.seq - 1, limit=1)] == [place.hash] else None
        )
    except UNREADABLE:
        return None


def _reported(entries: Iterator[Entry], head: Head | None, progress: Progress) -> Iterator[Entry]:
    """Yield the entries, and report every thousandth."""
    for entry in entries:
        if head and entry.seq % 1000 == 1:
            progress(f"Reading the ledger of {head.model}", entry.seq - 1, head.seq)
        yield entry


def _place(model: str, ledger: LedgerStore) -> Head | None:
    """Return the ledger's head, to detect a command that wrote during the audit, which makes its reads inconsistent."""
    try:
        return ledger.head(model)
    except PromotionError:
        return None
