"""One audit: what is recorded is held against all else, and, when asked, decisions are made again."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

from promotion.audit.champion import check_age, check_drift
from promotion.audit.context import AuditContext
from promotion.audit.model import audit_model
from promotion.audit.recompute import check_recomputed
from promotion.config import Config
from promotion.findings import BROKEN, Finding
from promotion.interfaces import LedgerStore, ModelStore
from promotion.iso import in_utc
from promotion.ledger.state import fold
from promotion.registry.data import Reader
from promotion.registry.parts import Parts


def audit(
    model: str,
    parts: Parts,
    *,
    recompute: bool = False,
    since: datetime | None = None,
    full: bool = False,
    digest_cached: Callable[[bool], AbstractContextManager[ModelStore]] | None = None,
) -> tuple[Finding, ...]:
    """Compare the record with labels, files and the mirror; see `Registry.audit`.

    Args:
        model: its name.
        parts: of the registry.
        recompute: as of `Registry.audit`, and
        since: likewise, and
        full: likewise.
        digest_cached: opens the store so that only files are hashed that look different from the last time; all when
            called with True. Nothing that is loaded, scored or promoted comes through it.
    """
    config, ledger, store = parts.config, parts.ledger, parts.store
    now, since = parts.clock().astimezone(UTC), in_utc(since) if since else None
    settings = config.models.get(model)
    context = AuditContext(
        panel=parts.panel(model),
        root=config.root,
        serving=settings.serving if settings else None,
    )
    with digest_cached(full) if digest_cached else nullcontext(store) as opened:
        found = audit_model(model, ledger, opened, parts.mirror, keys=parts.keys, now=now, since=since, context=context)
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
