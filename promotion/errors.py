"""Exceptions of the library; each message says what was expected, what was found and what to do.

PromotionError
├── ConfigError          promotion.toml or the environment is invalid
├── UnknownName          a metric, model, tag or key does not exist; lists the nearest names
│   └── BadTag           a text is not of the form `model:version`
├── UnclearTime          a local time is ambiguous or does not exist, because clocks changed
├── DataError            a file or its rows cannot be used for training or evaluation
│   └── AmbiguousColumn  several columns have the requested name
├── StoreError           the model store is torn, read-only or missing a version
│   ├── TornVersion      a version's folder is incomplete
│   └── DigestMismatch   a model's files differ from the registered ones
├── LedgerError          the ledger cannot be read or written, or its chain is broken
│   └── Conflict         someone else wrote first (exit code 6)
├── Refused              the rules do not allow this move; says what they allow
└── MirrorError          MLflow did not answer; the decision is recorded
    └── MirrorAhead      MLflow has an entry that the ledger lacks: the ledger was cut or rewritten
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from promotion.visible import visible_message


class PromotionError(Exception):
    """Base of every error that a user can cause and fix; its message is one or two complete sentences.

    A message often quotes reasons, names or paths, so every control character in it is escaped. A message of several
    lines is made with `promotion.visible.lines`.
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(visible_message(message))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle type, message and fields, so that errors of tasks and processes arrive as they were raised."""
        return Exception.__new__, (type(self), *self.args), self.__dict__


class ConfigError(PromotionError):
    """The configuration is invalid.

    Attributes:
        key: the setting at fault, e.g. `limits.max_size_mb`; None if it is not a single setting.
        path: the file at fault; None if it is not a single file.
    """

    def __init__(self, message: str, *, key: str | None = None, path: Path | None = None) -> None:
        super().__init__(message)
        self.key, self.path = key, path


class UnknownName(PromotionError):
    """A name does not exist.

    Attributes:
        kind: the kind of thing, e.g. `metric`.
        name: the requested name.
        known: the existing names.
        way_out: the sentence with the nearest or all existing names; empty if there are none.
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
            self.way_out = f"Available: {', '.join(self.known[:12])}." if self.known else ""
        super().__init__(" ".join(filter(None, (found, self.way_out, hint))))


class BadTag(UnknownName):
    """A text is not a tag.

    Attributes:
        is_model: whether the text is the name of a model.
    """

    def __init__(self, text: str, meant: str = "", *, is_model: bool = False) -> None:
        self.is_model = is_model
        sentence = (
            "A tag is MODEL:VERSION in lower case, for example fraud_classifier:abc123. `promotion history MODEL` "
            "lists the versions of a model."
        )
        if is_model:
            sentence = (
                f"'{text}' is a model. Name one of its versions, as {text}:VERSION. `promotion history {text}` lists "
                f"them, and `promotion status {text}` shows the model."
            )
        super().__init__("tag", text, (), hint=f"Did you mean '{meant}'? {sentence}" if meant else sentence)


class UnclearTime(PromotionError):
    """A local time is ambiguous or does not exist.

    Attributes:
        text: the time as given.
        readings: the two possible times, the earlier first, with a zone.
    """

    exit_code = 2

    def __init__(self, text: str, readings: Iterable[datetime], *, twice: bool) -> None:
        self.text, self.readings = text, tuple(readings)
        why = (
            "occurred twice, because clocks were set back then"
            if twice
            else "did not exist, because clocks were set forward then"
        )
        either = " or ".join(one.isoformat().replace("+00:00", "Z") for one in self.readings)
        local = " and ".join(f"{one.astimezone():%H:%M %Z}" for one in self.readings)
        super().__init__(f"The local time '{text}' {why}. Write {either} ({local} here), whichever is meant.")


class DataError(PromotionError):
    """Rows cannot be used for training or evaluation.

    Attributes:
        path: the file of the rows; None if they are not from a file, or it is unknown.
        column: the column at fault; None if it is not a single column.
    """

    def __init__(self, message: str, *, path: Path | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.path, self.column = path, column


class AmbiguousColumn(DataError):
    """Several columns have the requested name.

    Attributes:
        name: name of the columns.
        places: their positions, counting from 1.
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
    """Check that at most one of the columns present has this name."""
    places = [place for place, one in enumerate(present, start=1) if one == name]
    if len(places) > 1:
        raise AmbiguousColumn(what, name, places)


@contextmanager
def as_data_error(what: str, way_out: str = "") -> Iterator[None]:
    """Convert any exception of a user's recipe to a `DataError`: what failed, the reason's first line, the way out."""
    try:
        yield
    except PromotionError:
        raise
    except (Exception, SystemExit) as error:
        first = (str(error).strip().splitlines() or [""])[0]
        said = f"{what} ({type(error).__name__}{': ' if first else ''}{first})."
        raise DataError(f"{said} {way_out}".rstrip()) from error


class StoreError(PromotionError):
    """The model store cannot read or write what was requested.

    Attributes:
        tag: tag of the version at fault, as text; None if it is not a single version.
        path: the file or folder at fault; None if there is none.
    """

    def __init__(self, message: str, *, tag: object = None, path: Path | None = None) -> None:
        super().__init__(message)
        self.tag, self.path = _text(tag), path


class TornVersion(StoreError):
    """A version's folder is incomplete: its save was interrupted, or its description was damaged."""


class DigestMismatch(StoreError):
    """A model's files differ from the registered ones; the model is not loaded.

    Attributes:
        expected: the registered digest.
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
        model: the model concerned; None if it is not a single model.
        seq: number of the entry concerned; None if it is not a single entry.
    """

    def __init__(self, message: str, *, model: str | None = None, seq: int | None = None) -> None:
        super().__init__(message)
        self.model, self.seq = model, seq


class Conflict(LedgerError):
    """Someone else appended first; nothing was written.

    Attributes:
        by: who appended; empty if unknown.
    """

    exit_code = 6

    def __init__(self, model: str, seq: int, by: str = "") -> None:
        self.by = by
        super().__init__(
            f"{by or 'Another process'} wrote entry {seq} to the ledger of '{model}' while this command ran, so "
            f"nothing was changed. Look at `promotion history {model}` and run the command again.",
            model=model,
            seq=seq,
        )


class Refused(PromotionError):
    """The rules do not allow this move.

    Attributes:
        tag: tag of the version to move, as text; None if no version is concerned.
        model: its name, or that of the model to change; None if no model is concerned.
    """

    def __init__(self, message: str, *, tag: object = None, model: str | None = None) -> None:
        super().__init__(message)
        self.tag = _text(tag)
        self.model = model or (self.tag.partition(":")[0] if self.tag else None)


class MirrorError(PromotionError):
    """The mirror did not accept an update; the record is unaffected and `promotion sync` catches up.

    Attributes:
        model: the model concerned; None if there is none.
        seq: number of the entry sent to MLflow; None if it is not a single entry.
    """

    def __init__(self, message: str, *, model: str | None = None, seq: int | None = None) -> None:
        super().__init__(message)
        self.model, self.seq = model, seq


class MirrorAhead(MirrorError):
    """The mirror has an entry that the ledger lacks; sending more would hide that."""


def _text(tag: object) -> str | None:
    return None if tag is None else str(tag)
