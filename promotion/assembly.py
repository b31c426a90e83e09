"""Putting the parts together: configuration in, a `Registry` on the real store, ledger and mirror out."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.config import Config, load_config

if TYPE_CHECKING:
    from promotion.registry.workflow import Registry


def open_registry(
    config: Config | Path | str | None = None,
    *,
    actor: Callable[[], str] | None = None,
    notice: Callable[[str], None] = lambda _: None,
) -> "Registry":
    """A registry on what the configuration names.

    Args:
        config: settings, or the file that holds them; by default PROMOTION_CONFIG or the nearest promotion.toml.
        actor: says who acts and how we know, e.g. `prefect:swift-otter`; the configuration's `actor` goes before
            it, and the OS user stands in for both.
        notice: is told in a sentence what went on beside the main thing.

    Raises:
        ConfigError: the configuration cannot be followed.
        LedgerError: the ledger cannot be opened.
    """
    from promotion.adapters.bento import BentoStore
    from promotion.adapters.mlflow import MlflowMirror
    from promotion.adapters.sql import SqlLedger
    from promotion.registry.workflow import Registry

    settings = config if isinstance(config, Config) else load_config(Path(config) if config else None)
    return Registry(
        settings,
        store=BentoStore(settings.path(settings.bentoml_home)),
        ledger=SqlLedger(settings.url(settings.ledger)),
        mirror=MlflowMirror(settings.url(settings.mlflow_tracking_uri)),
        actor=(lambda: f"config:{settings.actor}") if settings.actor else actor or _os_user,
        notice=notice,
    )


def _os_user() -> str:
    try:
        return f"os:{getpass.getuser()}"
    except (KeyError, OSError):
        return "os:unknown"
