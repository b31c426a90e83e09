"""Building blocks of the situations in `conftest`, and helpers that inspect them."""

import itertools
import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from promotion.adapters.sql import SqlLedger
from promotion.config import Config
from promotion.ledger.folding import fold
from promotion.ledger.state import State
from promotion.registry.foreign_aliases import names_since, to_send
from promotion.registry.registry import Registry
from promotion.vocabulary import Tag

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

POLICY = {
    "primary": {"metric": "roc_auc"},
    "guardrails": [{"metric": "brier_score", "max_loss": 0.02}],
    "floors": [{"metric": "roc_auc", "min": 0.55}],
    "metrics": ["roc_auc", "brier_score"],
    "min_rows": 200,
    "min_positives": 50,
}


def settings_at(root, *, policy=None, **keys):
    """Return settings with everything for `toy` in one folder; `policy` and `keys` override keys of policy and model."""
    toy_settings = {"recipe": "recipes:ToyRecipe", "data": "rows.csv", "policy": {**POLICY, **(policy or {})}}
    return Config(
        ledger="sqlite:///ledger.db",
        bentoml_home="bentoml",
        mlflow_tracking_uri="sqlite:///mlflow.db",
        models={"toy": toy_settings | keys},
        root=root,
    )


def ticking():
    """Return a clock that advances by a minute at each call."""
    minutes = itertools.count()
    return lambda: NOON + timedelta(minutes=next(minutes))


def open_at(config, *, store, mirror, clock=None, actor=lambda: "os:alice", announce=lambda *_: None):
    """Open a registry; its notices are in `notices`."""
    notices = []
    registry = Registry(
        config,
        store=store,
        ledger=SqlLedger(config.url(config.ledger)),
        mirror=mirror,
        actor=actor,
        clock=clock or ticking(),
        notice=notices.append,
        announce=announce,
    )
    registry.notices = notices
    return registry


def names_of(model, entries):
    """Return the aliases of a ledger with these entries."""
    return to_send(fold(model, entries), lambda seq: names_since(State(model=model), entries, seq))


def toy(version):
    return Tag("toy", version)


def stages(registry, model="toy"):
    """Return the labels in the store, of the versions that the ledger knows."""
    registered = registry.state(model).versions
    return {one.tag.version: one.stage for one in registry.store.versions(model) if str(one.tag) in registered}


def kinds(registry, model="toy"):
    return [entry.kind for entry in registry.history(model)]


def faults(registry, model="toy"):
    """Return the audit's findings, except those on unregistered versions that the test does not use."""
    return tuple(finding for finding in registry.audit(model) if finding.code != "AUD015")


def snapshot(root):
    """Return the content of every file below; equal before and after if nothing was changed."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(Path(root).rglob("*")) if path.is_file()}


def contents(root):
    """Return a snapshot with SQLite databases by their rows, because SQLite keeps extra files beside open ones."""
    files = {name: found for name, found in snapshot(root).items() if ".db" not in name}
    for path in sorted(Path(root).glob("*.db")):
        with closing(sqlite3.connect(path)) as connection:
            files[path.name] = list(connection.iterdump())
    return files


@contextmanager
def bentoml_at(home):
    """Return BentoML as with this BENTOML_HOME, which it reads only once per process."""
    from bentoml._internal.configuration.containers import BentoMLContainer
    from bentoml._internal.models.model import ModelStore

    models = Path(home) / "models"
    models.mkdir(parents=True, exist_ok=True)
    BentoMLContainer.model_store.set(ModelStore(models))
    try:
        yield
    finally:
        BentoMLContainer.model_store.reset()
