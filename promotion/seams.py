"""The narrow doors through which the outside comes in: a recipe, a model store, a ledger store, a mirror.

Each has an in-memory version in `promotion.adapters.memory` for tests, and a real one beside it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, runtime_checkable

from promotion.errors import ConfigError, MirrorAhead
from promotion.vocabulary import Stage, Tag, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from promotion.registry.entries import Entry, Head

P = ParamSpec("P")
R = TypeVar("R")


class Step(Protocol):
    """Runs one named step of a longer work: a plain call here, a Prefect task under `registry_flows`."""

    def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function(*args, **kwargs)` and return what it returns."""
        ...


def call(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """The plain `Step`."""
    return function(*args, **kwargs)


def repeatable(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as one that gives the same value for the same arguments, so that its value may be kept.

    Of a recipe's `load` it says that the rows depend on nothing but the file's bytes and the recipe: not on another
    file, the time of day or a database. A flow then reads a file once, as long as file, options and code stay the same.
    """
    function.repeatable = True  # type: ignore[attr-defined]
    return function


def is_repeatable(function: Callable[..., object]) -> bool:
    """Whether it carries the mark of `repeatable`."""
    return bool(getattr(function, "repeatable", False))


class Recall(Protocol):
    """Gives the rows that were kept under a key; otherwise reads them, and may keep them."""

    def __call__(self, key: str, read: "Callable[[], pd.DataFrame]") -> "pd.DataFrame":
        """The rows of the key; `read` raises what it raises."""
        ...


def read_anew(key: str, read: "Callable[[], pd.DataFrame]") -> "pd.DataFrame":  # noqa: ARG001 - nothing is kept
    """The `Recall` that keeps nothing."""
    return read()


@dataclass(frozen=True)
class Split:
    """The rows that train and the rows that judge; they share no row key."""

    training: "pd.DataFrame"
    holdout: "pd.DataFrame"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A fitted model with all that scoring needs.

    Attributes:
        model: the fitted estimator; scikit-learn's, or any that follows its interface.
        custom_objects: what else scoring needs, by name, e.g. an encoder; saved beside the model.
        labels: labels for the Bento store; `stage` is the registry's own.
        signatures: BentoML's, by method name.
    """

    model: Any
    custom_objects: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    signatures: Mapping[str, Any] = field(default_factory=lambda: {"predict": {"batchable": True, "batch_dim": 0}})


@runtime_checkable
class Recipe(Protocol):
    """What a user writes for their own model: how to load, split, train and score.

    Attributes:
        key: the column that names a row; no two rows share a value.
        label: the column that holds what is predicted: 0 or 1; a class from 0 to K-1; a number.
        time: the column that orders rows in time (a number), or None.

    A recipe that does not predict one of two classes says so by one more attribute, `task`: `"multiclass"` or
    `"regression"`.
    """

    key: str
    label: str
    time: str | None

    def load(self, path: Path) -> "pd.DataFrame":
        """Read the rows, with at least the key, the label and the time; only the columns that are needed."""
        ...

    def split(self, rows: "pd.DataFrame") -> Split:
        """Divide the rows; the holdout must look like the rows that the model will meet."""
        ...

    def train(self, training: "pd.DataFrame", *, step: Step) -> Trained:
        """Fit on the training rows; `step(function, ...)` shows a part of it as a task of its own."""
        ...

    def score(self, trained: Trained, rows: "pd.DataFrame") -> "NDArray[np.floating[Any]]":
        """One number per row, shape (n_rows,): the probability of label 1, or the number predicted.

        Of several classes the probability of each: shape (n_rows, K).
        """
        ...


def task_of_recipe(recipe: Recipe) -> Task:
    """What the recipe's models predict.

    Raises:
        ConfigError: its `task` is none of ours.
    """
    named = getattr(recipe, "task", Task.BINARY)
    try:
        return Task(named)
    except ValueError:
        message = f"The recipe's task must be {', '.join(Task)}, found {named!r}."
        raise ConfigError(message) from None


@dataclass(frozen=True, kw_only=True)
class Stray:
    """Something in the store's folder that is no version, and why it matters there; `path` is where it lies."""

    path: Path
    why: str

    def __str__(self) -> str:
        return shown(self.path)


def shown(path: Path) -> str:
    """A path as a shell takes it, and any terminal shows it."""
    return quote(str(path)) if str(path).isprintable() else ascii(str(path))


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One version as the Bento store holds it; `stage` is its label, or None; `torn` says what is wrong with it."""

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


class ModelStore(Protocol):
    """Versions of models with their files and labels."""

    def models(self) -> tuple[str, ...]:
        """Names of all models."""
        ...

    def versions(self, model: str) -> tuple[Stored, ...]:
        """Every version of a model, torn ones among them, oldest name first."""
        ...

    def labelled(self, model: str, stage: Stage) -> tuple[Stored, ...]:
        """The versions that carry a stage by their label."""
        ...

    def path(self, tag: Tag) -> Path:
        """The folder of a version's files, whether it is there or not."""
        ...

    def get(self, tag: Tag) -> Stored:
        """One version.

        Raises:
            UnknownName: there is no such version.
            TornVersion: it is not whole.
        """
        ...

    def save(
        self, model: str, trained: Trained, *, metadata: Mapping[str, str], training_rows: "NDArray[np.uint64]"
    ) -> Tag:
        """Save a candidate as `staging`, with the fingerprints of its training rows; all of it or nothing."""
        ...

    def load(self, tag: Tag, *, digest: str) -> Trained:
        """Load a version whose files have the given digest.

        Raises:
            DigestMismatch: they have not; nothing was unpickled.
        """
        ...

    def digest(self, tag: Tag) -> str:
        """SHA-256 over the version's files and description, its labels excepted."""
        ...

    def training_rows(self, tag: Tag) -> "NDArray[np.uint64] | None":
        """Sorted fingerprints of the rows it was trained on; None when the version does not say."""
        ...

    def write_stage(self, tag: Tag, stage: Stage) -> None:
        """Rewrite the label `stage`, atomically, and nothing else.

        Raises:
            UnknownName: there is no such version.
            TornVersion: it is not whole.
            StoreError: the store cannot be written; nothing was changed.
        """
        ...

    def delete(self, tag: Tag) -> None:
        """Remove a version's files; one that is gone already is no error."""
        ...

    def held(self, model: str) -> AbstractContextManager[None]:
        """Keep every other process from writing this model's labels meanwhile; ends with the process.

        Raises:
            StoreError: another one has held it for too long.
        """
        ...

    def strays(self) -> tuple[Stray, ...]:
        """What lies among the models and is none: torn versions and folders that make BentoML's own listing fail."""
        ...

    def quarantine(self, stray: Stray) -> Path | None:
        """Move it out of the store, whole; where it lies now, or None where it was gone.

        Raises:
            StoreError: it cannot be moved; nothing was changed.
        """
        ...

    def leftovers(self) -> tuple[Stray, ...]:
        """What killed saves and deletions left beside the models."""
        ...

    def remove(self, leftover: Stray) -> None:
        """Delete what a killed save or deletion left.

        Raises:
            StoreError: it cannot be deleted.
        """
        ...


class LedgerStore(Protocol):
    """Append-only entries per model, in order of `seq`, and a small head for each."""

    def models(self) -> tuple[str, ...]:
        """Names of all models with entries."""
        ...

    def head(self, model: str) -> "Head | None":
        """The last entry's place and the champion; None when nothing is recorded."""
        ...

    def entries(self, model: str, *, after: int = 0) -> "Sequence[Entry]":
        """The entries with `seq > after`, in order."""
        ...

    def append(self, entries: "Sequence[Entry]", head: "Head") -> None:
        """Append all entries and move the head, or nothing.

        Raises:
            Conflict: the first entry's `seq` is taken.
        """
        ...

    def mirrored(self, model: str) -> int:
        """The `seq` up to which the mirror is done; 0 at first."""
        ...

    def mark_mirrored(self, model: str, seq: int) -> None:
        """Record that the mirror is done up to `seq`."""
        ...


@dataclass(frozen=True, kw_only=True)
class MirrorVersion:
    """One version as the mirror shall show it; `stage` is None for a deleted one."""

    tag: Tag
    path: Path
    run_id: str | None
    stage: Stage | None
    digest: str

    @property
    def standing(self) -> str:
        """The stage in a word."""
        return self.stage.value if self.stage else "deleted"


@dataclass(frozen=True, kw_only=True)
class MirrorDecision:
    """One decision as the mirror shall show it: numbers logged to the challenger's run at step `seq`."""

    run_id: str
    seq: int
    verdict: str
    metrics: Mapping[str, float]
    document: str


@dataclass(frozen=True, kw_only=True)
class MirrorState:
    """All that the mirror shall show of one model; may be sent twice.

    Attributes:
        model: its name.
        hashes: of every entry, the last one's at the end.
        versions: all of them.
        aliases: name to version.
        decisions: those to send.
    """

    model: str
    hashes: tuple[str, ...]
    versions: tuple[MirrorVersion, ...]
    aliases: Mapping[str, Tag]
    decisions: tuple[MirrorDecision, ...]

    @property
    def head(self) -> tuple[int, str]:
        """`seq` and hash of the last entry."""
        return len(self.hashes), self.hashes[-1]

    def outdated(self, sent: tuple[int, str] | None) -> bool:
        """Whether the mirror was sent a later entry already, by someone who was faster.

        Raises:
            MirrorAhead: what the mirror was sent is not in the ledger any more.
        """
        if sent is None:
            return False
        seq, entry_hash = sent
        if seq <= len(self.hashes) and self.hashes[seq - 1] != entry_hash:
            message = (
                f"MLflow was sent another entry {seq} of '{self.model}' than the ledger has, so the ledger was cut or "
                f"rewritten and MLflow was left as it is: `promotion audit {self.model}` says more."
            )
            raise MirrorAhead(message)
        return seq > len(self.hashes)


class Mirror(Protocol):
    """A copy of the ledger's state for people who look elsewhere."""

    def push(self, state: MirrorState) -> None:
        """Send the state, unless a later one was sent already.

        Raises:
            MirrorError: it could not be sent whole, and may be sent again; or what was sent before is not in the
                ledger any more, and nothing was changed.
        """
        ...

    def aliases(self, model: str) -> Mapping[str, str]:
        """Alias to tag, as the mirror shows them."""
        ...

    def stages(self, model: str) -> Mapping[str, str]:
        """Tag to stage, as the mirror shows them."""
        ...

    def head(self, model: str) -> tuple[int, str] | None:
        """`seq` and hash of the last entry that the mirror was sent; None where it was sent none."""
        ...

    def metrics(self, run_id: str, names: Iterable[str], seq: int) -> Mapping[str, float]:
        """The metrics that stand in a run at step `seq`; those not found are left out."""
        ...


class Keyring(Protocol):
    """The public keys that signatures of entries are held against."""

    def claimed(self, signature: str) -> str | None:
        """Name of the key that a signature says it is by; None where that is none of these keys."""
        ...

    def vouches(self, entry_hash: str, signature: str) -> bool:
        """Whether the signature is of this hash, and by the key that it says."""
        ...
