"""One audit: what is recorded is held against all else, and, when asked, decisions are made again."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from promotion.audit.champion import check_age, check_drift
from promotion.audit.context import AuditContext
from promotion.audit.model import audit_model
from promotion.audit.recompute import check_recomputed
from promotion.config import Config
from promotion.findings import BROKEN, Finding
from promotion.interfaces import Keyring, LedgerStore, Mirror, ModelStore
from promotion.ledger.state import fold
from promotion.policy.approval import ANYONE
from promotion.registry.data import Reader


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
    digest_cached: Callable[[bool], AbstractContextManager[ModelStore]] | None = None,
) -> tuple[Finding, ...]:
    """Compare the record with labels, files and the mirror; see `Registry.audit`.

    Args:
        model: its name.
        config: settings of the model, where it is configured.
        ledger: the record.
        store: labels and files.
        mirror: what MLflow shows.
        keys: that signatures are held against.
        now: the time.
        recompute: as of `Registry.audit`, and
        since: likewise, and
        full: likewise.
        digest_cached: opens the store so that only files are hashed that look different from the last time; all when
            called with True. Nothing that is loaded, scored or promoted comes through it.
    """
    settings = config.models.get(model)
    context = AuditContext(
        panel=settings.policy.panel if settings else ANYONE,
        root=config.root,
        serving=settings.serving if settings else None,
    )
    with digest_cached(full) if digest_cached else nullcontext(store) as opened:
        found = audit_model(model, ledger, opened, mirror, keys=keys, now=now, since=since, context=context)
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
