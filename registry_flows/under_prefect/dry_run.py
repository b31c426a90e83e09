"""A dry run of a training: the same flows on copies, so that nothing of the real registry changes.

The champion's files are linked into a Bento store aside, the ledger's entries are read into memory, and MLflow is a
database aside; all of it is gone afterwards.
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
    """A registry that knows all that the real one knows of a model, and keeps what it does to itself.

    Raises:
        Refused: an interrupted transition of the model is yet to be completed; or MLflow has a champion that the ledger
            does not know, or does not answer, and there is no reason to start anew.
        StoreError: labels name another champion, or several.
    """
    from promotion.registry.preflight import fresh_start, settled

    state = settled(real.parts, model)
    fresh_start(real.parts, state, start_anew)
    champion = serving(state, real.store)
    with staging_dir.opened(real.config.path(real.config.bentoml_home)) as home:
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
            recall=real.reader.recall,
        )


def _copy(ledger: LedgerStore, model: str) -> MemoryLedger:
    copied, head = MemoryLedger(), ledger.head(model)
    if head:
        copied.append(ledger.entries(model), head)
    return copied


def _link(source: str, target: str) -> None:
    """A second name for the same file, which nobody writes to; a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
