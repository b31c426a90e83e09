"""The doors of the model store: versions with their files and labels, and housekeeping for a store that needs it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from promotion.interfaces.recipe import Trained
from promotion.row_keys import KnownRows
from promotion.vocabulary import Stage, Tag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Stray:
    """Something among the models, or beside them, that is no version.

    Attributes:
        path: where it lies.
        why: it matters there.
        model: whose folder it lies in; None where it lies in none.
    """

    path: Path
    why: str
    model: str | None = None

    def __str__(self) -> str:
        return shown(self.path)


def shown(path: Path) -> str:
    """A path as a shell takes it, and any terminal shows it."""
    return quote(str(path)) if str(path).isprintable() else ascii(str(path))


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One version as the store holds it; `stage` is its label, or None; `torn` says what is wrong with it."""

    tag: Tag
    path: Path
    stage: str | None
    labels: Mapping[str, str]
    metadata: Mapping[str, Any]
    torn: str | None = None

    @property
    def known_stage(self) -> Stage | None:
        """The stage, where the label is one of ours."""
        return Stage(self.stage) if self.stage in set(Stage) else None

    def fits(self, stage: Stage | None, metadata: Mapping[str, str] | None) -> bool:
        """Whether it is labelled with a stage and was saved with some metadata, where these are asked for.

        A torn version has neither.
        """
        if stage is not None and self.stage != stage.value:
            return False
        return all(self.metadata.get(name) == value for name, value in (metadata or {}).items())


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The ledger that a model in the store belongs to.

    Attributes:
        ledger: hash of that ledger's first entry of the model: the same in every copy of it, and in no other ledger.
        place: where it was when it last wrote here, e.g. `sqlite:////srv/fraud/ledger.db`; never with a password.
        seq, hash: of the last entry that it wrote labels by; of its last one where it has written none yet.
        since, by: when it came to be that ledger's, and who saw to that.
    """

    ledger: str
    place: str
    seq: int
    hash: str
    since: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Digests:
    """Of one version, by one reading.

    Attributes:
        whole: SHA-256 over its files and description, the labels excepted.
        files: SHA-256 over its files alone, by path; equal of two versions with the very same files. None without any.
            Fingerprints of groups do not count, since they tell nothing of the model.
    """

    whole: str
    files: str | None


class ModelStore(Protocol):
    """Versions of models with their files and labels: what registering, judging and moving versions needs.

    `promotion.adapters.memory.MemoryStore` is the smallest example, `promotion.adapters.bento.BentoStore` the real one.
    Every method raises `StoreError` where the store cannot be read or written, and has changed nothing then.
    """

    @property
    def name(self) -> str:
        """What sentences call it, after an article: `Bento store`."""

    @property
    def delete_command(self) -> str:
        """What a person runs to delete a version by hand; `{tag}` stands for its tag."""

    def models(self) -> tuple[str, ...]:
        """Names of all models."""

    def versions(
        self, model: str, *, stage: Stage | None = None, metadata: Mapping[str, str] | None = None
    ) -> tuple[Stored, ...]:
        """Every version of a model, torn ones among them, in order of name; or those that `fits` says are asked for."""

    def get(self, tag: Tag) -> Stored:
        """One version.

        Raises:
            UnknownName: there is no such version.
            TornVersion: it is not whole.
        """

    def path(self, tag: Tag) -> Path:
        """The folder of a version's files, whether it is there or not; of a store without folders, a name for it."""

    def size(self, tag: Tag) -> int:
        """Bytes of its files; a version is as large on any stage."""

    def digests(self, tag: Tag) -> Digests:
        """SHA-256 over the version's files and description, its labels excepted, and over its files alone."""

    def save(
        self,
        model: str,
        trained: Trained,
        *,
        metadata: Mapping[str, str],
        training_rows: "NDArray[np.uint64]",
        training_groups: "Mapping[str, NDArray[np.uint64]] | None" = None,
    ) -> Tag:
        """Save a candidate as `staging`, with the fingerprints of its training rows; all of it or nothing.

        And with those of the groups that these rows are in, by what the groups are named by.

        Args:
            model: its name, for a version of a new name; or `NAME:VERSION`.
            trained: the candidate.
            metadata: kept with it, under its digest.
            training_rows: fingerprints, shape (n_training_rows,), in any order.
            training_groups: fingerprints, each of shape (n_groups,), in any order.
        """

    def load(self, tag: Tag, *, digest: str) -> Trained:
        """Load a version whose files have the given digest (`Digests.whole`).

        Raises:
            DigestMismatch: they have not; nothing was unpickled.
        """

    def training_rows(self, tag: Tag, *, by: str | None = None) -> KnownRows | None:
        """Fingerprints of the rows it was trained on, sorted; None when the version does not say.

        With `by`, those of their groups too, where the version says.
        """

    def write_stage(self, tag: Tag, stage: Stage) -> None:
        """Rewrite the label `stage`, atomically, and nothing else.

        Raises:
            UnknownName: there is no such version.
            TornVersion: it is not whole.
        """

    def delete(self, tag: Tag) -> None:
        """Remove a version's files; one that is gone already is no error."""

    def claim(self, model: str) -> Claim | None:
        """The ledger that the model belongs to; None where the store does not say."""

    def write_claim(self, model: str, claim: Claim) -> None:
        """Say so from now on; only while the model is held."""

    def held(self, model: str) -> AbstractContextManager[None]:
        """Keep every other process from writing this model's labels meanwhile; ends with the process.

        Raises:
            StoreError: another one has held it for too long.
        """


@runtime_checkable
class StoreMaintenance(Protocol):
    """What a store offers beside, where people or killed processes can leave things in it: `repair` clears them.

    A store need not have it: then `repair` mends labels only, and says so, and an audit looks for nothing of the kind.
    """

    def strays(self) -> tuple[Stray, ...]:
        """What lies among the models and is none: torn versions, and what makes other readers of the store fail."""

    def quarantine(self, stray: Stray) -> Path | None:
        """Move it out of the store, whole; where it lies now, or None where it was gone.

        Raises:
            StoreError: it cannot be moved; nothing was changed.
        """

    def leftovers(self) -> tuple[Stray, ...]:
        """What killed saves and deletions left beside the models."""

    def remove(self, leftover: Stray) -> None:
        """Delete what a killed save or deletion left.

        Raises:
            StoreError: it cannot be deleted.
        """
