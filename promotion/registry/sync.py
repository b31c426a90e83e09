"""Bring the mirror up to date with the ledger."""

from collections.abc import Mapping

from promotion.errors import MirrorAhead, MirrorError
from promotion.interfaces import Names
from promotion.ledger.chain import Head
from promotion.ledger.state import State
from promotion.registry.foreign_aliases import UnknownChampion, foreign_sentence
from promotion.registry.mirror_state import mirror_state
from promotion.registry.parts import Parts


def sync(
    parts: Parts, model: str, *, everything: bool = False, look: bool = False, given_up: Names | None = None
) -> bool:
    """Bring the mirror up to date. If that fails, gives a notice and returns False; the record stands.

    See `Registry.sync` for the arguments.
    """
    head, done = parts.ledger.head(model), parts.ledger.mirrored(model)
    behind = head is not None and (head.seq > done or everything)
    if not (behind or look):
        return True
    if not behind:
        parts.progress(f"Asking MLflow about {model}")
    try:
        state = parts.writer.state(model)
        if unknown := parts.unknown(state):
            parts.ledger.mark_foreign(model, unknown)
            parts.notice(str(UnknownChampion(model, unknown, parts.copied_by_hand)))
        elif behind:
            return _send(parts, state, done, seen=0 if everything else done, given_up=given_up)
        elif head is None or _shows(parts, head):
            return _note_foreign(parts, state, parts.foreign(state))
    except MirrorAhead as error:
        parts.notice(str(error))
    except MirrorError as error:
        parts.notice(f"{error} The decision stands. Once MLflow answers, run `promotion sync` to send it.")
    return False


def _send(parts: Parts, state: State, done: int, *, seen: int, given_up: Names | None) -> bool:
    model = state.model
    parts.progress(f"Updating MLflow for {model}")
    shown = parts.mirror.head(model)
    seen = min(seen, 0 if shown is None or shown in state.inherited else shown[0])
    names = parts.names(state, done, given_up)
    wanted = mirror_state(
        state, parts.history(state), parts.store.path, names, seen=seen, draw=parts.draw, pages=parts.pages
    )
    sent = parts.mirror.push(wanted)
    _check_end(parts, model)
    if sent.lost:
        parts.notice(
            f"MLflow cannot show decisions in {', '.join(sent.lost)}, because these runs are missing or deleted. The "
            "decisions stand. Restore a deleted run with `mlflow runs restore --run-id RUN`, then run "
            f"`promotion repair {model}` to send everything again."
        )
    if sent.refused:
        _note_foreign(parts, state, sent.foreign)
        return _note_refused(parts, model, sent.refused)
    parts.ledger.mark_mirrored(model, state.seq)
    now = parts.writer.state(model)
    if parts.ledger.mirrored(model) > state.seq or (sent.foreign and now.seq > state.seq):
        # Another process sent a later state: this one may have overwritten it, or the foreign aliases may be its own.
        return _send(parts, now, done, seen=0, given_up=given_up)
    parts.writer.mirrored(state)
    return _note_foreign(parts, state, sent.foreign)


def _note_refused(parts: Parts, model: str, refused: Mapping[str, str]) -> bool:
    """Give a notice of what MLflow refuses. The next command that sends tries it again."""
    each = "; ".join(f"{what} ({why})" for what, why in refused.items())
    parts.notice(
        f"MLflow refuses {each}. It accepted everything else of '{model}', and the decisions stand. The next command "
        "that changes the model tries again, and so does `promotion sync`."
    )
    return False


def _note_foreign(parts: Parts, state: State, aliases: Names) -> bool:
    """Give a notice of the aliases that were left alone, and record them for `status`."""
    parts.ledger.mark_foreign(state.model, aliases)
    if aliases:
        parts.notice(foreign_sentence(state, aliases))
    return True


def _shows(parts: Parts, head: Head) -> bool:
    """Whether the mirror shows what it was last sent; gives a notice if somebody deleted it or restored a backup."""
    sent = parts.mirror.head(head.model)
    if sent is not None and (sent[0] > head.seq or sent == (head.seq, head.hash)):
        return True
    parts.notice(
        f"MLflow no longer shows entry {head.seq} of '{head.model}', which it had received: somebody deleted it or "
        f"restored a backup. Run `promotion audit {head.model}` to see what to do."
    )
    return False


def _check_end(parts: Parts, model: str) -> None:
    """Check that the mirror was not sent more than the ledger holds, which records every entry before the mirror."""
    sent, head = parts.mirror.head(model), parts.ledger.head(model)
    if sent and head and sent[0] > head.seq:
        message = (
            f"MLflow has received entry {sent[0]} of '{model}', but the ledger ends at entry {head.seq}: its end was "
            f"cut off, or it is an older copy. Run `promotion audit {model}` to see what to do."
        )
        raise MirrorAhead(message, model=model, seq=sent[0])
