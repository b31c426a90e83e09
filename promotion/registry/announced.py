"""What a listener gets besides the entries of a change: the files of the versions that the entries mention."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from promotion.history.lineage import tags_in
from promotion.interfaces import ModelStore
from promotion.ledger.chain import Entry
from promotion.ledger.state import State
from promotion.vocabulary import Tag


@dataclass(frozen=True, kw_only=True)
class VersionFiles:
    """The files of a version, and where they come from.

    Attributes:
        digest: SHA-256 over its files and description, as registered.
        path: their folder in the model store of this host.
        run_id: the MLflow run that trained it; None if unknown.
        mlflow: MLflow's version that it is a copy of, like `toy/2`; None if it is no such copy.
        champion_from: the entry with which it became the champion; None if it is not the champion.
    """

    digest: str
    path: Path
    run_id: str | None
    mlflow: str | None
    champion_from: int | None


Announce = Callable[[Sequence[Entry], Mapping[str, VersionFiles]], None]
"""Called with new entries, and the files of the versions that they mention, by tag."""


def files_in(entries: Sequence[Entry], state: State, store: ModelStore) -> dict[str, VersionFiles]:
    """Return the files of the registered versions that the entries mention."""
    tags = set().union(*map(tags_in, entries)) & state.versions.keys()
    return {tag: _files(state, store, tag) for tag in sorted(tags)}


def _files(state: State, store: ModelStore, tag: str) -> VersionFiles:
    found, champion = state.versions[tag].registration, state.champion
    return VersionFiles(
        digest=found.digest,
        path=store.path(Tag.parse(tag)),
        run_id=found.run_id,
        mlflow=found.mlflow,
        champion_from=champion.seq if champion and champion.tag == tag else None,
    )
