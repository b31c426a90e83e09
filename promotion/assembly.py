"""Assembly: builds a `Registry` on the real store, ledger and mirror from the configuration."""

import getpass
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.config import Config, load_config
from promotion.errors import ConfigError, PromotionError
from promotion.progress import Progress, silent

if TYPE_CHECKING:
    from promotion.adapters.keys import PublicKeys
    from promotion.findings import Finding
    from promotion.interfaces import LedgerStore, Mirror, ModelStore, Recall
    from promotion.ledger.chain import Entry
    from promotion.ledger.state import State
    from promotion.registry.announced import VersionFiles
    from promotion.registry.registry import Registry


def open_registry(
    config: Config | Path | str | None = None,
    *,
    actor: Callable[[], str] | None = None,
    notice: Callable[[str], None] = lambda _: None,
    progress: Progress = silent,
    recall: "Recall | None" = None,
    store: "ModelStore | None" = None,
    ledger: "LedgerStore | None" = None,
    mirror: "Mirror | None" = None,
) -> "Registry":
    """Open a registry on the store, ledger and mirror that the configuration names.

    Args:
        config: settings, or the file that contains them; by default PROMOTION_CONFIG or the nearest
            promotion.toml.
        actor: returns who acts and the source of that name, e.g. `prefect:swift-otter`. The
            configuration's `actor` takes precedence; the default for both is the OS user.
        notice: called with each warning message.
        progress: called when a phase of long work begins, and as it goes on: with the phase, how
            many of its parts are done, and how many there are (None if it has no parts).
        recall: caches the rows of files beyond this process; by default there is no cache.
        store: the model store; by default the BentoML model store that the configuration names.
        ledger: the ledger store; by default the database that the configuration names.
        mirror: the mirror of the state; by default the MLflow that the configuration names.

    Raises:
        ConfigError: the configuration is invalid.
        LedgerError: the ledger cannot be opened.
    """
    from promotion.adapters.bento import BentoStore, digest_cached
    from promotion.adapters.keys import PublicKeys
    from promotion.adapters.mlflow import MlflowMirror
    from promotion.adapters.owned_folders import sweep
    from promotion.adapters.sql import SqlLedger
    from promotion.interfaces import read_anew
    from promotion.registry.registry import Registry

    sweep()
    settings = config if isinstance(config, Config) else load_config(Path(config) if config else None)
    keys = PublicKeys(settings.public_keys) if settings.public_keys else None
    home, cache = settings.path(settings.bentoml_home), settings.path(settings.cache)
    return Registry(
        settings,
        store=store or BentoStore(home),
        ledger=ledger or SqlLedger(settings.url(settings.ledger)),
        mirror=mirror or MlflowMirror(settings.url(settings.mlflow_tracking_uri), settings.home),
        actor=(lambda: f"config:{settings.actor}") if settings.actor else actor or _os_user,
        digest_cached=None if store else lambda full: digest_cached(home, cache, full=full),
        sign=_signer(settings, keys, notice),
        keys=keys,
        notice=notice,
        progress=progress,
        announce=_announce,
        recall=recall or read_anew,
        draw=partial(_drawn, settings, notice),
        pages=partial(_pages, settings),
    )


def announce_findings(model: str, findings: "Sequence[Finding]", *, notice: Callable[[str], None]) -> None:
    """Call all entry points in the group `promotion.findings` with the findings of an audit.

    If an entry point fails, gives a notice.
    """
    for point in _points("promotion.findings"):
        try:
            point.load()(model, findings)
        except Exception as error:
            sentence = str(error) if isinstance(error, PromotionError) else f"{type(error).__name__}: {error}"
            notice(f"The findings could not be announced. {sentence}")


def _drawn(
    settings: Config, notice: Callable[[str], None], state: "State", entries: "Sequence[Entry]", entry: "Entry"
) -> str | None:
    """Render the report of a decision; a failure does not affect the decision."""
    from promotion.ledger.entries import Judgement
    from promotion.report.decision_report import decision_document, recorded_in
    from promotion.report.html import page_html
    from promotion.report.links import links_of

    try:
        judgement = entry.content()
        assert isinstance(judgement, Judgement)  # noqa: S101 - only decisions are drawn
        found = recorded_in(state, entries, entry, judgement)
        return page_html(decision_document(found, as_of=entries[-1], links=links_of(settings)))
    except Exception as error:  # plotting libraries may fail on unforeseen numbers
        notice(
            f"The report of entry {entry.seq} of '{state.model}' could not be drawn ({error}). The record is complete."
        )
        return None


def _pages(settings: Config, entry: "Entry") -> dict[str, str]:
    """Return the pages about a decision that the configuration gives addresses for: its report, and the gate's run."""
    from promotion.report.links import links_of

    links = links_of(settings)
    pages = {
        "Report of the decision": links.decision(entry.body["decision_digest"]),
        "Gate run in Prefect": links.actor(entry.actor),
    }
    return {shows: address for shows, address in pages.items() if address}


def _announce(entries: "Sequence[Entry]", files: "Mapping[str, VersionFiles]") -> None:
    """Call all entry points in the group `promotion.listeners` with the recorded entries and their versions' files."""
    for point in _points("promotion.listeners"):
        point.load()(entries, files)


@cache
def _points(group: str) -> Collection[EntryPoint]:
    """Return the entry points of a group; reading those of all packages takes 10 ms."""
    return entry_points(group=group)


def _signer(settings: Config, keys: "PublicKeys | None", notice: Callable[[str], None]) -> Callable[[str], str] | None:
    """Return the function that signs entries; with public keys but no signing key, nothing can be recorded."""
    from promotion.adapters.keys import Signer

    if settings.signing_key:
        return Signer(settings.signing_key.get_secret_value(), settings.root, public_keys=keys, notice=notice)
    return _refuse_unsigned if keys else None


def _refuse_unsigned(_: str) -> str:
    message = (
        "The configuration has [public_keys], so every entry must be signed, but there is no signing key. Set "
        "`signing_key` or PROMOTION_SIGNING_KEY. Nothing was recorded."
    )
    raise ConfigError(message, key="signing_key")


def _os_user() -> str:
    try:
        return f"os:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"os:uid-{os.getuid()}" if hasattr(os, "getuid") else "os:unknown"
