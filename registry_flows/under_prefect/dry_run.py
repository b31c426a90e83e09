"""Dry runs of a training: the same flows on copies, so that nothing in the real registry changes.

The copies are a temporary model store with links to the champion's files, the ledger's entries in memory, and a
temporary MLflow database; all are deleted afterwards.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from promotion.adapters.bento import BentoStore, staging_dir
from promotion.adapters.memory import MemoryLedger, MemoryMirror
from promotion.interfaces import LedgerStore
from promotion.registry.registry import Registry
from promotion.registry.serving import serving


@contextmanager
def copied_registry(
    real: Registry, model: str, *, actor: Callable[[], str], start_anew: str | None = None
) -> Iterator[Registry]:
    """Return a registry with a copy of everything that the real one records about a model.

    Raises:
        Refused: another ledger owns the model, as for a real training; an interrupted transition of
            the model must be completed first; or MLflow has a champion that the ledger does not
            know, or does not answer, and no reason for a fresh start is given.
        StoreError: labels name another champion, or several.
    """
    from promotion.registry.preflight import fresh_start, settled

    real.parts.claims.check(real.state(model))
    state = settled(real.parts, model)
    fresh_start(real.parts, state, start_anew)
    champion = serving(state, real.store)
    with staging_dir.made(real.config.path(real.config.bentoml_home)) as home:
        store = BentoStore(home)
        if champion:
            shutil.copytree(real.store.path(champion), store.path(champion), copy_function=_link)
        apart = {
            "bentoml_home": str(home),
            "mlflow_tracking_uri": f"sqlite:///{home / 'mlflow.db'}",
            "mlflow_artifacts": str(home / "mlartifacts"),
            "hand_off": "subflow",
        }
        yield Registry(
            real.config.model_copy(update=apart),
            store=store,
            ledger=_copy(real.ledger, model),
            mirror=MemoryMirror(),
            actor=actor,
            notice=real.parts.notice,
            progress=real.parts.progress,
            recall=real.reader.recall,
        )


def _copy(ledger: LedgerStore, model: str) -> MemoryLedger:
    copied, head = MemoryLedger(), ledger.head(model)
    if head:
        copied.append(ledger.entries(model), head)
    return copied


def _link(source: str, target: str) -> None:
    """Hard-link the file, which nobody writes to; copy it if the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
