"""Compare MLflow with the ledger: last entry sent, aliases and stages. `runs` compares the numbers."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

from promotion.audit.runs import Decided, check_runs
from promotion.errors import MirrorError
from promotion.findings import Code, Finding, finding
from promotion.interfaces import LedgerStore, Mirror, Names, Stored
from promotion.ledger.state import State
from promotion.registry.foreign_aliases import foreign, names_since, to_send, unknown_champion

_SAYS_HOW = "Run `promotion retrain {}`. In this state, it only lists your options and changes nothing."


def check_mirror(
    state: State,
    ledger: LedgerStore,
    mirror: Mirror,
    *,
    decided: Mapping[str, Decided],
    stored: Mapping[str, Stored],
    done: int,
    only: Collection[str] | None = None,
) -> Iterator[Finding]:
    """Check that MLflow's last entry is in the chain and that its aliases are the ledger's; if up to date, all of it.

    `decided`, `stored` and `only` are as in `check_runs`; `done` is the last entry that the ledger has marked as sent.
    """
    try:
        head, shown = mirror.head(state.model), mirror.aliases(state.model)
        if head != (state.seq, state.hash) or done < state.seq:
            unknown = _SAYS_HOW.format(state.model) if unknown_champion(state, shown) else None
            yield from _check_head(state, ledger, head, done, unknown)
        if head is None or head[0] <= state.seq or head in state.inherited:
            yield from _check_aliases(state, ledger, shown, head, done)
        if head is not None and head[0] == state.seq:
            yield from _check_stages(state, mirror.stages(state.model))
            yield from check_runs(state, decided, mirror, stored, only)
    except MirrorError as error:
        yield _unanswered(error)


def check_sent(state: State, ledger: LedgerStore, mirror: Mirror) -> Iterator[Finding]:
    """Check only that MLflow's last entry is in the chain, because the labels follow another copy of the ledger."""
    try:
        found = _check_head(state, ledger, mirror.head(state.model), state.seq, None)
        yield from (one for one in found if one.code in {Code.TAIL_CUT, Code.REWRITTEN})
    except MirrorError as error:
        yield _unanswered(error)


def _unanswered(error: MirrorError) -> Finding:
    mend = "Start MLflow, and run `promotion audit` again."
    return finding(Code.MIRROR, "mirror", "an answer from MLflow", str(error), mend)


def _check_head(
    state: State, ledger: LedgerStore, head: tuple[int, str] | None, done: int, unknown: str | None
) -> Iterator[Finding]:
    """Check that the ledger still holds the last entry that MLflow was sent.

    Nothing is sent until a person has decided about a champion that the ledger does not know; `unknown` says so then.
    """
    accept = (
        "Restore the ledger from a backup. If you restored an older ledger on purpose, delete the tag promotion.head "
        f"of the registered model '{state.model}' in MLflow and run `promotion repair {state.model}`."
    )
    send = f"Run `promotion repair {state.model}` to send everything again."
    sync = "Run `promotion sync`." if done < state.seq else send
    if head is None:
        if done:
            expected = f"a tag promotion.head that names entry {done} or a later one"
            yield finding(Code.HEAD_GONE, "mirror", expected, "no tag promotion.head in MLflow", send)
        elif state.seq:
            yield _behind(state, "no entry in MLflow", unknown or sync)
        return
    seq, entry_hash = head
    if head != (state.seq, state.hash) and head in state.inherited:
        yield _behind(state, f"entry {seq} of the ledger that the model was taken over from", unknown or sync)
        return
    if seq > state.seq:
        ends = f"entry {state.seq} as the last entry of the ledger" if state.seq else "an empty ledger"
        sent = f"entry {seq} with hash {entry_hash[:12]}, as sent to MLflow"
        yield finding(Code.TAIL_CUT, f"entry {seq}", sent, ends, accept)
        return
    (entry,) = ledger.entries(state.model, after=seq - 1, limit=1)
    if entry.hash != entry_hash:
        sent = f"hash {entry_hash[:12]}, as sent to MLflow"
        yield finding(Code.REWRITTEN, f"entry {seq}", sent, f"hash {entry.hash[:12]}", accept)
    else:
        yield _behind(state, f"entry {seq} in MLflow, and entry {done} marked as sent in the ledger", unknown or sync)


def _behind(state: State, ends: str, mend: str) -> Finding:
    return finding(Code.BEHIND, "mirror", f"entry {state.seq} in MLflow", ends, mend)


def _check_aliases(
    state: State, ledger: LedgerStore, shown: Mapping[str, str], head: tuple[int, str] | None, done: int
) -> Iterator[Finding]:
    """Report aliases that somebody else moved and, if MLflow is up to date, aliases that are still to be sent."""
    if head is None and not shown:  # nothing was ever sent, so no alias is foreign
        return
    names = to_send(state, partial(_sent, state, ledger, done))
    others = foreign(state, shown, head, names)
    unknown = unknown_champion(state, shown)
    mend = f"Run `promotion repair {state.model}` to write the ledger's alias. Until then, no command changes it."
    if unknown:  # first of all: until a person has decided about that champion, a repair leaves all aliases alone
        mend = _SAYS_HOW.format(state.model)
    for alias, name in others.items():
        wanted = str(names.wanted.get(alias, "no version"))
        if alias == "champion" and unknown:
            wanted = "no version, because the ledger has no champion"
        yield finding(Code.FOREIGN_ALIAS, f"alias {alias}", wanted, name or "no version", mend)
    if head and head[0] == state.seq:
        late, _ = names.settle(shown, head[0])
        for alias, tag in late.items():
            found = shown.get(alias, "no version")
            yield finding(Code.ALIAS, f"alias {alias}", str(tag or "no version"), found, "Run `promotion sync`.")


def _sent(state: State, ledger: LedgerStore, done: int, seq: int) -> Iterable[Names]:
    """Yield what the aliases named since the last mirror update; reads no entries if the mirror is up to date."""
    since = min(seq, done)
    if since == state.seq:
        return names_since(state, (), since)
    return names_since(State(model=state.model), ledger.entries(state.model), since)


def _check_stages(state: State, found: Mapping[str, str]) -> Iterator[Finding]:
    mend = f"Run `promotion repair {state.model}` to send the stages again."
    for tag, stage in state.versions.stages.items():
        if stage and found.get(tag) != stage:
            missing = found.get(tag, "no such version in MLflow")
            yield finding(Code.STAGE, tag, f"stage {stage} in MLflow", missing, mend)
