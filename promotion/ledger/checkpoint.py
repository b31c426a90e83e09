"""Checkpoints: the folded state of a model in brief, so that a command folds only the entries after it.

Its text is a line of JSON with the state, and a line for each version, which is parsed when that
version is read.

A checkpoint is derived. It is bound to the hash of the entry that it stands on, and names the hash of every entry that
it refers to. A checkpoint that is missing, damaged or of another chain is ignored, and replaced by the next writer.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from promotion.canonical import canonical_json, plain, restore
from promotion.errors import LedgerError
from promotion.ledger.briefs import Briefs, Versions
from promotion.ledger.chain import Champion, Entry
from promotion.ledger.entries import Adoption, FreshStart, Judgement, Registration, TransitionPlanned
from promotion.ledger.reading import Entries, changed, read_entry
from promotion.ledger.state import Began, State, Stated, Succession
from promotion.ledger.trials import Place, Trials
from promotion.ledger.versions import Deletion, RolledBack, VersionState, Vote
from promotion.policy import Use
from promotion.vocabulary import Stage

T = TypeVar("T")

_FORMAT, _TOLERANCE = 2, 1e-9
_SELDOM, _OFTEN = 200, 20
"""Number of entries after which a writer makes a new checkpoint of a long ledger, and of a short one."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model's state in brief.

    Attributes:
        model: its name.
        seq, hash: the last entry folded.
        text: the state, as lines of canonical JSON.
        digest: SHA-256 of the text.
    """

    model: str
    seq: int
    hash: str
    text: str
    digest: str


def is_due(seq: int, last: int) -> bool:
    """Return whether a writer makes a checkpoint at an entry; `last` is the entry that the last one stands on, or 0."""
    return seq - last >= min(_SELDOM, max(_OFTEN, seq // 100))


def checkpoint_of(state: State) -> Checkpoint:
    """Return the checkpoint of a state."""
    text = _text(state)
    return Checkpoint(model=state.model, seq=state.seq, hash=state.hash, text=text, digest=_digest(text))


def agrees(checkpoint: Checkpoint, state: State) -> bool:
    """Return whether a checkpoint is that of a state, but for the number of uses of a holdout, which is rounded."""
    try:
        (found, used, lines), (expected, recounted, others) = map(_compared, (checkpoint.text, _text(state)))
        close = used is None or recounted is None or math.isclose(used, recounted, rel_tol=_TOLERANCE)
    except (ValueError, TypeError, LookupError, AttributeError):
        return False
    return close and (found, lines) == (expected, others)


def _compared(text: str) -> tuple[str, float | None, str]:
    """Return the parts of a checkpoint that must be equal, and the number of uses."""
    first, _, lines = text.partition("\n")
    found = json.loads(first)
    used = found.pop("used")
    return canonical_json(found), used, lines


def _text(state: State) -> str:
    versions = state.versions.briefs()
    first = {
        "format": _FORMAT,
        "seq": state.seq,
        "hash": state.hash,
        "origin": state.origin,
        "champion": plain(state.champion),
        "succession": plain(state.succession),
        "line": state.line,
        "began": state.began,
        "decisions": list(chain.from_iterable(state.decisions)),
        "judged": state.judged,
        "pending": [state.pending[0], plain(state.pending[1])] if state.pending else None,
        "fresh_start": plain(state.fresh_start),
        "inherited": state.inherited,
        "budgeted": plain(state.budgeted),
        "used": state.used,
        "rows": list(state.trials.places.items()),
        "trials": list(chain.from_iterable(_numbered(state.trials))),
        "tags": list(versions.stages),
        "stages": list(versions.stages.values()),
        "waiting": sorted(versions.waiting),
        "rolled_back": plain(versions.rolled_back),
    }
    if state.stated:  # so that checkpoints of earlier releases, which have no such key, stay as they are
        first["stated"] = state.stated
    return "\n".join((canonical_json(first), *versions.lines.values()))


def state_of(checkpoint: Checkpoint, entries: Entries) -> State | None:
    """Return the state of a checkpoint; None if it is damaged, or does not stand on an entry of this ledger.

    Args:
        checkpoint: as the ledger keeps it.
        entries: reads entries of the model.
    """
    last = entries(after=checkpoint.seq - 1, limit=1)
    if _digest(checkpoint.text) != checkpoint.digest or not last or last[0].hash != checkpoint.hash:
        return None
    try:
        first, *lines = checkpoint.text.split("\n")
        return _restored(checkpoint, json.loads(first), lines, entries)
    except (ValueError, TypeError, LookupError, AttributeError):  # pydantic's ValidationError is a ValueError
        return None


def _restored(checkpoint: Checkpoint, found: dict[str, Any], lines: Sequence[str], entries: Entries) -> State | None:
    if (found["format"], found["seq"], found["hash"]) != (_FORMAT, checkpoint.seq, checkpoint.hash):
        return None
    pending = found["pending"]
    return State(
        model=checkpoint.model,
        seq=checkpoint.seq,
        hash=checkpoint.hash,
        origin=found["origin"],
        versions=Versions(_briefs(found, lines), partial(_version, entries)),
        champion=restore(Champion, found["champion"]) if found["champion"] else None,
        succession=restore(Succession, found["succession"]) if found["succession"] else None,
        line=tuple(found["line"]),
        began=tuple(Began(*one) for one in found["began"]),
        decisions=tuple(_pairs(found["decisions"])),
        judged=found["judged"],
        trials=_trials(found["rows"], _pairs(found["trials"]), partial(_use, entries, checkpoint.model)),
        budgeted=restore(Judgement, found["budgeted"]) if found["budgeted"] else None,
        used=found["used"],
        pending=(pending[0], restore(TransitionPlanned, pending[1])) if pending else None,
        fresh_start=restore(FreshStart, found["fresh_start"]) if found["fresh_start"] else None,
        inherited=tuple((seq, digest) for seq, digest in found["inherited"]),
        stated=tuple(Stated(*one) for one in found.get("stated", ())),
    )


def _briefs(found: dict[str, Any], lines: Sequence[str]) -> Briefs:
    tags = found["tags"]
    return Briefs(
        stages=dict(zip(tags, found["stages"], strict=True)),
        waiting=frozenset(found["waiting"]),
        rolled_back=restore(dict[str, RolledBack], found["rolled_back"]),
        lines=dict(zip(tags, lines, strict=True)),
    )


def _pairs(flat: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    """Yield the pairs of a list that alternates: JSON reads one long list faster than many short ones."""
    return zip(flat[::2], flat[1::2], strict=True)


def condensed(state: State, entries: Entries) -> State:
    """Return the same state without the content of entries, which is read again on access."""
    versions = Versions(state.versions.briefs(), partial(_version, entries))
    trials = Trials(state.trials.uses, state.trials.places, partial(_use, entries, state.model))
    return replace(state, versions=versions, trials=trials)


def _version(entries: Entries, tag: str, briefs: Briefs) -> VersionState:
    """Read a version from the entries that its brief names.

    Raises:
        LedgerError: an entry is not the one that was written, or the brief is damaged.
    """
    model = tag.partition(":")[0]
    try:
        brief, stage = briefs[tag], briefs.stages[tag]
        places, stage = brief.recorded, Stage(stage) if stage else None
        votes = tuple(Vote(**vote) for vote in brief.votes)
        deleted = Deletion(*brief.deleted) if brief.deleted else None
    except (TypeError, ValueError) as error:
        message = f"The checkpoint of '{model}' is damaged. Run `promotion repair {model}`, which replaces it."
        raise LedgerError(message, model=model) from error
    registered, adopted, decided = (_read(entries, tag, place) for place in places)
    registration, judgement = _content(registered, Registration), _content(decided, Judgement)
    if registered is None or registration is None or registration.tag != tag:
        raise changed(model, registered.seq if registered else None)
    return VersionState(
        registration=registration,
        registered_at=registered.at,
        registered_by=registered.actor,
        stage=stage,
        adoption=_content(adopted, Adoption),
        decision=judgement.decision if judgement else None,
        decided_seq=decided.seq if decided else None,
        decided_by=decided.actor if decided else None,
        decided_at=decided.at if decided else None,
        votes=votes,
        deleted_at=deleted.at if deleted else None,
        deleted_by=deleted.by if deleted else None,
        deleted_because=deleted.reason if deleted else None,
        rolled_back=briefs.rolled_back.get(tag),
        recorded=places,
        entries=tuple(brief.entries),
    )


def _read(entries: Entries, tag: str, place: Place | None) -> Entry | None:
    return read_entry(entries, tag.partition(":")[0], place.seq, place.hash) if place else None


def _content(entry: Entry | None, kind: type[T]) -> T | None:
    if entry is None:
        return None
    body = entry.content()
    if not isinstance(body, kind):
        raise changed(entry.model, entry.seq)
    return body


def _numbered(trials: Trials) -> list[tuple[str, int]]:
    """Return the key of each use of a holdout, and the number of its rows in the order of their first use."""
    numbers = {rows: number for number, rows in enumerate(trials.places)}
    return [(key, numbers[rows]) for key, rows in trials.uses]


def _trials(rows: Sequence[Any], uses: Iterable[tuple[str, int]], read: Callable[[Place], Use]) -> Trials:
    names = [name for name, _ in rows]
    return Trials([(key, names[number]) for key, number in uses], {name: Place(*place) for name, place in rows}, read)


def _use(entries: Entries, model: str, place: Place) -> Use:
    """Read the use of a holdout that an entry records."""
    body = read_entry(entries, model, place.seq, place.hash).content()
    if not isinstance(body, Judgement) or body.trial is None:
        raise changed(model, place.seq)
    return body.trial.used


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
