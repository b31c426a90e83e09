"""The status of a model: who serves, what is wrong, and how to roll back.

From the ledger, the labels and the last audit. MLflow is not asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from promotion.adapters.audits import LastAudit, last_audit
from promotion.displayed import Displayed
from promotion.errors import PromotionError, UnknownName
from promotion.ledger.state import State
from promotion.number_format import counted, minute
from promotion.registry.champion import missing_ledger, other_ledger
from promotion.registry.consent import approvals_sentence
from promotion.registry.foreign_aliases import foreign_sentence, unknown_champion
from promotion.registry.parts import Parts
from promotion.registry.rolled_back import rolled_back
from promotion.registry.serving import champion_trouble, label_trouble, labelled_prod, present, unfinished
from promotion.vocabulary import Tag

OTHER_LEDGER = "other ledger"
"""The kind of problem of a model that another ledger owns."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong with a model.

    Attributes:
        kind: a word or two, the same for every model with such a problem.
        sentence: what is wrong and what to do.
    """

    kind: str
    sentence: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Status(Displayed):
    """A model as `promotion status` shows it.

    Attributes:
        state: its state.
        problems: what is wrong.
        approvals: what its versions that passed still wait for.
        label: the champion's label; empty if it cannot be read.
        mirrored: the entry up to which MLflow is up to date.
        audited: its last audit on this computer, if any.
        way_back: how to roll back, or why that is not possible.
        missing: why the ledger records nothing, if there is no ledger yet; otherwise empty.
    """

    state: State
    problems: tuple[Problem, ...] = ()
    approvals: tuple[str, ...] = ()
    label: str = ""
    mirrored: int = 0
    audited: LastAudit | None = None
    way_back: tuple[str, ...] = ()
    missing: str = ""

    @property
    def attention(self) -> tuple[str, ...]:
        """What a person should look at, as sentences: approvals first, then problems."""
        return *self.approvals, *(problem.sentence for problem in self.problems)

    @property
    def foreign(self) -> bool:
        """Whether another ledger owns the model."""
        return any(problem.kind == OTHER_LEDGER for problem in self.problems)


def status(parts: Parts, model: str) -> Status:
    """Return the status of a model; see `Registry.status`."""
    known = dict.fromkeys((*parts.models(), *parts.store.models()))
    if model not in known:
        raise UnknownName("model", model, known)
    return detailed(parts, glance(parts, parts.writer.state(model), parts.clock()))


def glance(parts: Parts, state: State, now: datetime) -> Status:
    """Return a model as `status` lists it among others."""
    audited = last_audit(parts.config.path(parts.config.cache), state.model)
    return Status(
        state=state,
        audited=audited,
        problems=tuple(_problems(parts, state, audited)),
        approvals=tuple(_approvals(parts, state, now)),
    )


def detailed(parts: Parts, status: Status) -> Status:
    """Add what `status` shows of a single model."""
    state = status.state
    return replace(
        status,
        label=_label(parts, state),
        mirrored=parts.ledger.mirrored(state.model),
        way_back=() if status.foreign else _way_back(parts, state, status.audited),
        missing="" if status.foreign else missing_ledger(parts),
    )


def _problems(parts: Parts, state: State, audited: LastAudit | None) -> Iterable[Problem]:
    """Yield what is wrong with a model: another ledger owns it, or files, labels or MLflow differ from the ledger.

    MLflow's aliases are as the last command that asked MLflow has seen them. The findings of the last audit on this
    computer count until a later audit finds nothing.
    """
    if other := other_ledger(parts, state.model, state):
        return [Problem(kind=OTHER_LEDGER, sentence=other)]
    seen, done = parts.ledger.foreign(state.model), parts.ledger.mirrored(state.model)
    # nothing is sent before an unknown champion is settled
    behind = _behind(state, done) if done < state.seq and not unknown_champion(state, seen) else ""
    torn = [one.torn for one in parts.store.versions(state.model) if one.torn]
    found = (
        ("files", champion_trouble(state, parts.store)),
        ("unfinished", unfinished(state)),
        ("label", label_trouble(state, parts.store)),
        *(("torn", told) for told in torn),
        ("MLflow", behind),
        ("alias", foreign_sentence(state, seen)),
        ("unrecorded", _unrecorded(parts, state)),
        ("audit", _audit_sentence(state.model, audited)),
    )
    return [Problem(kind=kind, sentence=sentence) for kind, sentence in found if sentence]


def _way_back(parts: Parts, state: State, audited: LastAudit | None) -> tuple[str, ...]:
    """Return lines that say how to roll the model back, or why that is not possible; none without a champion.

    Names only versions that are in the store and in which the last audit found nothing wrong; only the rollback itself
    hashes and loads them.
    """
    if state.champion is None:
        return ()
    if state.previous is None:
        return ("There is no previous champion to roll back to.", *_others(parts, state, audited))
    trouble = _unusable_sentence(state.previous, audited)
    try:
        present(state, parts.store, Tag.parse(state.previous))
    except PromotionError as error:
        trouble = str(error)
    if trouble:
        return (f"The previous champion cannot be brought back. {trouble}", *_others(parts, state, audited))
    return (f"To roll back to {state.previous}:", f"  promotion rollback {state.model} --reason …")


def _unusable_sentence(tag: str, audited: LastAudit | None) -> str:
    """Say that the last audit found the version's files missing or changed; empty if it did not."""
    if audited is None or tag not in audited.unusable:
        return ""
    found = f"The last audit, at {minute(audited.at)} UTC, found that files of {tag} are missing or have changed."
    return f"{found} Restore them, and run `promotion audit {tag.partition(':')[0]}`."


def _others(parts: Parts, state: State, audited: LastAudit | None) -> tuple[str, ...]:
    """Return lines that name an earlier champion that can be brought back, if any.

    The most recent one that nobody rolled back from, else the one from which somebody rolled back last.
    """
    left_out = {state.champion.tag if state.champion else "", *(audited.unusable if audited else ())}
    whole = {str(one.tag) for one in parts.store.versions(state.model) if not one.torn} - left_out
    undone = {one.tag: one.rolled_back for one in rolled_back(state) if one.tag in whole and one.rolled_back}
    served = {one.tag: one for one in state.began if one.tag in whole and not state.versions[one.tag].deleted_at}
    if free := [one for tag, one in served.items() if tag not in undone]:
        tag, then = (last := max(free)).tag, f"became champion at {minute(last.at)} UTC"
    elif undone:
        tag, back = next(iter(undone.items()))
        then = f"was rolled back by {back.actor} at {minute(back.at)} UTC"
    else:
        return ()
    command = f"  promotion rollback {state.model} --to {tag.partition(':')[2]} --reason …"
    return (f"To bring back {tag}, which {then}:", command)


def _behind(state: State, done: int) -> str:
    return f"MLflow shows {state.model} as of entry {done} of {state.seq}; `promotion sync` brings it up to date."


def _label(parts: Parts, state: State) -> str:
    """Return the champion's label; empty without a champion or if the label cannot be read."""
    if state.champion is None:
        return ""
    try:
        return f"stage: {parts.store.get(Tag.parse(state.champion.tag)).stage or 'none'}"
    except PromotionError:
        return ""


def _approvals(parts: Parts, state: State, now: datetime) -> Iterable[str]:
    panel = parts.panel(state.model)
    return filter(None, (approvals_sentence(version, panel, now) for version in state.awaiting_approval))


def _unrecorded(parts: Parts, state: State) -> str:
    """Say that a version is labelled `prod` while the ledger has no champion; empty otherwise."""
    if state.champion:
        return ""
    serving = [str(tag) for tag in labelled_prod(parts.store, state.model)]
    if len(serving) > 1:
        named = ", ".join(serving)
        return f"{named} are all labelled prod, but only one can serve. `promotion adopt TAG` records which one."
    if serving:
        told = f"{serving[0]} is labelled prod, but the ledger has no champion."
        return f"{told} `promotion adopt {serving[0]}` makes it the champion."
    return ""


def _audit_sentence(model: str, last: LastAudit | None) -> str:
    """Say when the last audit was and what it found; empty without an audit or without findings."""
    if last is None or not last.findings:
        return ""
    return (
        f"The last audit of {model}, at {minute(last.at)} UTC, had {audit_found(last)}. To see what is still wrong, "
        f"run `promotion audit {model}`."
    )


def audit_found(last: LastAudit) -> str:
    """Return `2 findings (AUD010, AUD011)`."""
    return f"{counted(last.findings, 'finding')} ({', '.join(last.codes)})"
