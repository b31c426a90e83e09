"""Everything that can go wrong, as sentences: what was expected, what was found, what to do.

PromotionError
├── ConfigError          promotion.toml or the environment says something we cannot follow
├── UnknownName          a metric, model, tag or key that does not exist; names the nearest
│   └── BadTag           a text that is not `model:version`
├── UnclearTime          a local time that was twice, or never, when clocks were put back or forward
├── DataError            a file or its rows cannot be used to train or to judge
│   └── AmbiguousColumn  two columns have the name that is asked for
├── StoreError           the Bento store is torn, read-only or missing a version
│   ├── TornVersion      a version's folder is not whole
│   └── DigestMismatch   a model's files are not the ones that were registered
├── LedgerError          the ledger cannot be read or written, or its chain is broken
│   └── Conflict         someone else moved first (exit code 6)
├── Refused              the rules do not allow this move; says what would
└── MirrorError          MLflow did not answer; what was decided stands
    └── MirrorAhead      MLflow was sent what the ledger does not hold: it was cut or rewritten
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any


class PromotionError(Exception):
    """Base of every error that a user can cause and mend; its text is one or two whole sentences."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its type, text and fields, so that a task's or a process's error arrives as it was raised."""
        return Exception.__new__, (type(self), *self.args), self.__dict__


class ConfigError(PromotionError):
    """The configuration cannot be followed.

    Attributes:
        key: the setting at fault, where it is one, e.g. `limits.max_size_mb`; None otherwise.
        path: the file at fault; None where it is none, or more may be.
    """

    def __init__(self, message: str, *, key: str | None = None, path: Path | None = None) -> None:
        super().__init__(message)
        self.key, self.path = key, path


class UnknownName(PromotionError):
    """A name that is not among those that exist.

    Attributes:
        kind: what was looked up, e.g. `metric`.
        name: what was asked for.
        known: what there is.
        way_out: the sentence that names the nearest, or what there is; empty where there is nothing.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, hint: str = "") -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        near = get_close_matches(name, self.known, n=1, cutoff=0.5)
        found, model = f"There is no {kind} '{name}'.", name.partition(":")[0]
        if kind == "model" and model != name and model in self.known:
            self.way_out = f"That is a version; its model is '{model}'."
        elif near:
            self.way_out = f"Did you mean '{near[0]}'?"
        else:
            self.way_out = f"There is: {', '.join(self.known[:12])}." if self.known else ""
        super().__init__(" ".join(filter(None, (found, self.way_out, hint))))


class BadTag(UnknownName):
    """A text that is not a tag."""

    def __init__(self, text: str, meant: str = "") -> None:
        told = (
            "A tag is MODEL:VERSION in lower case, for example fraud_classifier:abc123; `promotion status` lists them."
        )
        super().__init__("tag", text, (), hint=f"Did you mean '{meant}'? {told}" if meant else told)


class UnclearTime(PromotionError):
    """A local time that was twice, or never.

    Attributes:
        text: as it was given.
        readings: the two moments that may be meant, the earlier first, with a zone.
    """

    exit_code = 2

    def __init__(self, text: str, readings: Iterable[datetime], *, twice: bool) -> None:
        self.text, self.readings = text, tuple(readings)
        why = "was twice, since clocks were put back then" if twice else "never was, since clocks were put forward then"
        either = " or ".join(one.isoformat().replace("+00:00", "Z") for one in self.readings)
        local = " and ".join(f"{one.astimezone():%H:%M %Z}" for one in self.readings)
        super().__init__(f"The local time '{text}' {why}. Write {either} ({local} here), whichever is meant.")


class DataError(PromotionError):
    """Rows that cannot train or judge.

    Attributes:
        path: the file that holds them; None where they are none of a file's, or it is not known.
        column: the column at fault; None where it is none, or not one.
    """

    def __init__(self, message: str, *, path: Path | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.path, self.column = path, column


class AmbiguousColumn(DataError):
    """Several columns have the name that is asked for.

    Attributes:
        name: of the columns.
        places: where they stand, counting from 1.
    """

    def __init__(self, what: str, name: str, places: Iterable[int]) -> None:
        self.name, self.places = name, tuple(places)
        *first, last = map(str, self.places)
        super().__init__(
            f"{what} has {len(self.places)} columns named '{name}' (columns {', '.join(first)} and {last}), so it is "
            "not clear which one is meant. Rename or remove all but one of them.",
            column=name,
        )


def require_once(name: str, present: Iterable[object], what: str) -> None:
    """See that not more than one of the columns present has this name.

    Raises:
        AmbiguousColumn: several have it.
    """
    places = [place for place, one in enumerate(present, start=1) if one == name]
    if len(places) > 1:
        raise AmbiguousColumn(what, name, places)


@contextmanager
def as_data_error(what: str) -> Iterator[None]:
    """Turn whatever a user's recipe raises into a `DataError`: what could not be done, and the first line of why."""
    try:
        yield
    except PromotionError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        message = f"{what} ({type(error).__name__}{': ' if first else ''}{first})."
        raise DataError(message) from error


class StoreError(PromotionError):
    """The Bento store cannot give or take what is asked.

    Attributes:
        tag: of the version at fault, as text; None where it is none, or not one.
        path: the file or folder at fault; None where it is none.
    """

    def __init__(self, message: str, *, tag: object = None, path: Path | None = None) -> None:
        super().__init__(message)
        self.tag, self.path = _text(tag), path


class TornVersion(StoreError):
    """A version's folder is not whole: its save was cut short, or its description was damaged."""


class DigestMismatch(StoreError):
    """A model's files differ from the ones that were registered; it is not loaded.

    Attributes:
        expected: the digest that is registered.
        found: the digest of the files.
    """

    def __init__(self, tag: object, expected: str, found: str) -> None:
        self.expected, self.found = expected, found
        super().__init__(
            f"The files of {tag} are not the ones that were registered (expected digest {expected[:12]}, found "
            f"{found[:12]}), so it was not loaded. Restore them from a backup, or retrain.",
            tag=tag,
        )


class LedgerError(PromotionError):
    """The ledger cannot be read or written.

    Attributes:
        model: whose record it is about; None where it is not about one.
        seq: number of the entry it is about; None where it is not about one.
    """

    def __init__(self, message: str, *, model: str | None = None, seq: int | None = None) -> None:
        super().__init__(message)
        self.model, self.seq = model, seq


class Conflict(LedgerError):
    """Someone else appended first; nothing of ours was written.

    Attributes:
        by: who did; empty where it is not known.
    """

    exit_code = 6

    def __init__(self, model: str, seq: int, by: str = "") -> None:
        self.by = by
        who = f" by {by}" if by else ""
        super().__init__(
            f"The record of '{model}' moved on{who} while this command ran (entry {seq} was taken), so nothing was "
            f"changed. Look at `promotion history {model}` and run the command again.",
            model=model,
            seq=seq,
        )


class Refused(PromotionError):
    """The rules do not allow this move.

    Attributes:
        tag: of the version that was to move, as text; None where it is about none.
        model: its name, or that of the model which was to change; None where it is about none.
    """

    def __init__(self, message: str, *, tag: object = None, model: str | None = None) -> None:
        super().__init__(message)
        self.tag = _text(tag)
        self.model = model or (self.tag.partition(":")[0] if self.tag else None)


class MirrorError(PromotionError):
    """The mirror did not take an update; the record stands and `promotion sync` catches up.

    Attributes:
        model: which it was about; None where it was about none.
        seq: number of the entry that MLflow was sent; None where it is not about one.
    """

    def __init__(self, message: str, *, model: str | None = None, seq: int | None = None) -> None:
        super().__init__(message)
        self.model, self.seq = model, seq


class MirrorAhead(MirrorError):
    """The mirror was sent an entry that the ledger does not hold; sending more would hide that."""


def _text(tag: object) -> str | None:
    return None if tag is None else str(tag)
